"""Augmented assignment: in place outside of a graph, the next result within one, an error where neither is right."""

import operator

import numpy as np
import pytest

import tinygrad_cv as tg

pytestmark = pytest.mark.quick

X = np.array([[1.0, 2.0, 4.0], [0.5, 3.0, 0.25]], np.float32)
Y = np.array([0.5, 2.0, 3.0], np.float32)
SQUARE = np.array([[1.0, 2.0], [0.5, 3.0]], np.float32)
BITS = np.array([True, False])
OPERATORS = {
    "iadd": (X, Y),
    "isub": (X, Y),
    "imul": (X, Y),
    "itruediv": (X, Y),
    "ifloordiv": (X, Y),
    "imod": (X, Y),
    "ipow": (X, Y),
    "imatmul": (SQUARE, SQUARE.T.copy()),
    "iand": (BITS, BITS[::-1].copy()),
    "ior": (BITS, BITS[::-1].copy()),
}


def test_every_operator_in_place_is_here():
    found = {name for name in dir(operator) if name[0] == "i" and hasattr(tg.Tensor, f"__{name[1:]}__")}
    assert found == set(OPERATORS) and all(hasattr(tg.Tensor, f"__{name}__") for name in OPERATORS)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", OPERATORS)
def test_the_tensor_itself_changes(name, compiled):
    """... also through other names and through brackets; as NumPy's arrays do."""
    op, (x, y) = getattr(operator, name), OPERATORS[name]
    expected = op(x.copy(), y)
    t, rows, other = tg.tensor(x), tg.tensor(x), tg.tensor(y)
    alias = t

    def change():
        own = t
        own = op(own, other)
        if x.dtype.kind == "f" and name != "imatmul":
            rows[1] = op(rows[1], other)
        return own is t

    assert tg.jit(change)() if compiled else change()
    np.testing.assert_allclose(alias.numpy(), expected, 1e-6)
    if x.dtype.kind == "f" and name != "imatmul":
        np.testing.assert_allclose(rows.numpy(), np.stack([x[0], expected[1]]), 1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_parameters_are_updated_under_no_grad(compiled):
    p = tg.nn.Parameter(X)

    def step():
        p.grad = None
        p.square().sum().backward()
        with tg.no_grad():
            for q in [p]:
                q -= 0.25 * q.grad
            p[0] -= 0.5
            p[:, 1] *= 2.0
        p.grad *= 0.5

    (tg.jit(step) if compiled else step)()
    expected = X - 0.25 * (2 * X)
    expected[0] -= 0.5
    expected[:, 1] *= 2.0
    np.testing.assert_allclose(p.numpy(), expected)
    np.testing.assert_allclose(p.grad.numpy(), X)
    assert p.is_leaf and p.requires_grad


def test_a_view_changes_its_base():
    t = tg.tensor(X)
    for row in t:
        row -= row.mean()
    np.testing.assert_allclose(t.numpy(), X - X.mean(1, keepdims=True), 1e-6)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_recorded_result_becomes_the_next_result(compiled):
    """out += identity, and a total that starts without a graph; the value that the graph kept stays as it was."""

    def both(x):
        out = x.exp()
        kept = out
        out += x
        total = tg.tensor(0.0)
        total += (out * out).sum()
        return total + kept.sum()

    x, again = (tg.tensor(X, requires_grad=True) for _ in range(2))
    (tg.jit(both) if compiled else both)(x).backward()
    y = again.exp() + again
    ((y * y).sum() + y.sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), again.grad.numpy(), 1e-5)


def test_a_leaf_that_is_recorded_is_refused_with_the_remedy():
    p = tg.tensor(X, requires_grad=True)
    for name in OPERATORS:
        if OPERATORS[name][0].dtype.kind == "f":
            with pytest.raises(tg.GraphError, match=r"leaf of shape \(2, 3\) that requires grad.*no_grad.*\.assign"):
                getattr(operator, name)(p, 1.0)
    np.testing.assert_array_equal(p.numpy(), X)


@pytest.mark.parametrize(
    "view",
    [lambda y: y[0], lambda y: y.reshape(-1), lambda y: y.T, lambda y: y.flip(0)],
    ids=["[]", "reshape", "T", "flip"],
)
def test_a_view_of_a_recorded_result_is_refused(view):
    v = view(tg.tensor(X, requires_grad=True) * 2)
    with pytest.raises(tg.GraphError, match=r"view of a recorded result.*Write t = t \+ v.*\.assign"):
        v += 1.0


@pytest.mark.parametrize(
    "x, v, error, message",
    [
        (np.arange(3), 0.5, tg.DTypeError, r"t \+= v: the tensor has dtype int64, the result float32"),
        (X, np.zeros((2, 2, 3), "f4"), tg.ShapeError, r"shape \(2, 3\), the result \(2, 2, 3\)"),
        (BITS, 1, tg.DTypeError, "dtype bool, the result int64"),
        (np.float16([1]), np.float32([1]), tg.DTypeError, "float16"),
        (X, "one", TypeError, "unsupported operand"),
    ],
)
def test_what_does_not_fit_changes_nothing(x, v, error, message):
    t = tg.tensor(x)
    with pytest.raises(error, match=message):
        t += v
    np.testing.assert_array_equal(t.numpy(), x)


def test_what_the_graph_kept_is_noticed():
    x, w = tg.tensor(X, requires_grad=True), tg.tensor(X)
    y = (x * w).sum()
    w -= 1.0
    with pytest.raises(tg.GraphError, match="changed in place"):
        y.backward()


def test_what_has_no_memory_of_its_own_gets_it():
    x = tg.ones(1)
    wide = x.expand(3)
    wide += np.float32([0, 1, 2])
    assert wide.tolist() == [1.0, 2.0, 3.0] and x.tolist() == [1.0]
