"""Normalizations in float32 where the mean is large, all elements are equal, or squares overflow.

The exact result is rational arithmetic on the same float32 numbers, but for one square root of fifty digits:

    y = (x - μ) / √(σ² + eps),    μ = Σ x / n,    σ² = Σ (x - μ)² / n.

It may be missed by 2e-7: three roundings of 2⁻²⁴ of results up to 1.7. Equal elements give exactly 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

import tinygrad_cv.functional as F
from tests.primitives.row import SEED
from tests.proof.outcome import Outcome, Wrong, attempt
from tinygrad_cv.core.variable import gradients
from tinygrad_cv.frontend.tensor import Tensor

Array = np.ndarray
BOUND = 2e-7
EPS = 1e-5
HALF_ULP = 2.0**-24
ROUNDINGS = 8  # of a gradient
EXACT = Context(prec=50)

MEANS = (0.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, -1e6)
LENGTHS = (8, 64)
SCALES = (1e12, 1e20, 1e30, 1e37)
EQUAL = (1e8, -1e8, 0.1, -1 / 3, 123456.7, 1e30)

# each normalizes a row of numbers as one group
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "batch_norm": lambda x: F.batch_norm(x.reshape(-1, 1)).reshape(-1),
    "batch_norm of images": lambda x: F.batch_norm(x.reshape(2, 1, 2, -1)).reshape(-1),
    "layer_norm": lambda x: F.layer_norm(x.reshape(1, -1), x.size).reshape(-1),
    "instance_norm": lambda x: F.instance_norm(x.reshape(1, 1, 2, -1)).reshape(-1),
    "group_norm": lambda x: F.group_norm(x.reshape(1, 4, -1), 1).reshape(-1),
}


def outcomes(seed: int = SEED) -> Iterator[Outcome]:
    """For each normalization: rows m + i/1000, their gradients, equal elements, and numbers whose squares overflow."""
    for name, function in FUNCTIONS.items():
        subject, _, variant = name.partition(" ")

        def check(case: str, holds: Callable[..., float], *args: Any) -> Outcome:
            case = f"{variant}, {case}" if variant else case  # noqa: B023 (called at once)
            return attempt(subject, "large means", case, holds, function, *args)  # noqa: B023

        for mean in MEANS:
            yield check(f"rows {mean:g} + i/1000", _value, mean)
            yield check(f"gradient of rows {mean:g} + i/1000", _gradient, mean, seed)
        for number in EQUAL:
            yield check(f"equal elements, {number:.6g}", _equal, number)
        for scale in SCALES:
            yield check(f"{scale:g} times (1, 2, 3, 5)", _scaled, scale)


def rows(mean: float) -> Iterator[Array]:
    """m + i/1000, in float32."""
    for length in LENGTHS:
        yield (mean + np.arange(length) * 1e-3).astype(np.float32)


def formula(x: Array) -> Array:
    """The exact result, rounded to float64."""
    numbers = [Fraction(float(v)) for v in x]
    mean = sum(numbers, Fraction()) / len(numbers)
    deviations = [v - mean for v in numbers]
    root = EXACT.sqrt(_decimal(sum((d * d for d in deviations), Fraction()) / len(numbers) + Fraction(EPS)))
    return np.array([float(EXACT.divide(_decimal(d), root)) for d in deviations])


def _decimal(number: Fraction) -> Decimal:
    return EXACT.divide(Decimal(number.numerator), Decimal(number.denominator))


def _value(function: Callable[[Any], Any], mean: float) -> float:
    return max(_within(function(Tensor(x)).value, formula(x), BOUND) for x in rows(mean))


def _scaled(function: Callable[[Any], Any], scale: float) -> float:
    x = np.array([1, 2, 3, 5] * 2, np.float32) * np.float32(scale)
    return _within(function(Tensor(x)).value, formula(x), BOUND)


def _equal(function: Callable[[Any], Any], number: float) -> float:
    for length in LENGTHS:
        y = function(Tensor(np.full(length, number, np.float32))).value
        if y.any():
            raise Wrong(f"{length} equal elements give {y.tolist()}")
    return 0.0


def _gradient(function: Callable[[Any], Any], mean: float, seed: int) -> float:
    """In float32 against float64, whose gradients are proved by differences."""
    worst = 0.0
    for x in rows(mean):
        g = np.random.default_rng(seed).normal(size=x.shape).astype(np.float32)
        single, double = (_pulled(function, x.astype(dtype), g.astype(dtype)) for dtype in (np.float32, np.float64))
        sigma = math.sqrt(np.float64(x).var() + EPS)
        worst = max(worst, _within(single, double, ROUNDINGS * HALF_ULP * float(np.abs(g).max()) / sigma))
    return worst


def _pulled(function: Callable[[Any], Any], x: Array, g: Array) -> Array:
    leaf = Tensor(x, requires_grad=True)
    (found,) = gradients([function(leaf)], [leaf], [Tensor(g)])
    assert found is not None
    return found.value


def _within(found: Array, expected: Array, allowed: float) -> float:
    error = float(np.abs(found.astype(np.float64) - expected).max())
    if not error <= allowed:
        raise Wrong(f"{error:.2g} off, {allowed:.2g} allowed", error / allowed)
    return error / allowed
