"""Operators and elementary functions against NumPy and Python, with broadcasting; gradients against differences."""

import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.differences import check

pytestmark = pytest.mark.quick
SEED = 21

BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
}
COMPARE = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def quarters(shape, seed=SEED):
    """Numbers whose quotients and remainders are exact or nearly so; never 0."""
    rng = np.random.default_rng(seed)
    return rng.integers(1, 20, shape) / 4.0


@pytest.mark.parametrize("op", [*BINARY, *COMPARE])
def test_operators_broadcast_as_numpys(op):
    function = {**BINARY, **COMPARE}[op]
    for a_shape, b_shape in [
        ((2, 3), (2, 3)),
        ((2, 3), (3,)),
        ((2, 1), (1, 3)),
        ((), (2, 3)),
        ((0, 3), (3,)),
        ((2, 1, 3), (4, 1)),
    ]:
        a, b = quarters(a_shape), quarters(b_shape, SEED + 1)
        expected = function(a, b)
        for left, right in [(tg.tensor(a), tg.tensor(b)), (tg.tensor(a), b), (a, tg.tensor(b))]:
            y = function(left, right)
            assert isinstance(y, tg.Tensor)
            np.testing.assert_allclose(y.numpy(), expected, 1e-15)
            assert y.dtype == expected.dtype


@pytest.mark.parametrize("op", [*BINARY, *COMPARE])
def test_operators_with_python_numbers(op):
    function = {**BINARY, **COMPARE}[op]
    x = quarters((5,))
    for number in (2, 0.75, 3.0, 0.5, 1, -1 if op != "**" else 2):
        np.testing.assert_allclose(function(tg.tensor(x), number).numpy(), function(x, number), 1e-15)
        np.testing.assert_allclose(function(number, tg.tensor(x)).numpy(), function(number, x), 1e-15)


@pytest.mark.parametrize("op", ["//", "%"])
def test_quotient_and_remainder_round_down(op):
    a, b = (x.ravel() for x in np.meshgrid(np.arange(-7, 8), [-3, -2, -1, 1, 2, 5]))
    for dtype in ("int64", "int8", "float64"):
        expected = BINARY[op](a.astype(dtype), b.astype(dtype))
        y = BINARY[op](tg.tensor(a.astype(dtype)), tg.tensor(b.astype(dtype)))
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), expected)


@pytest.mark.parametrize("op", ["+", "-", "*", "/", "**", "%"])
def test_gradients_of_operators(op):
    for a_shape, b_shape in [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((0, 2), (2,))]:
        check(BINARY[op], [quarters(a_shape) + 0.1, quarters(b_shape, SEED + 1) + 3.07], SEED)


FUNCTIONS = {
    "abs": (np.abs, "real"),
    "sign": (np.sign, "real"),
    "square": (np.square, "real"),
    "sqrt": (np.sqrt, "positive"),
    "exp": (np.exp, "real"),
    "log": (np.log, "positive"),
    "sin": (np.sin, "real"),
    "cos": (np.cos, "real"),
    "tanh": (np.tanh, "real"),
    "erf": (np.vectorize(math.erf, otypes=[float]), "real"),
    "sigmoid": (lambda x: 1 / (1 + np.exp(-x)), "real"),
    "relu": (lambda x: np.maximum(x, 0), "real"),
    "floor": (np.floor, "real"),
    "isnan": (np.isnan, "real"),
    "isfinite": (np.isfinite, "real"),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    expected, domain = FUNCTIONS[name]
    for shape in [(), (1,), (0, 3), (7,), (2, 3)]:
        rng = np.random.default_rng(SEED)
        x = np.asarray(rng.uniform(0.5, 3, shape) if domain == "positive" else rng.normal(size=shape) * 3)
        y = getattr(tg.tensor(x), name)()
        assert y.shape == shape
        np.testing.assert_allclose(y.numpy(), expected(x), 2e-15)
        if y.dtype == np.float64 and name not in ("sign", "floor"):
            check(lambda x: getattr(x, name)(), [x], SEED)


def test_sigmoid_is_right_on_both_sides():
    x = np.array([-800.0, -40.0, -1e-20, 0.0, 1e-20, 40.0, 800.0, math.inf, -math.inf])
    expected = [0.0, math.exp(-40) / (1 + math.exp(-40)), 0.5, 0.5, 0.5, 1 / (1 + math.exp(-40)), 1.0, 1.0, 0.0]
    np.testing.assert_allclose(tg.tensor(x).sigmoid().numpy(), expected, 1e-15)
    t = tg.tensor(x, requires_grad=True)
    (g,) = tg.grad(t.sigmoid().sum(), [t], create_graph=True)
    assert np.isfinite(g.numpy()).all() and g.tolist()[3] == 0.25
    assert np.isfinite(tg.grad(g.sum(), t).numpy()).all()


def test_isfinite_and_isnan_of_specials():
    x = tg.tensor([math.nan, math.inf, -math.inf, 0.0, 3e38])
    assert x.isnan().tolist() == [True, False, False, False, False]
    assert x.isfinite().tolist() == [False, False, False, True, True]
    assert tg.tensor([1, 2]).isfinite().all()


@pytest.mark.parametrize(
    "low, high", [(0.0, 1.0), (None, 0.5), (-0.5, None), (None, None), (np.array([0.0, 0.5, -1.0]), 0.75), (1.0, 0.0)]
)
def test_clip(low, high):
    x = np.random.default_rng(SEED).normal(size=(4, 3))
    expected = x
    if low is not None:
        expected = np.maximum(expected, low)
    if high is not None:
        expected = np.minimum(expected, high)
    np.testing.assert_array_equal(tg.tensor(x).clip(low, high).numpy(), expected)
    check(lambda x: x.clip(low, high), [x], SEED)


def test_clip_by_tensors_has_gradients_for_the_bounds():
    x, low = tg.tensor([-1.0, 0.5, 3.0]), tg.tensor(0.0, requires_grad=True)
    high = tg.tensor([1.0, 1.0, 1.0], requires_grad=True)
    x.clip(low, high).sum().backward()
    assert low.grad.item() == 1.0 and high.grad.tolist() == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", "bool", "float32"])
def test_minimum_and_maximum_of_every_dtype(dtype):
    """Also where -x does not exist: the lowest of a signed dtype, unsigned ones, booleans."""
    limits = (
        [0, 1]
        if dtype == "bool"
        else [-3, 5]
        if dtype == "float32"
        else [np.iinfo(dtype).min, np.iinfo(dtype).max, 0, 5]
    )
    a, b = (np.array(x, dtype) for x in zip(*itertools.product(limits, repeat=2), strict=True))
    for name in ("minimum", "maximum"):
        y = getattr(tg.tensor(a), name)(tg.tensor(b))
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.numpy(), getattr(np, name)(a, b))
    assert tg.tensor(a).min().item() == a.min() and tg.tensor(a).max().item() == a.max()
    assert tg.tensor(a).argmin().item() == a.argmin() and tg.tensor(a).argmax().item() == a.argmax()


def test_where():
    c = np.array([[True], [False]])
    a, b = np.arange(3.0), np.arange(6.0).reshape(2, 3) - 10
    expected = np.where(c, a, b)
    for args in [
        (c, tg.tensor(a), b),
        (tg.tensor(c), a, tg.tensor(b)),
        ([[True], [False]], tg.tensor(a), tg.tensor(b)),
    ]:
        np.testing.assert_array_equal(tg.where(*args).numpy(), expected)
    check(lambda a, b: tg.where(c, a, b), [a, b], SEED)
    assert tg.where([True, False], 1.0, 2.0).tolist() == [1.0, 2.0]
    assert tg.where(True, tg.tensor([1, 2]), 0).tolist() == [1, 2]
    with pytest.raises(tg.DTypeError, match=r"where of a tensor of dtype float32: it takes booleans.*!= 0"):
        tg.where(tg.ones(2), 1.0, 2.0)
    with pytest.raises(tg.ShapeError, match="where of shapes"):
        tg.where(tg.ones(2) > 0, tg.ones(3), 0.0)


def test_logic():
    a, b = tg.tensor([True, True, False, False]), tg.tensor([True, False, True, False])
    assert (a & b).tolist() == [True, False, False, False]
    assert (a | b).tolist() == [True, True, True, False]
    assert (~a).tolist() == [False, False, True, True]
    assert (a & True).tolist() == (True & a).tolist() == a.tolist() and (False | b).tolist() == b.tolist()
    assert (a & b).dtype == (a | b).dtype == bool
    for wrong in (lambda: a & 1, lambda: a | tg.tensor([1, 2, 3, 4]), lambda: ~tg.ones(2), lambda: a & np.ones(4)):
        with pytest.raises(tg.DTypeError, match="it takes booleans"):
            wrong()


def test_comparisons_have_no_gradient():
    x = tg.ones(2, requires_grad=True)
    assert not (x > 0).requires_grad and not (x == 1.0).requires_grad


def test_comparison_with_what_is_no_number():
    x = tg.ones(2)
    assert (x == None) is False and (x != None) is True and (x == "a") is False  # noqa: E711
    with pytest.raises(TypeError):
        x < "a"  # noqa: B015
    assert hash(x) == hash(x) and x in [x]


@pytest.mark.parametrize("op", BINARY)
def test_operators_with_what_is_no_number(op):
    for other in ("a", None, object(), {}):
        with pytest.raises(TypeError):
            BINARY[op](tg.ones(2), other)
    for method in ("maximum", "minimum"):
        with pytest.raises(tg.DTypeError, match=f"{method} of NoneType: it takes tensors, arrays and numbers"):
            getattr(tg.ones(2), method)(None)


@pytest.mark.parametrize("op", [*BINARY, *COMPARE])
def test_shapes_that_do_not_broadcast(op):
    """conventions.md: shapes that do not broadcast"""
    with pytest.raises(tg.ShapeError, match=r"shapes \(2, 3\) and \(2,\).*do not broadcast.*equal, or one of them 1"):
        {**BINARY, **COMPARE}[op](tg.ones(2, 3), tg.ones(2))


def test_powers_of_integers():
    n = np.array([1, 2, 3])
    t = tg.tensor(n)
    assert (
        (t**2).tolist() == (n**2).tolist() and (t**3).tolist() == (n**3).tolist() and (2**t).tolist() == (2**n).tolist()
    )
    np.testing.assert_allclose((t**-1.0).numpy(), 1 / n, 1e-7)
    np.testing.assert_allclose((t**-2.0).numpy(), 1 / n**2, 1e-7)
    np.testing.assert_allclose((t**0.5).numpy(), n**0.5, 1e-7)


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, 2.0])
def test_powers_by_numbers(exponent):
    x = quarters((4,))
    np.testing.assert_allclose((tg.tensor(x) ** exponent).numpy(), x**exponent, 4e-16 * 4)
    check(lambda x: x**exponent, [x], SEED, order=3)
