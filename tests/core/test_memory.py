"""An array that changes between forward and backward: an error that names the operation, never a wrong gradient."""

import gc

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core import memory

quick = pytest.mark.quick


@quick
@pytest.mark.parametrize(
    "name, function, changed",
    [
        ("mul", lambda x, w: x * w, "w"),
        ("div", lambda x, w: x / w, "w"),
        ("contract", lambda x, w: x @ w, "w"),
        ("gather", lambda x, w: x[w.astype("int64") * 0], None),
        ("exp", lambda x, w: x.exp(), "y"),
        ("tanh", lambda x, w: x.tanh(), "y"),
        ("square", lambda x, w: x**2, "x"),
        ("max", lambda x, w: x.max(keepdims=True), "x"),
    ],
)
def test_changed_in_place_between_forward_and_backward(name, function, changed):
    """conventions.md: an error that names the op"""
    x, w = tg.ones(3, requires_grad=True), tg.full((3,), 2.0)
    y = function(x, w)
    if changed is None:
        return
    with tg.no_grad():
        {"x": x, "w": w, "y": y}[changed][0] = 5.0
    with pytest.raises(tg.GraphError, match=rf"{name}: the array of shape .* changed in place.*Change a copy"):
        y.sum().backward()
    assert x.grad is None


@quick
def test_change_through_a_view_is_noticed():
    x, w = tg.ones(4, requires_grad=True), tg.ones(2, 2)
    view = w[0]
    y = x.reshape(2, 2) * w
    view[...] = 3.0
    assert w.tolist() == [[3.0, 3.0], [1.0, 1.0]]
    with pytest.raises(tg.GraphError, match="mul"):
        y.sum().backward()


@quick
def test_change_of_the_base_of_a_kept_view_is_noticed():
    x, w = tg.ones(2, requires_grad=True), tg.ones(2, 2)
    y = x * w[0]
    w[0, 0] = 3.0
    with pytest.raises(tg.GraphError, match="mul"):
        y.sum().backward()


@quick
def test_change_of_what_nobody_kept_is_fine():
    x, w = tg.ones(3, requires_grad=True), tg.ones(3)
    y = (x + w) * 2.0
    w[...] = 100.0
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0]


@quick
def test_change_before_the_forward_pass_is_fine():
    x, w = tg.ones(3, requires_grad=True), tg.ones(3)
    w[...] = 3.0
    y = x * w
    other = tg.ones(3)
    other[...] = 9.0
    y.sum().backward()
    assert x.grad.tolist() == [3.0, 3.0, 3.0]


@quick
def test_change_after_backward_is_fine():
    x, w = tg.ones(3, requires_grad=True), tg.ones(3)
    (x * w).sum().backward()
    w[...] = 3.0
    (x * w).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0, 4.0]


@quick
def test_change_under_a_checkpoint_is_noticed():
    x, w = tg.ones(3, requires_grad=True), tg.ones(3)
    y = tg.checkpoint(lambda x, w: x * w, x, w)
    w[...] = 3.0
    with pytest.raises(tg.GraphError, match=r"checkpoint.*changed in place"):
        y.sum().backward()
    assert x.grad is None


@quick
def test_change_of_what_a_custom_function_kept_is_noticed():
    class Scaled(tg.CustomFunction):
        @staticmethod
        def forward(ctx, x, w):
            ctx.save_for_backward(w)
            return x * w

        @staticmethod
        def backward(ctx, g):
            (w,) = ctx.saved_tensors
            return g * w, None

    x, w = tg.ones(3, requires_grad=True), tg.ones(3)
    y = Scaled.apply(x, w)
    w[...] = 3.0
    with pytest.raises(tg.GraphError, match=r"Scaled: .*changed in place"):
        y.sum().backward()


@quick
def test_arrays_handed_in_and_out_are_not_shared():
    array = np.ones(3, np.float32)
    w = tg.tensor(array)
    x = tg.ones(3, requires_grad=True)
    y = x * w
    array[...] = 7.0
    with pytest.raises(ValueError, match="read-only"):
        w.numpy()[0] = 7.0
    y.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0, 1.0]


# ---------------------------------------------------------------- writing


@quick
def test_writing_into_what_is_recorded_is_refused():
    """conventions.md: assigning into a leaf or a saved array"""
    x = tg.ones(3, requires_grad=True)
    with pytest.raises(tg.GraphError, match=r"leaf that requires grad.*no_grad"):
        x[0] = 1.0
    with pytest.raises(tg.GraphError, match=r"recorded result \(mul\)"):
        (x * 2.0)[0] = 1.0
    with pytest.raises(tg.GraphError, match=r"assign\(\).*leaf"):
        x.assign(tg.zeros(3))
    assert x.tolist() == [1.0, 1.0, 1.0]
    with tg.no_grad():
        x[0] = 5.0
        x.detach()[1] = 6.0
    assert x.tolist() == [5.0, 6.0, 1.0]


@quick
def test_assign_leaves_old_graphs_their_values():
    w, x = tg.full((3,), 2.0, requires_grad=True), tg.ones(3, requires_grad=True)
    y = (x * w).sum()
    with tg.no_grad():
        w.assign(w * 10.0)
    y.backward()
    assert x.grad.tolist() == [2.0, 2.0, 2.0] and w.grad.tolist() == [1.0, 1.0, 1.0]
    assert w.tolist() == [20.0, 20.0, 20.0] and w.requires_grad and w.is_leaf


@quick
def test_assign_takes_only_what_fits():
    w = tg.ones(2, 3)
    with pytest.raises(tg.ShapeError, match=r"\(2, 3\).*\(3,\)"):
        w.assign(tg.ones(3))
    with pytest.raises(tg.DTypeError, match=r"float32.*float64"):
        w.assign(tg.ones(2, 3, dtype="float64"))
    assert w.assign(np.zeros((2, 3))) is w and w.dtype == np.float32
    assert w.tolist() == [[0.0] * 3] * 2


@quick
def test_assigned_array_is_the_callers_no_more():
    array = np.ones(3, np.float32)
    w = tg.zeros(3).assign(array)
    array[0] = 9.0
    assert w.tolist() == [1.0, 1.0, 1.0]


@quick
def test_writing_into_a_broadcast_tensor_makes_it_whole():
    x = tg.ones(1)
    y = x.expand(3)
    y[0] = 5.0
    assert y.tolist() == [5.0, 1.0, 1.0] and x.tolist() == [1.0]


@quick
def test_notes_of_changes_die_with_the_memory():
    gc.collect()
    before = len(memory._stamps)
    w = tg.ones(3)
    w[0] = 2.0
    w[1] = 2.0
    assert len(memory._stamps) == before + 1
    del w
    assert len(memory._stamps) == before


# ---------------------------------------------------------------- borrowed memory


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def test_borrowed_memory_that_changed_is_noticed(torch):
    """conventions.md: array changed in place, here by another library through DLPack"""
    foreign = torch.ones(3)
    w, x = tg.from_dlpack(foreign), tg.ones(3, requires_grad=True)
    y = (x * w).sum()
    foreign[0] = 5.0
    assert w.tolist() == [5.0, 1.0, 1.0]
    with pytest.raises(tg.GraphError, match=r"mul: .*changed in place"):
        y.backward()


def test_lent_memory_that_changed_is_noticed(torch):
    w, x = tg.ones(3), tg.ones(3, requires_grad=True)
    foreign = torch.from_dlpack(w)
    y = (x * w).sum()
    foreign[0] = 5.0
    with pytest.raises(tg.GraphError, match=r"mul: .*changed in place"):
        y.backward()


def test_borrowed_memory_that_did_not_change_is_fine(torch):
    foreign = torch.full((2, 3), 2.0)
    w, x = tg.from_dlpack(foreign), tg.ones(2, 3, requires_grad=True)
    (x.T * w.T).sum().backward()
    assert x.grad.tolist() == [[2.0] * 3] * 2


def test_notes_of_borrowing_die_with_the_memory(torch):
    gc.collect()
    before = len(memory._borrowed)
    for _ in range(5):
        w = tg.from_dlpack(torch.ones(3))
        v = w * 2.0
        torch.from_dlpack(v)
    del w, v
    gc.collect()
    assert len(memory._borrowed) == before


@quick
def test_numpys_own_dlpack_is_borrowed_too():
    array = np.ones(3, np.float32)
    w, x = tg.from_dlpack(array), tg.ones(3, requires_grad=True)
    y = (x * w).sum()
    array[1] = 4.0
    with pytest.raises(tg.GraphError, match="mul"):
        y.backward()


@quick
def test_fingerprint_of_any_layout():
    array = np.arange(24.0).reshape(2, 3, 4)
    memory.borrow(array)
    views = [
        array,
        array.T,
        array[:, ::-2],
        array[0, 0, :1],
        array[:0],
        array.astype("int8"),
        np.broadcast_to(array, (2, 2, 3, 4)),
    ]
    before = [memory.fingerprint(view) for view in views]
    assert [memory.fingerprint(view) for view in views] == before
    assert memory.fingerprint(np.ones(3)) is None
    array[0, 0, 0] = -1.0
    changed = [a != b for a, b in zip(before, map(memory.fingerprint, views), strict=True)]
    assert changed == [True, True, True, True, False, False, True]
