"""Values that are not known, results, and errors: none leaves anything changed."""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict, namedtuple

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import TraceError, nn, optim
from tinygrad_cv import functional as F

quick = pytest.mark.quick
pytestmark = [pytest.mark.usefixtures("on_numpy"), quick]

Pair = namedtuple("Pair", "first second")

READING = {
    "item": lambda x: x.sum().item(),
    "tolist": lambda x: x.tolist(),
    "numpy": lambda x: x.numpy(),
    "asarray": lambda x: np.asarray(x),
    "value": lambda x: np.exp(x.value),
    "float": lambda x: float(x.sum()),
    "int": lambda x: int(x.sum()),
    "bool": lambda x: 1.0 if x.sum() > 0 else 2.0,
    "while": lambda x: next(i for i in range(5) if (x.sum() > i) == 0),
    "index": lambda x: [1.0, 2.0, 3.0][x.argmax()],
    "range": lambda x: range(x.argmax()),
    "mask": lambda x: x[x > 0],
    "mask by a list": lambda x: tg.tensor([1.0, 2.0])[x > 0],
    "format": lambda x: f"{x.sum().item():.3f}",
    "numpy function without a counterpart": lambda x: np.linalg.svd(x),
    "array of tensors": lambda x: np.array([x.sum(), x.sum()]),
    "pickle": lambda x: pickle.dumps(x),
    "dlpack": lambda x: np.from_dlpack(x),
    "assigning at a place that is not known": lambda x: tg.zeros(3).__setitem__(x.argmax(), 1.0),
    "min and max": lambda x: max(x.sum(), 0.0),
}


@pytest.mark.parametrize("name", READING)
@pytest.mark.parametrize("where", ["argument", "closed over", "computed"])
def test_reading_a_value_is_an_error_that_names_the_line_and_the_remedy(name, where):
    read = READING[name]
    w = tg.tensor([1.0, 2.0])

    @tg.jit
    def f(x):
        return read({"argument": x, "closed over": w, "computed": x + 0.0}[where])

    for _ in range(2):
        with pytest.raises(TraceError, match=r"test_jit_values\.py:\d+.*(where\(\)|schedule)"):
            f(tg.tensor([1.0, 2.0]))
    assert w.tolist() == [1.0, 2.0]


def test_a_learning_rate_cannot_be_branched_on_or_set():
    opt = optim.SGD([tg.zeros(1, requires_grad=True)], lr=0.1)

    def branch():
        return 1.0 if opt.lr > 0 else 2.0

    def assign():
        opt.param_groups[0]["lr"] = 0.2

    def decay():
        opt.param_groups[0]["lr"] *= 0.5

    for function in (branch, assign, decay, lambda: float(opt.lr), lambda: math.sqrt(opt.lr)):
        with pytest.raises(TraceError, match="learning rate"):
            tg.jit(function)()
    assert opt.lr == 0.1


def test_a_learning_rate_is_a_number_in_arithmetic():
    opt = optim.SGD([tg.zeros(1, requires_grad=True)], lr=0.1)

    def f(x):
        lr = opt.lr
        number = -(2 * lr + 1) / (3.0 - lr) ** 2 * abs(lr - 1) + np.float64(2.0) * lr + 2.0**lr
        return x * number, number * x, x / lr, lr / x, x - lr, x**lr, x.maximum(lr), x + lr * lr, x.astype("int64") * lr

    x = tg.tensor([1.0, 2.0, 0.3])
    jitted = tg.jit(f)
    for lr in (0.1, 0.7, 4):
        opt.lr = lr
        for a, b in zip(f(x), jitted(x), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a.numpy(), b.numpy())


# ---------------------------------------------------------------- results


def test_results_keep_their_structure():
    @tg.jit
    def f(x):
        return {"a": (x, [x + 1.0, None]), "b": Pair(2, "text"), "c": Pair(x * 2.0, np.arange(2)), "n": np.float32(3)}

    for value in (1.0, 2.0):
        out = f(tg.tensor([value]))
        assert list(out) == ["a", "b", "c", "n"] and type(out["a"]) is tuple and type(out["a"][1]) is list
        assert out["a"][0].item() == value and out["a"][1][0].item() == value + 1 and out["a"][1][1] is None
        assert out["b"] == (2, "text") and type(out["c"]) is Pair and out["c"].first.item() == 2 * value
        assert out["c"].second.tolist() == [0, 1] and type(out["n"]) is np.float32
    assert tg.jit(lambda: None)() is None
    assert tg.jit(lambda: 3)() == 3


def test_what_cannot_be_returned():
    for bad in (object(), OrderedDict(x=tg.ones(1)), {1, 2}):
        with pytest.raises(TraceError, match="the function returned a"):
            tg.jit(lambda bad=bad: bad)()


def test_no_two_results_share_memory_with_anything():
    w, constant = tg.tensor([1.0, 2.0]), np.array([5.0, 6.0], np.float32)

    @tg.jit
    def f(x):
        fixed = tg.tensor(constant)
        return x, x, w, fixed, fixed, x.reshape(2, 1), tg.zeros(2)

    x = tg.tensor([3.0, 4.0])
    first, second = f(x), f(x)
    arrays = [t.value for t in (*first, *second, x, w)] + [constant]
    for i, a in enumerate(arrays):
        for b in arrays[:i]:
            assert not np.shares_memory(a, b)
    for t in first:
        t[...] = 0.0
    assert x.tolist() == [3.0, 4.0] and w.tolist() == [1.0, 2.0]
    assert [t.reshape(-1).tolist() for t in f(x)] == [[3.0, 4.0]] * 2 + [[1.0, 2.0]] + [[5.0, 6.0]] * 2 + [
        [3.0, 4.0],
        [0.0, 0.0],
    ]


def test_state_does_not_share_memory_with_results_or_other_state():
    a, b = tg.tensor([1.0]), tg.tensor([2.0])

    @tg.jit
    def f(x):
        a.assign(x)
        b.assign(x)
        return x * 1.0, a

    out = f(tg.tensor([3.0]))
    arrays = [a.value, b.value, *(t.value for t in out)]
    assert not any(np.shares_memory(x, y) for i, x in enumerate(arrays) for y in arrays[:i])
    a[0] = 9.0
    assert b.item() == 3.0 and out[1].item() == 3.0


def test_state_that_is_only_read_keeps_its_array():
    layer = nn.Linear(3, 2)
    layer.train()
    arrays = [parameter._value for parameter in layer.parameters()]
    f = tg.jit(lambda x: layer(x))
    f(tg.ones(4, 3))
    f(tg.ones(4, 3))
    assert all(parameter._value is array for parameter, array in zip(layer.parameters(), arrays, strict=True))


def test_arrays_of_every_layout_are_accepted():
    base = np.arange(24, dtype=np.float32).reshape(4, 6)
    readonly = base.copy()
    readonly.flags.writeable = False
    f = tg.jit(lambda x: x * 2.0 + x.sum())
    for array in (base[::2, ::-1], np.asfortranarray(base), readonly, base[:0], np.array(3.0, np.float32)):
        for given in (array, tg.from_dlpack(array)):
            np.testing.assert_array_equal(f(given).numpy(), (tg.tensor(array) * 2.0 + tg.tensor(array).sum()).numpy())


# ---------------------------------------------------------------- indexing


def test_indexing_by_what_is_known_and_by_what_is_not():
    x = tg.tensor(np.arange(12.0, dtype=np.float32).reshape(3, 4))
    rows = np.array([2, 0, -1])
    mask = np.array([True, False, True])
    index = tg.tensor([1, -1])

    def f(x, at):
        return x[1], x[:, ::-2], x[rows], x[mask], x[rows[:2], [0, 1]], x[at], x[at, at], x[None, ..., 0], x[index]

    for a, b in zip(f(x, index), tg.jit(f)(x, index), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())


@pytest.mark.parametrize("bad", [3, -4])
def test_an_index_out_of_range_is_an_error_and_nothing_has_changed(bad):
    w = tg.tensor([1.0, 2.0, 3.0])

    @tg.jit
    def f(at):
        w.assign(w + 1.0)
        return w[at]

    assert f(tg.tensor([0, 2])).tolist() == [2.0, 4.0]
    with pytest.raises(IndexError, match=f"index {bad} is out of bounds"):
        f(tg.tensor([0, bad]))
    assert w.tolist() == [2.0, 3.0, 4.0]
    assert f(tg.tensor([-1, 1])).tolist() == [5.0, 4.0]
    assert "run without the graph 1 time" in f.explain() or "called" in f.explain()


def test_writing_at_a_place():
    w = tg.tensor(np.arange(6.0, dtype=np.float32).reshape(2, 3))

    def f(w, x):
        w[0] = x
        w[1, ::2] = 7
        w[:, 1] = w[:, 0] * 2.0
        w[np.array([[False, False, True], [False, False, False]])] = x[:1]
        w[[1, 1], [2, 2]] = tg.tensor([1.0, 2.0])
        return w + 0.0

    x, jitted = tg.tensor([10.0, 20.0, 30.0]), tg.jit(f)
    eager = w.clone()
    before = w.value
    for _ in range(2):
        np.testing.assert_array_equal(f(eager, x).numpy(), jitted(w, x).numpy())
        np.testing.assert_array_equal(eager.numpy(), w.numpy())
    assert w.value is before
    with pytest.raises(ValueError, match="must broadcast"):
        tg.jit(lambda w: w.__setitem__(0, tg.ones(2)))(w)


# ---------------------------------------------------------------- errors


def step_of(model, opt, schedule=None):
    def step(x, y):
        loss = F.cross_entropy(model(x), y)
        opt.zero_grad()
        loss.backward()
        optim.clip_grad_norm_(model, 1.0)
        opt.step()
        if schedule:
            schedule.step()
        return loss

    return tg.jit(step)


def everything(model, opt, schedule):
    """All that a step can change. State of zeros is as good as none."""
    return (
        {name: value.tolist() for name, value in model.state_dict().items()},
        [None if p.grad is None else p.grad.tolist() for p in model.parameters()],
        {
            (name, key): slot.tolist()
            for name, slots in opt.state.items()
            for key, slot in slots.items()
            if slot.numpy().any()
        },
        [dict(group, params=None) for group in opt.param_groups],
        schedule.state_dict(),
        tg.manual_seed.__wrapped__.__globals__["default_generator"].state.tolist(),
    )


ERRORS = {
    "a class number out of range": (IndexError, "class number 3 with 3 classes", [0, 3], 1.0),
    "a gradient that is not finite": (
        FloatingPointError,
        "gradient of parameter '.*NaN.* is not finite",
        [0, 1],
        math.nan,
    ),
    "every label ignored": (ValueError, "mean loss over nothing", [-100, -100], 1.0),
}


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("at", ["the first call", "a later call"])
def test_an_error_is_that_of_eager_code_and_leaves_everything_as_it_was(name, at):
    error, message, labels, scale = ERRORS[name]
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3))
    opt = optim.SGD(model, lr=0.1, momentum=0.9)
    schedule = optim.StepLR(opt, 1)
    step = step_of(model, opt, schedule)
    x = tg.tensor(np.random.default_rng(0).normal(size=(2, 4)).astype(np.float32))
    if at == "a later call":
        step(x, np.array([0, 1]))
    before = everything(model, opt, schedule)
    for _ in range(2):
        with pytest.raises(error, match=message):
            step(x * scale, np.array(labels))
        assert everything(model, opt, schedule) == before
    step(x, np.array([0, 1]))
    assert schedule.last_epoch == (2 if at == "a later call" else 1)
    assert step.explain().count("traced because") == 1


def test_an_error_while_tracing_leaves_everything_as_it_was():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3))
    opt = optim.AdamW(model, lr=0.1)
    schedule = optim.StepLR(opt, 1)

    @tg.jit
    def step(x, fail):
        loss = model(x).sum()
        opt.zero_grad()
        loss.backward()
        opt.step()
        schedule.step()
        if fail == "shape":
            return model(x[:, :3])
        return loss.item() if fail else loss

    x = tg.ones(2, 4)
    before = everything(model, opt, schedule)
    for fail, error in (("value", TraceError), ("shape", tg.ShapeError)):
        with pytest.raises(error):
            step(x, fail)
        assert everything(model, opt, schedule) == before
    step(x, None)
    assert schedule.last_epoch == 1 and opt.state["0.weight"]["step"].item() == 1.0


def test_errors_of_shapes_name_the_layer():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 2))
    with pytest.raises(tg.ShapeError, match=r"Sequential\.1.*in_features=4"):
        tg.jit(model)(tg.ones(1, 2, 2))


@pytest.mark.parametrize("scale", [1e30, 1e-30, math.inf, math.nan])
def test_normalization_of_numbers_whose_squares_overflow(scale):
    """The trace takes it for granted that they do not; where they do, the call runs as it is written."""
    bn = nn.BatchNorm2d(2)
    other = nn.BatchNorm2d(2)

    def f(bn, x):
        y = bn(x)
        (y * y * x).sum().backward()
        return y

    jitted = tg.jit(f)
    for factor in (1.0, scale, 1.0):
        x = np.random.default_rng(0).normal(size=(2, 2, 3, 3)).astype(np.float32) * np.float32(factor)
        for p in (*bn.parameters(), *other.parameters()):
            p.grad = None
        np.testing.assert_array_equal(f(bn, tg.tensor(x)).numpy(), jitted(other, tg.tensor(x)).numpy())
        for a, b in zip([*bn.parameters()], [*other.parameters()], strict=True):
            np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())
        for a, b in zip(bn.buffers(), other.buffers(), strict=True):
            np.testing.assert_array_equal(a.numpy(), b.numpy())
    assert ("run without the graph" in jitted.explain()) == (not 1e-30 <= scale <= 1.0)


def test_a_call_that_runs_as_written_has_a_graph_like_any_other():
    bn = nn.BatchNorm1d(2)
    f = tg.jit(lambda x: bn(x))
    x = tg.tensor(np.array([[1e30, 1.0], [2e30, 3.0]], np.float32), requires_grad=True)
    y = f(x)
    y.sum().backward()
    assert x.grad is not None and y.requires_grad and "run without the graph 1 time" in f.explain()


# ---------------------------------------------------------------- around it


def test_detect_anomaly_looks_at_each_operation():
    f = tg.jit(lambda x: (x * 0.0).log())
    assert f(tg.ones(1)).tolist() == [-math.inf]
    with tg.detect_anomaly(), pytest.raises(tg.GraphError, match=r"log.*made 1 infinite"):
        f(tg.ones(1))
    assert "called 1 time within detect_anomaly()" in f.explain()

    @tg.jit
    def inside(x):
        with tg.detect_anomaly():
            return x.log()

    with pytest.raises(TraceError, match=r"detect_anomaly\(\) inside.*around the call"):
        inside(tg.ones(1))


def test_a_drawing_shows_what_is_inside():
    f = tg.jit(lambda x: (x * 2.0).exp())
    text = tg.graph(lambda x: f(x) + 1.0, tg.ones(2)).text()
    assert "exp" in text and "add" in text


def test_explain_says_why():
    f = tg.jit(lambda x, power: x**power)
    assert f.explain() == "<jit of test_explain_says_why.<locals>.<lambda>, 0 traces>"
    f(tg.ones(2), 2.0)
    f(tg.ones(3), 2.0)
    f(tg.ones(3), power=3.0)
    with tg.no_grad():
        f(tg.ones(3), 2.0)
    lines = f.explain().splitlines()
    assert lines[1].startswith("traced because it is the first call: ")
    assert "the arguments are (float32[3], 2.0), and were (float32[2], 2.0)" in lines[2]
    assert "the arguments are (float32[3]), power=3.0, and were (float32[3], 2.0)" in lines[3]
    assert "operations are not recorded here" in lines[4]


def test_the_recorded_graph_as_a_view():
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU())
    f = tg.jit(model)
    view = f.graph(tg.ones(1, 3))
    assert "called 0 times" in f.explain()
    names = {node.name for node in view.nodes if node.kind == "input"}
    assert names == {"x", "0.weight", "0.bias"}
    assert {"contract", "add", "where"} <= {node.op for node in view.nodes}
    assert any(node.function == "linear" for node in view.nodes)
    assert view.dot(depth=1).startswith("digraph")


def test_jitted_functions_keep_their_names_and_can_be_copied():
    def f(x):
        """Doubles."""
        return x * 2.0

    jitted = tg.jit(f)
    assert jitted.__name__ == "f" and jitted.__doc__ == "Doubles." and jitted.function is f
    again = pickle.loads(pickle.dumps(tg.jit(F.relu)))
    assert again(tg.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]


def test_random_numbers_and_seeds():
    f = tg.jit(lambda: (tg.rand(3), tg.randn(2), tg.randint(0, 10, 4)))

    def g(seed):
        tg.manual_seed(seed)
        return tg.rand(2)

    tg.manual_seed(5)
    expected = [[t.tolist() for t in f.function()] for _ in range(3)]
    tg.manual_seed(5)
    assert [[t.tolist() for t in f()] for _ in range(3)] == expected
    seeded = tg.jit(g)
    assert seeded(3).tolist() == seeded(3).tolist() == g(3).tolist()


def test_an_own_generator():
    generator = tg.Generator(4)
    f = tg.jit(lambda x: F.dropout(x, 0.5, generator=generator))
    first = f(tg.ones(20)).tolist()
    assert first != f(tg.ones(20)).tolist()
    generator.manual_seed(4)
    assert f(tg.ones(20)).tolist() == first


def test_running_statistics_are_updated_at_each_call_and_not_by_a_replay():
    bn = nn.BatchNorm1d(2)
    f = tg.jit(lambda x: tg.checkpoint(bn, x).sum())
    x = tg.tensor(np.array([[1.0, 2.0], [3.0, 6.0]], np.float32), requires_grad=True)
    f(x).backward()
    assert bn.num_batches_tracked.item() == 1
    f(x)
    assert bn.num_batches_tracked.item() == 2


def test_zeros_of_both_signs_and_nan_as_parameters_are_told_apart():
    f = tg.jit(lambda x: [x.pad(((1, 0),), value) for value in (0.0, -0.0, math.nan, math.nan)])
    found = [y.numpy()[0] for y in f(tg.ones(1))]
    assert not np.signbit(found[0]) and np.signbit(found[1]) and np.isnan(found[2:]).all()
