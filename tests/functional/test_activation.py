"""Activations: kinks, NaN and infinities, and digits far from 0."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients

pytestmark = pytest.mark.quick
INF, NAN = math.inf, math.nan
LOWEST = pytest.approx(-1.7580993408473766)  # -λ α
POINTWISE = [F.relu, F.relu6, F.leaky_relu, F.elu, F.softplus, F.sigmoid, F.tanh, F.silu, F.gelu]
POINTWISE += [F.selu, F.celu, F.mish, F.softsign, F.logsigmoid, F.tanhshrink, F.hardtanh, F.hardsigmoid, F.hardswish]
POINTWISE += [F.hardshrink, F.softshrink, F.rrelu, functools.partial(F.threshold, threshold=1.0, value=0.5)]
POINTWISE.append(functools.partial(F.gelu, approximate="tanh"))
FORMULAS = {
    F.relu: lambda x: np.maximum(x, 0),
    F.relu6: lambda x: np.minimum(np.maximum(x, 0), 6),
    F.leaky_relu: lambda x: np.where(x > 0, x, 0.01 * x),
    F.elu: lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    F.softplus: lambda x: np.logaddexp(x, 0),
    F.sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    F.tanh: np.tanh,
    F.silu: lambda x: x / (1 + np.exp(-x)),
    F.gelu: lambda x: x * np.array([math.erfc(-z / math.sqrt(2)) for z in x.ravel()]).reshape(x.shape) / 2,
}


def slopes(function, x):
    """The derivatives of a function that acts on each element by itself."""
    return value_and_gradients(function, [np.asarray(x, np.float64)], np.ones(np.shape(x)))[1][0].tolist()


@pytest.mark.parametrize("function", FORMULAS, ids=lambda function: function.__name__)
def test_values_are_those_of_the_formula(function):
    x = np.linspace(-30, 30, 601)
    np.testing.assert_allclose(function(tg.tensor(x)).numpy(), FORMULAS[function](x), rtol=1e-15, atol=2e-15)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (F.relu, [-1, -0.0, 0.0, 2], [0, 0, 0, 1]),
        (F.relu6, [-1, 0, 3, 6, 7], [0, 0, 1, 0, 0]),
        (F.leaky_relu, [-1, 0, 2], [0.01, 0.01, 1]),
        (functools.partial(F.leaky_relu, negative_slope=0.25), [-1, 0, 2], [0.25, 0.25, 1]),
        (F.elu, [0, 2], [1, 1]),
        (functools.partial(F.elu, alpha=3.0), [0, 2], [3, 1]),
        (F.softplus, [0, 1000, -1000], [0.5, 1, 0]),
        (F.sigmoid, [0, 1000, -1000], [0.25, 0, 0]),
        (F.tanh, [0, 1000, -1000], [1, 0, 0]),
        (F.silu, [0, 1000, -1000], [0.5, 1, 0]),
        (F.gelu, [0, 1000, -1000], [0.5, 1, 0]),
        (F.hardtanh, [-1, 0, 1], [0, 1, 0]),
        (F.hardsigmoid, [-3, 0, 3], [0, 1 / 6, 0]),
        (F.hardswish, [-3, 0, 3, 1000], [0, 0.5, 1, 1]),
        (functools.partial(F.threshold, threshold=1.0, value=0.5), [0, 1, 2], [0, 0, 1]),
        (F.hardshrink, [-1, -0.5, 0.5, 1], [1, 0, 0, 1]),
        (F.softshrink, [-1, -0.5, 0.5, 1], [1, 0, 0, 1]),
        (F.rrelu, [0, 2], [(1 / 8 + 1 / 3) / 2, 1]),
        (F.celu, [0, 2], [1, 1]),
        (F.softsign, [0, 1, -1, 1000], [1, 0.25, 0.25, 1 / 1001**2]),
        (F.mish, [0, 1000, -1000], [0.6, 1, 0]),
        (F.logsigmoid, [0, 1000, -1000], [0.5, 0, 1]),
        (F.tanhshrink, [0, 1000, -1000], [0, 1, 1]),
    ],
)
def test_the_derivative_at_a_kink_and_far_out(function, x, expected):
    np.testing.assert_allclose(slopes(function, x), expected, rtol=1e-15)


@pytest.mark.parametrize("function", POINTWISE)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_nan_stays_nan_and_nothing_else_becomes_it(function, dtype):
    x = np.array([NAN, 1e30, -1e30, 100, -100, 0.0], dtype)
    y = function(tg.tensor(x)).numpy()
    assert y.dtype == dtype
    assert np.isnan(y[0]) and not np.isnan(y[1:]).any()
    _, (gx,) = value_and_gradients(function, [x], np.ones(6, dtype))
    assert np.isfinite(gx[1:]).all()


@pytest.mark.parametrize("function", POINTWISE)
def test_infinities_have_their_limits(function):
    limits = {F.relu: (INF, 0), F.relu6: (6, 0), F.leaky_relu: (INF, -INF), F.elu: (INF, -1), F.softplus: (INF, 0)}
    limits.update({F.sigmoid: (1, 0), F.tanh: (1, -1), F.celu: (INF, -1), F.selu: (INF, LOWEST), F.softsign: (1, -1)})
    limits.update({F.logsigmoid: (0, -INF), F.hardtanh: (1, -1), F.hardsigmoid: (1, 0), POINTWISE[-2]: (INF, 0.5)})
    limits.update(dict.fromkeys((F.tanhshrink, F.hardshrink, F.softshrink, F.rrelu), (INF, -INF)))
    assert tuple(function(tg.tensor([INF, -INF])).tolist()) == limits.get(function, (INF, 0))  # silu and gelu


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [F.sigmoid, F.softplus, F.silu])
def test_small_results_are_right_to_the_last_digits(function, dtype):
    x = np.linspace(-80, 80, 1601).astype(dtype)
    exact = (
        FORMULAS[function](x.astype(np.float64)) if dtype == "float32" else FORMULAS[function](x.astype(np.longdouble))
    )
    np.testing.assert_allclose(function(tg.tensor(x)).numpy(), exact, rtol=4 * np.finfo(dtype).eps)


# ---------------------------------------------------------------- softmax


@pytest.mark.parametrize("dim", [0, 1, 2, -1])
def test_softmax_is_a_distribution_along_its_axis_and_log_softmax_its_logarithm(dim):
    x = tg.tensor(np.random.default_rng(0).standard_normal((3, 4, 5)))
    p = F.softmax(x, dim).numpy()
    np.testing.assert_allclose(p.sum(dim), 1, rtol=1e-15)
    np.testing.assert_allclose(F.log_softmax(x, dim).numpy(), np.log(p), rtol=1e-13)


def test_large_scores_are_finite():
    x = tg.tensor([[1e4, 0.0, -1e4], [-1e4, -1e4, -1e4]])
    assert F.softmax(x).tolist() == [[1.0, 0.0, 0.0], [pytest.approx(1 / 3)] * 3]
    y = F.log_softmax(x).numpy()
    assert np.isfinite(y).all() and y[0].tolist() == [0.0, -1e4, -2e4]


@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("function", [F.softmax, F.log_softmax])
def test_the_gradient_sums_to_zero(function, scale):
    rng = np.random.default_rng(0)
    x, g = rng.standard_normal((4, 6)) * scale, rng.standard_normal((4, 6))
    _, (gx,) = value_and_gradients(function, [x], g)
    assert np.isfinite(gx).all()
    np.testing.assert_allclose(gx.sum(1), 0, rtol=0, atol=4e-15)


def test_a_constant_added_to_all_scores_changes_nothing():
    x = np.array([[0.5, 2.0, -1.0]])
    for function in (F.softmax, F.log_softmax):
        np.testing.assert_array_equal(function(tg.tensor(x + 1024)).numpy(), function(tg.tensor(x)).numpy())


def test_excluded_classes_get_probability_and_gradient_zero():
    x = np.array([[1.0, -INF, 2.0]])
    p, (gx,) = value_and_gradients(F.softmax, [x], np.array([[1.0, 5.0, -2.0]]))
    assert p[0, 1] == 0 and gx[0, 1] == 0 and np.isfinite(gx).all()
    _, (gx,) = value_and_gradients(lambda x: F.log_softmax(x)[:, [0, 2]], [x], np.array([[1.0, -2.0]]))
    assert gx[0, 1] == 0 and np.isfinite(gx).all()


@pytest.mark.parametrize("function", [F.softmax, F.log_softmax, F.softmin])
def test_scores_are_converted_before_anything_is_computed(function):
    scores = np.array([[1, 2, 4], [0, 0, 5]])
    wide = function(tg.tensor(scores.astype(np.float64)), 1).numpy()
    for given in (scores, scores.astype(np.float16), scores.astype(np.float32)):
        y = function(tg.tensor(given), 1, dtype="float64")
        assert y.dtype == "float64"
        np.testing.assert_array_equal(y.numpy(), wide)
    half = function(tg.tensor(scores, dtype="float64"), 1, "float16")
    assert half.dtype == "float16"
    np.testing.assert_array_equal(half.numpy(), wide.astype(np.float32).astype(np.float16))


def test_gumbel_draws_follow_the_distribution_and_hard_ones_are_one_hot():
    p, n = np.array([0.2, 0.5, 0.3]), 20_000
    x = tg.tensor(np.broadcast_to(np.log(p), (n, 3)).copy(), requires_grad=True)
    y = F.gumbel_softmax(x, 0.7, hard=True, generator=tg.Generator(3))
    assert set(np.unique(y.detach().numpy())) == {0.0, 1.0} and (y.detach().numpy().sum(1) == 1).all()
    assert (abs(y.detach().numpy().mean(0) - p) < 5 * np.sqrt(p * (1 - p) / n)).all()
    soft = F.gumbel_softmax(x, 0.7, generator=tg.Generator(3))
    weights = tg.tensor(np.random.default_rng(0).standard_normal((n, 3)))
    hard, same = (tg.grad((z * weights).sum(), x) for z in (y, soft))
    np.testing.assert_array_equal(hard.numpy(), same.numpy())


def test_an_infinite_score_among_gumbels_is_chosen():
    for dtype in ("float32", "float64"):
        y = F.gumbel_softmax(tg.tensor(np.array([0.0, INF, 1.0], dtype)))
        assert y.tolist() == [0.0, 1.0, 0.0]


def test_random_slopes_are_uniform_in_their_interval_and_others_for_each_element():
    x = tg.tensor(np.full(20_000, -1.0), requires_grad=True)
    y = F.rrelu(x, 0.2, 0.6, training=True, generator=tg.Generator(1))
    a = -y.detach().numpy()
    assert 0.2 <= a.min() < 0.201 and 0.599 < a.max() < 0.6
    assert abs(a.mean() - 0.4) < 5 * 0.4 / math.sqrt(12 * a.size) and abs(a.var() - 0.16 / 12) < 5e-4
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), a)
    assert F.rrelu(tg.ones(5), training=True).tolist() == [1.0] * 5


def test_small_negative_numbers_keep_their_digits():
    x = -np.logspace(-12, 0, 200)
    for function, scale in ((F.elu, 1.0), (F.celu, 1.0), (F.selu, 1.0507009873554805 * 1.6732632423543772)):
        np.testing.assert_allclose(function(tg.tensor(x)).numpy(), scale * np.expm1(x), rtol=2e-15)
        narrow = function(tg.tensor(x.astype(np.float32))).numpy()
        np.testing.assert_allclose(narrow, scale * np.expm1(x.astype(np.float32).astype(float)), rtol=5e-7)
    y = F.mish(tg.tensor(np.linspace(-600, -30, 100))).numpy()
    x = np.linspace(-600, -30, 100)
    np.testing.assert_allclose(y, x * np.exp(x), rtol=1e-12)  # tanh log(1 + e) = e + O(e²)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: F.hardtanh(x, 2.0, 1.0), ValueError, "hardtanh: min_val=2.0 and max_val=1.0; min_val must not be"),
        (lambda x: F.rrelu(x, 0.5, 0.1), ValueError, "rrelu: lower=0.5 and upper=0.1; lower must not be above upper"),
        (lambda x: F.rrelu(x, NAN, 0.1), ValueError, "rrelu: lower=nan"),
        (lambda x: F.softshrink(x, -0.1), ValueError, "softshrink: lambd=-0.1; it must not be negative"),
        (lambda x: F.celu(x, 0), ValueError, "celu: alpha=0; it divides"),
        (lambda x: F.softplus(x, 0.0), ValueError, "softplus: beta=0.0; it divides"),
        (
            lambda x: F.prelu(x, tg.ones(2)),
            tg.ShapeError,
            r"weight of shape \(2,\), input of shape \(4, 3\) .*3 channels",
        ),
        (lambda x: F.prelu(x, tg.ones(1, 3)), tg.ShapeError, r"weight of shape \(1, 3\)"),
        (lambda x: F.glu(x), tg.ShapeError, r"\(4, 3\) \(in glu\): axis -1 has size 3; it is halved"),
        (lambda x: F.glu(x, 2), tg.AxisError, "glu: axis 2 of a tensor with 2 axes"),
        (lambda x: F.glu(x, 0.5), tg.DTypeError, "glu: dim=0.5; it must be an integer"),
        (lambda x: F.softmax(x, 2), tg.AxisError, "axis 2 of a tensor with 2 axes .*use -2 to 1"),
        (lambda x: F.softmax(x, "c"), tg.DTypeError, "softmax: dim='c'; it must be an integer"),
        (lambda x: F.gumbel_softmax(x, 0.0), ValueError, "gumbel_softmax: tau=0.0; a temperature must be positive"),
    ],
)
def test_what_does_not_fit_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call(tg.ones(4, 3))


def test_gelu_knows_two_ways():
    with pytest.raises(ValueError, match=r"approximate='sigmoid'.*'none' or 'tanh'"):
        F.gelu(tg.ones(2), "sigmoid")


@pytest.mark.parametrize("function", [*POINTWISE, F.softmax, F.log_softmax])
def test_dtypes_are_kept(function):
    for dtype in ("float32", "float64"):
        x = tg.tensor(np.array([[0.5, -1.0]], dtype), requires_grad=True)
        y = function(x)
        y.backward(y.detach())
        assert y.dtype == x.grad.dtype == dtype
