"""Right gradients of waves and beside large numbers are called right, and wrong ones wrong, while digits are left."""

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F

quick = pytest.mark.quick


class TooLarge(tg.CustomFunction):
    @staticmethod
    def forward(ctx, x):
        return x * 1.0

    @staticmethod
    def backward(ctx, g):
        return 1.01 * g


def told(f, x):
    """Both verdicts: of f, and of f with a gradient that is a hundredth too large."""
    return [tg.gradcheck(g, x).verdict for g in (f, lambda x: TooLarge.apply(f(x)))]


@quick
def test_a_steep_sine_and_a_layer_norm_at_a_large_mean():
    rng = np.random.default_rng(0)
    assert told(lambda x: (1e7 * x).sin(), rng.uniform(0.5, 1.5, 4)) == ["correct", "wrong"]
    assert told(lambda x: F.layer_norm(x, (6,)), 1e8 + rng.normal(size=(2, 6))) == ["correct", "wrong"]


@pytest.mark.parametrize("size", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("cycles", range(-8, 11, 2))
def test_waves_of_any_length(size, cycles):
    """sin(k x) with so many powers of ten of radians in x"""
    x = size * np.random.default_rng(0).uniform(0.5, 1.5, 3)
    assert told(lambda x: (x * (10.0**cycles / size)).sin(), x) == ["correct", "wrong"]


FUNCTIONS = {
    "layer_norm": (lambda x: F.layer_norm(x, (5,)), (1, 5)),
    "batch_norm": (lambda x: F.batch_norm(x, training=True), (5, 1)),
    "var": (lambda x: x.var(0), (5, 2)),
    "softmax": (F.softmax, (1, 4)),
    "logsumexp": (lambda x: x.logsumexp(1), (1, 4)),
    "cross_entropy": (lambda x: F.cross_entropy(x, np.array([0, 1])), (2, 3)),
}


@pytest.mark.parametrize("mean", [1e1, 1e4, 1e7, 1e9])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_that_subtract_large_numbers(name, mean):
    f, shape = FUNCTIONS[name]
    assert told(f, mean + np.random.default_rng(0).normal(size=shape)) == ["correct", "wrong"]
