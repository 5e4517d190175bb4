"""Composites and normalizations: what is proved holds, and planted mistakes are found."""

from fractions import Fraction

import numpy as np
import pytest

import tinygrad_cv.functional as F
from tests.functional.agreement.table import without_derivative
from tests.proof import composites, normalization
from tests.proof.composites import Composite

any_python = pytest.mark.any_python
X = np.random.default_rng(0).normal(size=(2, 3))


def detached(x):
    """Values and first derivatives are those of a normalization, second derivatives are not."""
    mu = x.mean(1, keepdims=True)
    var = (x - mu.detach()).square().mean(1, keepdims=True)
    return (x - mu) / (var + 1e-5).sqrt()


@pytest.mark.parametrize("name", sorted({row.name for row in composites.rows()}))
def test_first_derivatives_hold(name):
    found = list(composites.outcomes(part=True, only=name))
    assert found and all(outcome.holds for outcome in found)


def test_an_order_that_is_wrong_is_named():
    outcomes = list(composites.checks(Composite("layer_norm", detached, (X,)), 2))
    assert [(outcome.check, outcome.holds) for outcome in outcomes] == [("order 1", True), ("order 2", False)]


def test_a_kink_is_not_taken_for_a_derivative():
    (outcome,) = composites.checks(Composite("relu", F.relu, (np.array([0.0, 1.0]),)), 1)
    assert "not differentiable" in outcome.problem


@any_python
def test_a_function_that_fails_is_a_problem():
    (outcome,) = composites.checks(Composite("relu", lambda x: 1 / 0, (X,)), 1)
    assert outcome.problem.startswith("ZeroDivisionError")


@any_python
def test_normalizations_are_proved_to_order_four():
    orders = {row.name: row.order for row in composites.rows()}
    for name in set(F.__all__) - without_derivative():
        assert orders[name] == (
            4
            if name
            in (
                "batch_norm",
                "layer_norm",
                "instance_norm",
                "group_norm",
                "rms_norm",
                "local_response_norm",
                "standardize",
            )
            else 2
        )


@any_python
def test_the_exact_normalization_is_rational_arithmetic():
    x = np.float32([1, 3, 5, 9])
    root = float(Fraction(35, 4) + Fraction(1e-5)) ** 0.5
    np.testing.assert_allclose(normalization.formula(x), np.array([-3.5, -1.5, 0.5, 4.5]) / root, rtol=1e-15)


def test_large_means_find_a_mean_that_is_rounded(monkeypatch):
    def naive(x):
        d = x - x.mean()
        return d / (d.square().mean() + 1e-5).sqrt()

    assert all(outcome.holds for outcome in normalization.outcomes())
    monkeypatch.setattr(normalization, "FUNCTIONS", {"naive": naive})
    wrong = {outcome.case for outcome in normalization.outcomes() if not outcome.holds}
    assert {
        "rows 10000 + i/1000",
        "rows 1e+06 + i/1000",
        "equal elements, -0.333333",
        "1e+30 times (1, 2, 3, 5)",
    } <= wrong
