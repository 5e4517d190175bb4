"""Which dtype a result has. conventions.md: float32 in, float32 gradient out, with NumPy 1.26 and 2.x alike."""

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg

pytestmark = pytest.mark.quick

BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "maximum": lambda a, b: a.maximum(b) if isinstance(a, tg.Tensor) else b.maximum(a),
    "minimum": lambda a, b: a.minimum(b) if isinstance(a, tg.Tensor) else b.minimum(a),
    "where": lambda a, b: tg.where([True, False, True], a, b),
}
COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
FLOATS = ("float16", "float32", "float64")
SCALARS = [2, 2.0, True, np.float64(2.0), np.float32(2.0), np.int64(2), np.float16(2.0), np.array(2)[()]]


@pytest.mark.parametrize("op", BINARY)
def test_scalars_do_not_change_a_floats_dtype(op):
    """Python's numbers and NumPy's scalars are weak, on either side; the gradient keeps the dtype too."""
    for dtype, scalar, swap in itertools.product(FLOATS, SCALARS, (False, True)):
        x = tg.tensor([1.0, 2.0, 3.0], dtype, requires_grad=True)
        y = BINARY[op](scalar, x) if swap else BINARY[op](x, scalar)
        assert y.dtype == dtype, (scalar, swap)
        if y.requires_grad:
            y.sum().backward()
            assert x.grad.dtype == dtype


@pytest.mark.parametrize("op", BINARY)
def test_integers_follow_the_float(op):
    for dtype, other in itertools.product(FLOATS, ("int64", "int8", "uint8", "bool")):
        x, n = tg.tensor([1.0, 2.0, 3.0], dtype), tg.tensor([1, 1, 1], other)
        assert BINARY[op](x, n).dtype == BINARY[op](n, x).dtype == dtype
        assert BINARY[op](x, n.numpy()).dtype == dtype


@pytest.mark.parametrize("op", [*BINARY, *COMPARE])
def test_two_floats_are_an_error(op):
    """No operation changes a dtype silently: neither to the wider nor to the narrower."""
    function = {**BINARY, **COMPARE}[op]
    a, b = tg.ones(3), tg.ones(3, dtype="float64")
    for pair in [(a, b), (b, a), (a, b.numpy()), (b.numpy(), a)]:
        with pytest.raises(tg.DTypeError, match=r"no operation changes a dtype silently.*astype\('float32'\)"):
            function(*pair)


@pytest.mark.parametrize(
    "join",
    [
        tg.matmul,
        lambda a, b: tg.concatenate([a, b]),
        lambda a, b: tg.stack([a, b]),
        lambda a, b: tg.einsum("ij,jk->ik", a, b),
    ],
)
def test_joins_follow_the_same_rules(join):
    a = tg.ones(2, 2)
    assert join(a, tg.ones(2, 2, dtype="int8")).dtype == np.float32
    assert join(a, np.ones((2, 2), int)).dtype == np.float32
    with pytest.raises(tg.DTypeError):
        join(a, tg.ones(2, 2, dtype="float64"))


@pytest.mark.parametrize("op", ["+", "-", "*", "//", "%"])
def test_integers_among_themselves(op):
    for one, other in itertools.product(["int64", "int32", "uint8", "int8"], repeat=2):
        a, b = np.array([7, 8, 9], one), np.array([2, 3, 4], other)
        y = BINARY[op](tg.tensor(a), tg.tensor(b))
        expected = BINARY[op](a, b)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y.numpy(), expected)


def test_integers_and_python_numbers():
    n = tg.tensor([1, 2, 3], "int8")
    assert (n + 1).dtype == (n * 2).dtype == (3 - n).dtype == np.int8
    assert (n + 1.0).dtype == (n * 0.5).dtype == np.float32
    assert (n / 2).dtype == (n / n).dtype == (1 / n).dtype == np.float32
    assert (n**2).dtype == (n**3).dtype == np.int8 and (n**-1.0).dtype == (n**-2.0).dtype == np.float32
    assert (n + True).dtype == np.int8 and (n > 0).dtype == bool
    b = tg.tensor([True, False, True])
    assert (b + 1).dtype == np.int64 and (b * 1.5).dtype == np.float32 and (b + True).dtype == bool


@pytest.mark.parametrize("number", [300, -1])
def test_a_number_that_an_integer_dtype_cannot_hold(number):
    """Alike with every NumPy: arithmetic refuses it, comparisons know the answer."""
    x = tg.tensor([0, 255], "uint8")
    for op in ("+", "*", "-", "maximum", "where"):
        with pytest.raises(tg.DTypeError, match=rf"{number} .*uint8"):
            BINARY[op](x[:1] if op == "where" else x, number)
    array = np.array([0, 255], int)
    for op, compare in COMPARE.items():
        assert compare(x, number).tolist() == compare(array, number).tolist(), op
        assert compare(number, x).tolist() == compare(number, array).tolist(), op


@pytest.mark.parametrize(
    "function", ["exp", "log", "sqrt", "sin", "cos", "tanh", "erf", "sigmoid", "mean", "var", "std", "logsumexp"]
)
def test_functions_of_integers_are_float32(function):
    assert getattr(tg.tensor([1, 2, 3]), function)().dtype == np.float32
    for dtype in ("float16", "float32", "float64"):
        assert getattr(tg.tensor([1.0, 2.0, 3.0], dtype), function)().dtype == dtype


@pytest.mark.parametrize(
    "function", ["abs", "sign", "square", "relu", "floor", "neg", "max", "min", "clip", "norm", "sum", "prod", "cumsum"]
)
def test_functions_keep_float_dtypes(function):
    call = {"neg": lambda x: -x, "clip": lambda x: x.clip(0, 2), "cumsum": lambda x: x.cumsum(0)}.get(
        function, lambda x: getattr(x, function)()
    )
    for dtype in ("float16", "float32", "float64"):
        x = tg.tensor([1.0, 2.0, 3.0], dtype, requires_grad=True)
        y = call(x)
        assert y.dtype == dtype
        if y.requires_grad:
            y.sum().backward()
            assert x.grad.dtype == dtype


def test_sums_of_integers_are_int64():
    for dtype in ("int8", "uint8", "bool", "int32"):
        x = tg.tensor([[1, 1], [0, 1]], dtype)
        assert x.sum().dtype == x.sum(0).dtype == x.cumsum(0).dtype == x.prod().dtype == np.int64
        assert x.max().dtype == x.min().dtype == dtype


def test_astype():
    x = tg.tensor([1.7, -0.5], requires_grad=True)
    assert x.astype("int8").tolist() == [1, 0] and not x.astype("int8").requires_grad
    assert x.astype(bool).tolist() == [True, True]
    x.astype("float64").sum().backward()
    assert x.grad.dtype == np.float32
    assert x.astype("float32") is not x and x.astype("float32").tolist() == x.tolist()
    with pytest.raises(tg.DTypeError):
        x.astype("complex64")


def test_0d_arrays_are_not_weak():
    """A 0-d array is an array: it keeps its dtype, unlike a scalar."""
    with pytest.raises(tg.DTypeError):
        tg.ones(2) * np.array(2.0)
    with pytest.raises(tg.DTypeError):
        tg.ones(2) * tg.tensor(np.array(2.0))


def test_gradient_dtypes_of_mixed_graphs():
    x = tg.ones(3, requires_grad=True)
    w = tg.ones(3, dtype="float64", requires_grad=True)
    ((x * 2.0).astype("float64") * w).sum().backward()
    assert x.grad.dtype == np.float32 and w.grad.dtype == np.float64
