"""Special values: the short form holds, and each kind of mistake is found by it."""

import math

import numpy as np
import pytest

pytest.importorskip("mpmath")

import mpmath

from tests.primitives.table import ROWS
from tests.proof.checks import conventions
from tests.proof.mutation.mutants import mutants, planted, reason
from tests.proof.special import patterns
from tests.proof.special.exact import INFINITE, NOT_A_NUMBER, Format, evaluate, measured
from tests.proof.special.patterns import F4, F8, unary
from tests.proof.special.rounding import Interval, wide_enough
from tinygrad_cv.compiler import available
from tinygrad_cv.ops import PRIMITIVES

BITS = {F4: (8, 23), F8: (11, 52)}  # of the exponent and of the mantissa


@pytest.fixture(scope="module")
def short():
    return list(patterns.outcomes(part=True))


def test_all_hold(short):
    assert [outcome for outcome in short if not outcome.holds] == []


def test_nothing_is_left_out(short):
    """Every unary primitive, in both formats, both ways, and its gradient for three cotangents."""
    for row in unary():
        cases = [outcome.case for outcome in short if outcome.subject == row.name]
        for dtype in (F4, F8):
            for mode in ("eager", "jit"):
                assert sum(case.startswith(f"{dtype}, {mode}") and "value" in case for case in cases) == 1
                gradients = sum(case.startswith(f"{dtype}, {mode}") and "cotangent" in case for case in cases)
                assert gradients == (3 if row.primitive.differentiable else 0)
    elementwise = {p.name for p in PRIMITIVES.values() if p.family == "elementwise" and len(p.inputs) == 1}
    assert {row.name for row in unary()} == elementwise
    assert not any("by NumPy" in outcome.case for outcome in short) or not available()


@pytest.mark.parametrize("dtype", [F4, F8])
def test_patterns_are_all_there_are(dtype):
    x = patterns.patterns(dtype)
    exponent, mantissa = BITS[dtype]
    shown = 15 - exponent  # bits of the mantissa
    assert len(np.unique(x.view(f"u{dtype.itemsize}"))) == len(x) == 1 << 16
    assert np.isnan(x).sum() == 2 * (2**shown - 1) and np.isinf(x).sum() == 2
    assert (x == 0).sum() == 2 and np.signbit(x).sum() == 1 << 15
    subnormal = (np.abs(x) < np.finfo(dtype).smallest_normal) & (x != 0)
    assert subnormal.sum() == 2 * (2**shown - 1) and mantissa > shown
    part = patterns.patterns(dtype, part=True)
    bits = {value.tobytes() for value in part}
    assert len(part) < 2000 and {np.array(v, dtype).tobytes() for v in (0.0, -0.0, math.inf, -1.0)} <= bits
    assert np.isnan(part).any()


@pytest.mark.parametrize("dtype", [F4, F8])
def test_one_wrong_last_place_is_found(dtype, monkeypatch):
    """of a square root, at one number only"""

    def sqrt(x):
        return np.where(x == 1, np.nextafter(np.sqrt(x), 9, dtype=dtype), np.sqrt(x))

    run = patterns.Run(PRIMITIVES["sqrt"], dtype, "eager", part=True)
    assert run.values().holds
    monkeypatch.setattr(PRIMITIVES["sqrt"], "eval", sqrt)
    problem = run.values().problem
    assert problem.startswith("1 wrong; at 0x3f") and "= 1.0: 1.0000" in problem and "not 1.0, 1 ulp apart" in problem


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("neg", lambda x: 0.0 - x),  # +0 at 0
        ("floor", np.trunc),
        ("square", lambda x: np.minimum(x * x, np.finfo(x.dtype).max)),
        ("exp", lambda x: np.where(x < -64, 0, np.exp(x))),  # an underflow too early
        ("tanh", lambda x: np.tanh(x) + np.float32(1e-44)),  # seven of the smallest numbers
        ("log", lambda x: np.log(np.abs(x))),
        ("sin", lambda x: np.sin(np.remainder(x, np.asarray(2 * np.pi, x.dtype)))),
        ("erf", lambda x: np.tanh(x * 1.2)),
    ],
)
def test_wrong_values_are_found(name, wrong, monkeypatch):
    monkeypatch.setattr(PRIMITIVES[name], "eval", wrong)
    assert not patterns.Run(PRIMITIVES[name], F4, "eager", part=True).values().holds


@pytest.mark.parametrize("name", [row.name for row in unary() if row.slope])
def test_wrong_gradients_are_found(name):
    """Mutants without a change of values, at some cotangent."""
    for mutant in mutants():
        if mutant.primitive == name and mutant.operator in ("sign flipped", "factor changed", "left out"):
            if reason(mutant):
                continue
            with planted(mutant):
                assert not all(outcome.holds for outcome in _gradients(name)), mutant


def _gradients(name):
    try:
        yield from patterns.Run(PRIMITIVES[name], F4, "eager", part=True).gradients()
    except Exception as error:
        yield patterns.Outcome(name, "special values", "", str(error))


# ---------------------------------------------------------------- units in the last place


def test_units_in_the_last_place():
    """By hand: float32 has 24 bits, its smallest number is 2⁻¹⁴⁹, and it overflows at 2¹²⁸."""
    assert Format.of(F4) == Format(24, -149, 128) and Format.of(F8) == Format(53, -1074, 1024)
    two = mpmath.mpf(2)
    numbers = [mpmath.mpf(1.25), two**-150, 3 * two**-150, two**128 - two**103, two**128, two**-400, -(two**-400)]
    exact = measured(numbers, np.zeros(7, bool), F4)
    assert exact.rounded().tolist() == [1.25, 0.0, 2.0**-148, np.inf, np.inf, 0.0, 0.0]
    assert np.signbit(exact.rounded()).tolist() == [False] * 6 + [True]
    value = np.array([np.nextafter(np.float32(1.25), 2), 2.0**-149, 2.0**-149, np.inf, 3e38, 0.0, 0.0], np.float32)
    distance = exact.distance(value)
    assert distance[:4].tolist() == [1.0, 0.5, 0.5, 0.0]
    assert distance[4] > 1000 and distance[5] == 0 and distance[6] == np.inf  # the zero's sign


def test_nan_and_infinity_must_be_right():
    exact = measured([math.nan, math.inf, -math.inf], np.array([False, False, True]), F8)
    assert exact.kind.tolist() == [NOT_A_NUMBER, INFINITE, INFINITE]
    assert exact.distance(np.array([math.nan, math.inf, -math.inf])).tolist() == [0, 0, 0]
    assert exact.distance(np.array([0.0, -math.inf, math.nan])).tolist() == [math.inf] * 3


@pytest.mark.parametrize("dtype", [F4, F8])
def test_exact_values_are_the_nearest_numbers(dtype):
    """of operations that the machine rounds rightly itself"""
    x = patterns.patterns(dtype, part=True)
    with np.errstate(all="ignore"):
        for name, expected in (("square", x * x), ("sqrt", np.sqrt(x)), ("neg", -x), ("floor", np.floor(x))):
            found = evaluate(ROWS[name].exact, x).rounded()
            np.testing.assert_array_equal(found, expected)
            number = ~np.isnan(x) & ~np.isnan(expected)
            np.testing.assert_array_equal(np.signbit(found[number]), np.signbit(expected[number]))


@pytest.mark.skipif(not wide_enough(F8), reason="long double is no wider than double here")
@pytest.mark.parametrize("dtype", [F4, F8])
def test_intervals_hold_what_is_computed_and_little_else(dtype):
    rng = np.random.default_rng(3)
    a, b = (rng.normal(size=1000).astype(dtype) for _ in range(2))
    x, y = (Interval.of(v, dtype, {"exp": 4.0, "cos": 4.0}) for v in (a, b))
    for interval, value in [
        (x + y, a + b),
        (1.0 - x, 1 - a),
        (x * y, a * b),
        (1.0 / x, 1 / a),
        (-x.square(), -a * a),
        (x.square().exp(), np.exp(a * a)),
        (x.cos() * y, np.cos(a) * b),
    ]:
        assert interval.holds(value).all()
        width = (interval.high - interval.low) / np.spacing(np.abs(value))
        assert width.max() < 100 and np.median(width) < 20
        assert not interval.holds(value + 200 * np.spacing(np.abs(value))).any()


# ---------------------------------------------------------------- conventions


def test_conventions_hold():
    found = [outcome for name in PRIMITIVES for outcome in conventions.outcomes(name)]
    assert len(found) > 20 and all(outcome.holds for outcome in found)
