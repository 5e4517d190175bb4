"""Floats as integers: towards 0, to the nearest in range, NaN to 0; eager, compiled and as source, on every machine."""

import numpy as np
import pytest

import tinygrad_cv as tg

INTEGERS = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
POWERS = [sign * 2.0**n + off for n in (7, 8, 15, 16, 31, 32, 52, 63, 64) for sign in (-1, 1) for off in (-1, 0, 1)]
VALUES = [np.nan, np.inf, -np.inf, 0.0, -0.0, 0.9, -0.9, -1.0, 255.9, -128.9, 65504.0, 3e9, 1e30, -1e30, *POWERS]


def nearest(value, dtype):
    """The integer of Python's own arithmetic."""
    limits = np.iinfo(dtype)
    if np.isnan(value):
        return 0
    if np.isinf(value):
        return limits.max if value > 0 else limits.min
    return min(max(int(value), limits.min), limits.max)


def floats(dtype):
    with np.errstate(over="ignore"):
        return np.array(VALUES).astype(dtype)


def all_integers(x):
    return [x.astype(dtype) for dtype in INTEGERS]


@pytest.mark.quick
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_become_the_nearest_integers(dtype):
    x = floats(dtype)
    large = np.tile(x, 300)
    for found, repeated in zip(all_integers(tg.tensor(x)), all_integers(tg.tensor(large)), strict=True):
        wanted = np.array([nearest(float(value), found.dtype) for value in x], found.dtype)
        np.testing.assert_array_equal(found.numpy(), wanted)
        np.testing.assert_array_equal(repeated.numpy(), np.tile(wanted, 300))


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_compiled_and_as_source_they_are_the_same(dtype):
    x = floats(dtype)
    step = tg.jit(all_integers)
    world = {}
    exec(step.source(x), world)
    written = world["all_integers"](x)
    for eager, compiled, other in zip(all_integers(tg.tensor(x)), step(x), written, strict=True):
        np.testing.assert_array_equal(compiled.numpy(), eager.numpy())
        np.testing.assert_array_equal(other, eager.numpy())
        assert other.dtype == eager.dtype
