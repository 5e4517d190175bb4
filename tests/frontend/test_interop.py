"""Ways in and out: NumPy's functions and protocols, DLPack, pickle, Python's numbers, printing."""

import copy
import math
import operator
import pickle

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core.context import scope

quick = pytest.mark.quick

X = np.array([[1.0, 2.0, 4.0], [0.5, 3.0, 0.25]])


def leaf():
    return tg.tensor(X, requires_grad=True)


@quick
def test_results_cannot_be_written_into_an_array():
    out = np.zeros_like(X)
    for call in (
        lambda: np.add(X, tg.tensor(X), out=out),
        lambda: np.exp(tg.tensor(X), out=out),
        lambda: np.sum(tg.tensor(X), out=np.zeros(())),
        lambda: np.max(tg.tensor(X), axis=0, out=np.zeros(3)),
        lambda: np.clip(tg.tensor(X), 0, 1, out=out),
        lambda: operator.iadd(out, tg.tensor(X)),
    ):
        with pytest.raises(tg.GraphError, match=r"np\.\w+ with out= an array"):
            call()
    assert not out.any()


@quick
@pytest.mark.parametrize(
    "op",
    [
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.pow,
        operator.floordiv,
        operator.mod,
        operator.lt,
    ],
)
def test_an_array_on_the_left(op):
    t = leaf()
    y = op(X, t)
    assert isinstance(y, tg.Tensor)
    np.testing.assert_allclose(y.numpy(), op(X, X), 1e-15)
    assert isinstance(op(np.float64(2.0), t), tg.Tensor)


# ---------------------------------------------------------------- arrays


@quick
def test_as_an_array():
    t = tg.tensor(X)
    array = np.asarray(t)
    np.testing.assert_array_equal(array, X)
    assert not array.flags.writeable and np.shares_memory(array, t.value)
    copied = np.array(t)
    copied[0, 0] = 9.0
    assert t[0, 0].item() == 1.0
    assert np.asarray(t, np.float32).dtype == np.float32 and np.asarray(tg.tensor([1, 2])).dtype == np.int64
    assert t.__array__(copy=True).flags.writeable
    with pytest.raises(ValueError, match="a copy is needed"):
        t.__array__(np.float32, copy=False)
    assert float(np.float64(tg.tensor(2.5))) == 2.5


@quick
def test_a_gradient_is_not_lost_to_an_array():
    for call in (np.asarray, np.array, lambda t: np.zeros((2, 3)).__setitem__(..., t), lambda t: tg.tensor([t])):
        with pytest.raises(tg.GraphError, match="would lose its gradient"):
            call(leaf())
    assert leaf().numpy().tolist() == X.tolist()
    np.testing.assert_array_equal(np.asarray(leaf().detach()), X)


@quick
def test_numpy_is_a_read_only_view():
    t = leaf()
    view = t.numpy()
    assert np.shares_memory(view, t.value)
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1.0
    assert t.value.flags.writeable


# ---------------------------------------------------------------- DLPack


@quick
def test_dlpack_with_numpy():
    t = tg.tensor(X)
    array = np.from_dlpack(t)
    assert np.shares_memory(array, t.value)
    back = tg.from_dlpack(array)
    assert back.tolist() == X.tolist()
    assert np.from_dlpack(tg.ones(1).expand(3)).tolist() == [1.0, 1.0, 1.0]
    assert tg.from_dlpack(t).tolist() == X.tolist()
    with pytest.raises(tg.GraphError, match=r"DLPack.*detach"):
        np.from_dlpack(leaf())


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "int64", "uint8", "bool"])
def test_dlpack_with_pytorch(dtype):
    torch = pytest.importorskip("torch")
    array = (X > 1).astype(dtype) if dtype == "bool" else X.astype(dtype)
    theirs = torch.from_dlpack(tg.tensor(array))
    assert (
        theirs.shape == (2, 3) and theirs.numpy().tolist() == array.tolist() and str(theirs.dtype) == f"torch.{dtype}"
    )
    ours = tg.from_dlpack(torch.from_numpy(array.copy()).T)
    assert ours.shape == (3, 2) and ours.dtype == dtype and ours.tolist() == array.T.tolist()
    theirs[0, 0] = 0
    assert tg.from_dlpack(theirs)[0, 0].item() == 0


def test_dlpack_of_foreign_dtypes():
    torch = pytest.importorskip("torch")
    with pytest.raises((tg.DTypeError, BufferError, RuntimeError, TypeError)):
        tg.from_dlpack(torch.ones(2, dtype=torch.complex64))


# ---------------------------------------------------------------- pickle, copy


@quick
@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    for x in (leaf(), tg.tensor([1, 2]), tg.tensor(np.float32(3.0)), tg.zeros(0, 3), tg.tensor(X.T)):
        y = pickle.loads(pickle.dumps(x, protocol))
        assert (y.shape, y.dtype, y.requires_grad, y.is_leaf) == (x.shape, x.dtype, x.requires_grad, True)
        np.testing.assert_array_equal(y.numpy(), x.numpy())


@quick
def test_copies_are_leaves_with_memory_of_their_own():
    x = leaf()
    (x * x).sum().backward()
    for make in (copy.deepcopy, copy.copy):
        y = make(x)
        assert y.requires_grad and y.is_leaf and not np.shares_memory(y.value, x.value) and y.node is not x.node
    result = copy.deepcopy(x * 2.0)
    assert not result.requires_grad and result.tolist() == (2 * X).tolist()


@quick
def test_pickle_of_a_view_holds_the_view_only():
    big = tg.zeros(100_000)
    assert len(pickle.dumps(big[:3])) < 1000


# ---------------------------------------------------------------- Python numbers


@quick
def test_numbers():
    assert (
        tg.tensor([[2.5]]).item() == 2.5 and type(tg.tensor(3).item()) is int and type(tg.tensor(True).item()) is bool
    )
    assert float(tg.tensor(2.5)) == 2.5 and int(tg.tensor(2.9)) == 2 and bool(tg.tensor(0.0)) is False
    assert [10, 20, 30][tg.tensor(1)] == 20 and list(range(tg.tensor(3))) == [0, 1, 2]
    assert f"{leaf().sum().item():.2f}" == "10.75"
    assert math.sqrt(tg.tensor(4.0)) == 2.0
    assert tg.tensor([[1, 2]]).tolist() == [[1, 2]]


@quick
@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: tg.ones(2).item(), ValueError, r"item\(\) of a tensor of shape \(2,\): it must hold one element"),
        (lambda: tg.zeros(0).item(), ValueError, "one element"),
        (lambda: float(tg.ones(2)), ValueError, "one element"),
        (
            lambda: bool(tg.ones(2)),
            ValueError,
            r"truth value of a tensor of shape \(2,\) is ambiguous: use .any\(\) or .all\(\)",
        ),
        (lambda: bool(tg.zeros(0)), ValueError, "ambiguous"),
        (lambda: len(tg.tensor(1.0)), TypeError, r"len\(\) of a 0-d tensor"),
        (lambda: iter(tg.tensor(1.0)), TypeError, "iteration over a 0-d tensor"),
        (lambda: [1, 2][tg.tensor(1.0)], TypeError, "0-d integer tensor"),
        (lambda: [1, 2][tg.tensor([1])], TypeError, "0-d integer tensor"),
        (lambda: [1, 2][tg.tensor(True)], TypeError, "0-d integer tensor"),
    ],
)
def test_what_is_no_number(call, error, message):
    with pytest.raises(error, match=message):
        call()


# ---------------------------------------------------------------- printing

REPRS = [
    (lambda: tg.tensor(1.5), "tensor(1.5, shape=(), dtype=float32)"),
    (lambda: tg.tensor([1, 2]), "tensor([1, 2], shape=(2,), dtype=int64)"),
    (lambda: tg.tensor([True, False]), "tensor([ True, False], shape=(2,), dtype=bool)"),
    (lambda: tg.zeros(0, 2), "tensor([], shape=(0, 2), dtype=float32)"),
    (lambda: tg.tensor([math.nan, math.inf]), "tensor([nan, inf], shape=(2,), dtype=float32)"),
    (lambda: tg.tensor([1.0, 1 / 3]), "tensor([1.    , 0.3333], shape=(2,), dtype=float32)"),
    (lambda: tg.tensor([[1.0, 2.0], [3.0, 4.0]]), "tensor([[1., 2.],\n        [3., 4.]], shape=(2, 2), dtype=float32)"),
    (lambda: tg.ones(2, requires_grad=True), "tensor([1., 1.], shape=(2,), dtype=float32, requires_grad=True)"),
    (lambda: tg.ones(2, requires_grad=True) * 2, "tensor([2., 2.], shape=(2,), dtype=float32, from=mul)"),
    (lambda: tg.arange(200), "tensor([  0,   1, ..., 198, 199], shape=(200,), dtype=int64)"),
]


@quick
@pytest.mark.parametrize("make, text", REPRS, ids=[text for _, text in REPRS])
def test_repr(make, text):
    assert repr(make()) == text


@quick
def test_repr_says_where_a_result_came_about():
    with scope("features", "module"), scope("0", "module"), scope("conv2d", "function"):
        y = tg.ones(1, requires_grad=True).exp()
    assert repr(y) == "tensor([2.7183], shape=(1,), dtype=float32, from=exp in features.0/conv2d)"


@quick
def test_repr_does_not_heed_numpys_print_options():
    with np.printoptions(precision=1):
        assert "0.3333" in repr(tg.tensor(1 / 3))
