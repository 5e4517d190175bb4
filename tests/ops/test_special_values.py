"""NaN, infinities, signed zeros, ties and kinks. docs/conventions.md lists the choices."""

import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv.core.context import eager
from tinygrad_cv.ops import PRIMITIVES

pytestmark = pytest.mark.quick

NAN, INF = math.nan, math.inf
SPECIAL = np.array([NAN, INF, -INF, -0.0, 0.0, 1.0, -1.0, 5e-324, 1e308, -1e308])


def run(name, *arrays, **params):
    return eager(PRIMITIVES[name], list(map(np.asarray, arrays)), params)


def gradient(function, *values):
    """Of Σ function, for each input."""
    xs = [tg.tensor(np.array(v, np.float64), requires_grad=True) for v in values]
    found = tg.grad(function(*xs).sum(), xs)
    return [g.tolist() for g in found]


UFUNCS = {
    "neg": np.negative,
    "square": np.square,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "floor": np.floor,
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "pow": np.power,
    "maximum": np.maximum,
    "equal": np.equal,
    "less": np.less,
    "less_equal": np.less_equal,
}


@pytest.mark.parametrize("name", UFUNCS)
def test_ieee_rules_without_warnings(name):
    arrays = (
        [SPECIAL] if len(PRIMITIVES[name].inputs) == 1 else [x.ravel().copy() for x in np.meshgrid(SPECIAL, SPECIAL)]
    )
    with np.errstate(all="ignore"):
        expected = UFUNCS[name](*arrays)
    value = run(name, *arrays)
    assert value.dtype == expected.dtype
    np.testing.assert_array_equal(value, expected)
    if value.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(value)[~np.isnan(value)], np.signbit(expected)[~np.isnan(value)])


@pytest.mark.parametrize("count", [1, 600])
def test_times_is_0_where_the_first_factor_is_0(count):
    """Whatever the second is; otherwise the product, NaN and infinities included."""
    a, b = (np.tile(x.ravel(), count) for x in np.meshgrid(SPECIAL, SPECIAL))
    for dtype in ("float64", "float32"):
        with np.errstate(all="ignore"):
            x, y = a.astype(dtype), b.astype(dtype)
            expected = np.where(x == 0, 0.0, x * y)
        np.testing.assert_array_equal(run("times", x, y), expected)


def test_erf_at_its_ends():
    x = np.array([0.0, -0.0, INF, -INF, NAN, 1e308, -1e308, 1e-300, 5e-324, 27.0, 5.9, 6.1])
    expected = np.array([math.erf(v) for v in x])
    value = run("erf", x)
    np.testing.assert_allclose(value, expected, 1e-15, 0)
    assert np.signbit(value[1]) and not np.signbit(value[0])


def test_erf_to_the_last_digits():
    """Relative to the value, however small it is, and on both sides of the seam at 1; in float32 to the last one."""
    x = np.concatenate([np.linspace(-7, 7, 20_001), np.logspace(-300, 0.9, 4000), 1 + np.linspace(-1e-9, 1e-9, 101)])
    expected = np.array([math.erf(v) for v in x])
    np.testing.assert_allclose(run("erf", x), expected, 4.5e-16, 0)
    single = x.astype(np.float32)
    np.testing.assert_array_max_ulp(run("erf", single), np.array([math.erf(v) for v in single]).astype(np.float32), 1)


def test_where_copies_bits():
    c = np.arange(len(SPECIAL)) % 2 == 0
    value = run("where", c, SPECIAL, SPECIAL[::-1])
    np.testing.assert_array_equal(value.view(np.int64), np.where(c, SPECIAL, SPECIAL[::-1]).view(np.int64))


# ---------------------------------------------------------------- conventions.md, "Choices"


def test_maximum_at_a_tie_half_to_each():
    """conventions.md: maximum(a, b) at a tie"""
    assert gradient(lambda a, b: a.maximum(b), [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == [[0.5, 0.0, 1.0], [0.5, 1.0, 0.0]]
    assert gradient(lambda a, b: a.minimum(b), [1.0, 2.0, 3.0], [1.0, 3.0, 2.0]) == [[0.5, 1.0, 0.0], [0.5, 0.0, 1.0]]


def test_max_over_axes_at_ties_shared_evenly():
    """conventions.md: amax / max over axes at ties"""
    assert gradient(lambda x: x.max(), [[3.0, 1.0], [3.0, 3.0]]) == [[[1 / 3, 0.0], [1 / 3, 1 / 3]]]
    assert gradient(lambda x: x.min(1), [[3.0, 1.0], [3.0, 3.0]]) == [[[0.0, 1.0], [0.5, 0.5]]]


def test_first_maximum_in_row_major_order():
    """conventions.md: max pooling at ties, all to the first"""
    x = [[[0.0, 3.0], [3.0, 3.0]], [[2.0, 2.0], [2.0, 1.0]]]
    assert gradient(lambda x: x.max((1, 2), ties="first"), x) == [[[[0.0, 1.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]]]


@pytest.mark.parametrize("function", ["relu", "abs", "norm", "sign"])
def test_derivative_at_0_is_0(function):
    """conventions.md: relu'(0), abs'(0), norm'(0)"""
    for zero in (0.0, -0.0):
        x = tg.tensor(np.array([zero, zero]), requires_grad=True)
        y = getattr(x, function)()
        if y.requires_grad:
            y.sum().backward()
            assert x.grad.tolist() == [0.0, 0.0]


def test_clamp_at_its_edges_passes_the_gradient():
    """conventions.md: clamp at its edges"""
    assert gradient(lambda x: x.clip(0.0, 1.0), [-0.5, 0.0, 0.5, 1.0, 1.5]) == [[0.0, 1.0, 1.0, 1.0, 0.0]]


def test_nan_propagates():
    """conventions.md: NaN in relu, max, pooling"""
    x = tg.tensor(np.array([[NAN, 1.0, 2.0], [0.0, NAN, NAN]]))
    assert np.isnan(x.relu().numpy()).tolist() == [[True, False, False], [False, True, True]]
    assert np.isnan(x.max(1).numpy()).all() and np.isnan(x.min(1).numpy()).all()
    assert x.argmax(1).tolist() == [0, 1]
    assert np.isnan(x.maximum(1.0).numpy()).tolist() == [[True, False, False], [False, True, True]]
    assert np.isnan(x.clip(0, 1).numpy()).tolist() == [[True, False, False], [False, True, True]]
    windows = x.pad(((0, 0), (1, 1)), -INF).windows((2,), (1,), (1,)).max(-1, ties="first")
    assert np.isnan(windows.numpy()).tolist() == [[True, True, False, False], [False, True, True, True]]


def test_gradient_of_a_maximum_that_is_nan():
    assert gradient(lambda x: x.max(), [1.0, NAN, 2.0, NAN]) == [[0.0, 0.5, 0.0, 0.5]]
    assert gradient(lambda x: x.max(0, ties="first"), [1.0, NAN, 2.0, NAN]) == [[0.0, 1.0, 0.0, 0.0]]


def test_logsumexp_of_all_minus_infinity():
    """conventions.md: -inf, gradient 0"""
    x = tg.tensor(np.array([[-INF, -INF], [0.0, 0.0]]), requires_grad=True)
    y = x.logsumexp(1)
    assert y.tolist() == [-INF, math.log(2)]
    y.sum().backward()
    assert x.grad.tolist() == [[0.0, 0.0], [0.5, 0.5]]


def test_logsumexp_of_large_numbers_is_finite():
    """conventions.md: softmax of 1e4"""
    x = tg.tensor(np.array([1e4, -1e4, 1e4]), requires_grad=True)
    y = x.logsumexp()
    assert y.item() == 1e4 + math.log(2)
    y.backward()
    assert x.grad.tolist() == [0.5, 0.0, 0.5]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_branch_not_taken_adds_exactly_nothing(dtype):
    """conventions.md: where(x > 0, sqrt(x), x) at [-1, 4] has gradient [1, 0.25]"""
    x = tg.tensor([-1.0, 4.0, 0.0], dtype, requires_grad=True)
    tg.where(x > 0, x.sqrt(), x).sum().backward()
    assert x.grad.tolist() == [1.0, 0.25, 1.0]


BAD_BRANCHES = {
    "sqrt of a negative": (lambda x: x.sqrt(), -1.0),
    "sqrt at 0": (lambda x: x.sqrt(), 0.0),
    "log at 0": (lambda x: x.log(), 0.0),
    "log of a negative": (lambda x: x.log(), -1.0),
    "division by 0": (lambda x: 1.0 / x, 0.0),
    "0 / 0": (lambda x: x / x, 0.0),
    "exp overflow": (lambda x: x.exp(), 1e4),
    "exp of exp": (lambda x: x.exp().exp(), 10.0),
    "power of a negative": (lambda x: x**0.3, -1.0),
    "power at 0": (lambda x: x**-1.5, 0.0),
    "exponent of a negative": (lambda x: (x - 3.0) ** x, 1.0),
    "exponent of 0": (lambda x: x ** (x - 1.5), 0.0),
    "log of sqrt at 0": (lambda x: x.sqrt().log(), 0.0),
    "norm at 0": (lambda x: (x * x).sqrt(), 0.0),
}


@pytest.mark.parametrize("branch", BAD_BRANCHES)
def test_no_bad_branch_spoils_the_other(branch):
    """Derivatives of every order of where(no, bad(x), 3 x³) are those of 3 x³."""
    bad, at = BAD_BRANCHES[branch]
    x = tg.tensor(np.array([at, 2.0]), requires_grad=True)
    derivative = tg.where(np.array([False, False]), bad(x), 3.0 * x * x * x)
    for expected in (9.0 * x.numpy() ** 2, 18.0 * x.numpy(), np.full(2, 18.0)):
        derivative = tg.grad(derivative.sum(), x, create_graph=True)
        np.testing.assert_allclose(derivative.numpy(), expected, 1e-15)


@pytest.mark.parametrize("branch", BAD_BRANCHES)
def test_a_bad_value_that_is_used_shows(branch):
    """Only an unused branch is silent."""
    bad, at = BAD_BRANCHES[branch]
    x = tg.tensor(np.array([at]), requires_grad=True)
    y = bad(x)
    assert not np.isfinite([y.item(), tg.grad(y.sum(), x).item()]).all()


def test_cotangent_of_zero_does_not_cut_second_derivatives():
    """At a cotangent that happens to be 0, the derivative by the cotangent is still the whole factor."""
    for function, factor in [
        (lambda x: x.log(), 1 / 4),
        (lambda x: x.exp(), math.exp(4)),
        (lambda x: x.sqrt(), 1 / 4),
        (lambda x: 1.0 / x, -1 / 16),
        (lambda x: x**1.5, 3.0),
        (lambda x: x.tanh(), 1 / math.cosh(4) ** 2),
        (lambda x: x.erf(), 2 / math.sqrt(math.pi) * math.exp(-16)),
    ]:
        u, x = tg.tensor(np.array(0.0), requires_grad=True), tg.tensor(np.array(4.0), requires_grad=True)
        by_x = tg.grad(u * function(x), x, create_graph=True)
        np.testing.assert_allclose(tg.grad(by_x, u).item(), factor, 1e-13)


def test_power_at_its_corners():
    assert gradient(lambda a: a**0, [0.0, 2.0, -1.0]) == [[0.0, 0.0, 0.0]]
    assert gradient(lambda a: a**1, [0.0, 2.0, -1.0]) == [[1.0, 1.0, 1.0]]
    assert gradient(lambda a: a**2, [0.0, 2.0, -1.0]) == [[0.0, 4.0, -2.0]]
    assert gradient(lambda a: a**3, [0.0, 2.0, -1.0]) == [[0.0, 12.0, 3.0]]
    assert gradient(lambda a, b: a**b, [0.0, 0.0, 2.0], [2.0, 1.0, 0.0]) == [[0.0, 1.0, 0.0], [0.0, 0.0, math.log(2)]]
    assert gradient(lambda b: 2.0**b, [3.0]) == [[8 * math.log(2)]]


def test_a_power_of_0_by_its_exponent_is_the_limit():
    """∂aᵇ/∂b = aᵇ ln a: 0 for b >= 0 as the convention is, -∞ for b < 0, with the sign of 0 to an odd power."""
    a = np.array([0.0, 0.0, 0.0, 0.0, -0.0, 0.0])
    b = tg.tensor(np.array([2.0, 0.0, -0.5, -1.0, -1.0, -math.inf]), requires_grad=True)
    expected = [0.0, 0.0, -math.inf, -math.inf, math.inf, -math.inf]
    for power in (lambda b: tg.tensor(a) ** b, tg.jit(lambda b: tg.tensor(a) ** b)):
        (slope,) = tg.grad(power(b).sum(), [b])
        assert slope.tolist() == expected


def test_mixed_derivative_of_a_power_at_exponent_0():
    """∂²(aᵇ)/∂a∂b = aᵇ⁻¹ (1 + b ln a) = 1/a"""
    a, b = tg.tensor(np.array(4.0), requires_grad=True), tg.tensor(np.array(0.0), requires_grad=True)
    by_a, by_b = tg.grad(a**b, [a, b], create_graph=True)
    assert tg.grad(by_a, b, retain_graph=True).item() == tg.grad(by_b, a).item() == 0.25


def test_square_root_at_0():
    assert gradient(lambda x: x.sqrt(), [0.0]) == [[INF]]
    assert gradient(lambda x: x.sqrt().square(), [0.0])[0][0] == 0.0


def test_running_sums_of_every_axis_are_those_in_float64():
    x = np.random.default_rng(5).uniform(0.5, 1.5, (3, 70_000)).astype(np.float32)
    for axis in (0, 1):
        expected = np.cumsum(x, axis, np.float64).astype(np.float32)
        np.testing.assert_array_equal(tg.tensor(x).cumsum(axis).numpy(), expected)


@pytest.mark.parametrize(
    ("x", "value", "slopes"),
    [
        ([INF, 0.0], INF, [1.0, 0.0]),
        ([INF, -INF], INF, [1.0, 0.0]),
        ([INF, INF, 1.0, INF], INF, [1 / 3, 1 / 3, 0.0, 1 / 3]),
        ([-INF, 0.0], 0.0, [0.0, 1.0]),
        ([-INF, -INF], -INF, [0.0, 0.0]),
        ([1e308, -1e308], 1e308, [1.0, 0.0]),
        ([NAN, INF], NAN, [NAN, NAN]),
    ],
    ids=str,
)
def test_logsumexp_at_infinities(x, value, slopes):
    """The limit as the elements grow: softmax, with what is infinite as large as each other."""
    for call in (lambda t: t.logsumexp(), tg.jit(lambda t: t.logsumexp())):
        np.testing.assert_array_equal(call(tg.tensor(np.array(x))).numpy(), value)
        found = gradient(call, x)[0]
        if math.isnan(value):
            assert math.isnan(found[0])
        else:
            np.testing.assert_allclose(found, slopes, 1e-15)
            for big in (1e3, 1e6):
                near = [math.copysign(big, v) if math.isinf(v) else v for v in x]
                if value != -INF:
                    np.testing.assert_allclose(gradient(call, near)[0], slopes, 1e-12, 1e-300)
