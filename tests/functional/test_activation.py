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
POINTWISE = [F.relu, F.relu6, F.leaky_relu, F.elu, F.softplus, F.sigmoid, F.tanh, F.silu, F.gelu]
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
    ],
)
def test_the_derivative_at_a_kink_and_far_out(function, x, expected):
    assert slopes(function, x) == expected


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
    limits.update({F.sigmoid: (1, 0), F.tanh: (1, -1)})
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
