"""Compositions that nobody has a name for are compiled as well as those that everybody knows.

Each comes with a well-known one of the same sizes: no more kernels than that one's, forward and backward together.
Results and gradients equal eager ones in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F

pytest.importorskip("llvmlite")

Shape = tuple[int, ...]
IMAGES = (8, 12, 18, 20)


class Pair(NamedTuple):
    """A composition and the one to measure it by, each with the shapes of its arguments."""

    unknown: Callable[..., Any]
    shapes: tuple[Shape, ...]
    known: Callable[..., Any]
    known_shapes: tuple[Shape, ...]


# ---------------------------------------------------------------- normalizations with poolings behind them


def standardized(x: Any, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    mu = x.mean(axes, keepdims=True)
    var = (x - mu).square().mean(axes, keepdims=True)
    return (x - mu) / (var + eps).sqrt()


def power_pool(x: Any, p: float, kernel: Shape, stride: Shape) -> Any:
    """(Σ |x|ᵖ)^(1/p) over windows"""
    w = x.windows(kernel, stride, (1,) * len(kernel))
    return ((w.abs() + 1e-3) ** p).sum(tuple(range(-len(kernel), 0))) ** (1 / p)


def over_images_and_columns(x: Any, scale: Any, shift: Any) -> Any:
    """Normalized over n and w; scale and shift for each channel and row; L³ pooling."""
    y = standardized(x, (0, 3)) * scale.reshape(1, *scale.shape, 1) + shift.reshape(1, *shift.shape, 1)
    return power_pool(y, 3.0, (2, 2), (2, 2))


def by_median_of_powers(x: Any, scale: Any, shift: Any) -> Any:
    """Divided by the fourth root of the mean fourth power over n, h and w; then soft maxima of windows."""
    size = x.square().square().mean((0, 2, 3), keepdims=True).sqrt().sqrt()
    y = x / (size + 1e-3) * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)
    return y.windows((2, 2), (2, 2), (1, 1)).exp().sum((-1, -2)).log()


def batch_norm_and_max_pool(x: Any, scale: Any, shift: Any) -> Any:
    return F.max_pool2d(F.batch_norm(x, None, None, scale, shift, True), 2)


# ---------------------------------------------------------------- contractions of windows


def gated(x: Any, w: Any, scale: Any, shift: Any) -> Any:
    """A convolution in one direction, dilated, and a gate from its own statistics over n and w."""
    y = x.windows((5,), (1,), (2,)).contract(w, "nchiu,ocu->nohi")
    z = standardized(y, (0, 2, 3)) * scale.reshape(1, -1, 1, 1) + shift.reshape(1, -1, 1, 1)
    return z * (z * 0.5).tanh()


def volumes(x: Any, w: Any, scale: Any, shift: Any) -> Any:
    """Three-dimensional convolution, normalization and x / (1 + |x|)."""
    y = x.windows((3, 3, 3), (1, 1, 1), (1, 1, 1)).contract(w, "ncijkuvt,ocuvt->noijk")
    z = standardized(y, (0, 2, 3, 4)) * scale.reshape(1, -1, 1, 1, 1) + shift.reshape(1, -1, 1, 1, 1)
    return z / (1.0 + z.abs())


def conv_norm_relu(x: Any, w: Any, scale: Any, shift: Any) -> Any:
    return F.relu(F.batch_norm(F.conv2d(x, w), None, None, scale, shift, True))


def conv_norm_silu(x: Any, w: Any, scale: Any, shift: Any) -> Any:
    return F.silu(F.batch_norm(F.conv2d(x, w), None, None, scale, shift, True))


def conv_norm_softsign(x: Any, w: Any, scale: Any, shift: Any) -> Any:
    y = F.batch_norm(F.conv2d(x, w), None, None, scale, shift, True)
    return y / (1.0 + y.abs())


# ---------------------------------------------------------------- losses and attention


def sharpened(x: Any, y: Any) -> Any:
    """A divergence of softmax with the temperature that each row's own spread says."""
    hot = x / (x.square().mean(1, keepdims=True) + 1e-3).sqrt()
    return -(F.log_softmax(hot, 1) * F.softmax(y, 1)).sum()


def distilled(x: Any, y: Any) -> Any:
    return -(F.log_softmax(F.layer_norm(x, x.shape[1:]), 1) * F.softmax(y, 1)).sum()


STATISTICS = ((12,), (12,))
PAIRS = {
    "normalization over n and w, L3 pooling": Pair(
        over_images_and_columns, (IMAGES, (12, 18), (12, 18)), batch_norm_and_max_pool, (IMAGES, *STATISTICS)
    ),
    "fourth powers, soft maxima": Pair(
        by_median_of_powers, (IMAGES, *STATISTICS), batch_norm_and_max_pool, (IMAGES, *STATISTICS)
    ),
    "one direction, dilated, gated": Pair(
        gated, (IMAGES, (12, 12, 5), *STATISTICS), conv_norm_silu, (IMAGES, (12, 12, 3, 3), *STATISTICS)
    ),
    "three dimensions": Pair(
        volumes,
        ((2, 6, 7, 8, 9), (12, 6, 3, 3, 3), *STATISTICS),
        conv_norm_softsign,
        (IMAGES, (12, 12, 3, 3), *STATISTICS),
    ),
    "temperature of its own": Pair(sharpened, ((32, 40), (32, 40)), distilled, ((32, 40), (32, 40))),
}


def drawn(shapes: tuple[Shape, ...]) -> list[Any]:
    rng = np.random.default_rng(3)
    return [tg.tensor(rng.standard_normal(shape).astype(np.float32)) for shape in shapes]


def error(found: Any, expected: Any) -> float:
    return np.abs(found.numpy() - expected.numpy()).max()


def with_gradients(function: Callable[..., Any]) -> Callable[..., list[Any]]:
    def both(*tensors: Any) -> list[Any]:
        xs = [x.detach().requires_grad_() for x in tensors]
        y = function(*xs)
        u = tg.tensor(np.random.default_rng(4).standard_normal(y.shape).astype(y.dtype))
        return [y, *tg.grad(y, xs, u)]

    return both


@pytest.mark.parametrize("name", PAIRS)
def test_float32_is_as_exact_as_eager(name):
    """Errors against float64 are at most three times eager's, or a few roundings of the largest element."""
    function, tensors = with_gradients(PAIRS[name].unknown), drawn(PAIRS[name].shapes)
    exact = function(*[x.astype("float64") for x in tensors])
    for found, eager, y in zip(tg.jit(function)(*tensors), function(*tensors), exact, strict=True):
        largest = np.abs(y.numpy()).max()
        assert error(found, y) <= 3 * error(eager, y) + 8 * np.finfo(np.float32).eps * largest


@pytest.mark.parametrize("name", PAIRS)
def test_float64_is_eager_to_13_digits(name):
    function = with_gradients(PAIRS[name].unknown)
    tensors = [x.astype("float64") for x in drawn(PAIRS[name].shapes)]
    for found, eager in zip(tg.jit(function)(*tensors), function(*tensors), strict=True):
        assert error(found, eager) <= 1e-13 * np.abs(eager.numpy()).max()


@pytest.mark.parametrize("name", PAIRS)
def test_no_more_kernels_than_the_known_one(name):
    pair = PAIRS[name]
    ours = tg.jit(with_gradients(pair.unknown)).kernels(*drawn(pair.shapes))
    theirs = tg.jit(with_gradients(pair.known)).kernels(*drawn(pair.known_shapes))
    assert not any(kernel.kind == "host" for kernel in ours)
    assert len(ours) <= len(theirs), f"{ours}\n{theirs}"
