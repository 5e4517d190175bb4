"""Sliding windows over the last axes and their adjoint, the overlapping sum. Convolution and pooling stand on them."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..core.primitive import Aval, define
from .arrays import allocate, memory_order

Ints = tuple[int, ...]


def window_count(size: int, kernel: int, stride: int, dilation: int) -> int:
    """How many windows fit: floor((size - dilation (kernel - 1) - 1) / stride) + 1."""
    return max(0, (size - dilation * (kernel - 1) - 1) // stride + 1)


def _windows(x: np.ndarray, kernel: Ints, stride: Ints, dilation: Ints) -> np.ndarray:
    lead = x.ndim - len(kernel)
    counts = tuple(map(window_count, x.shape[lead:], kernel, stride, dilation))
    steps = x.strides[lead:]
    strides = (*x.strides[:lead], *(t * s for t, s in zip(steps, stride, strict=True)))
    taps = tuple(t * d for t, d in zip(steps, dilation, strict=True))
    return as_strided(x, (*x.shape[:lead], *counts, *kernel), (*strides, *taps), writeable=False)


def _windows_aval(x: Aval, *, kernel: Ints, stride: Ints, dilation: Ints) -> Aval:
    lead = len(x.shape) - len(kernel)
    counts = map(window_count, x.shape[lead:], kernel, stride, dilation)
    return Aval((*x.shape[:lead], *counts, *kernel), x.dtype)


def _fold(w: np.ndarray, stride: Ints, dilation: Ints, size: Ints) -> np.ndarray:
    spatial = len(size)
    lead = w.ndim - 2 * spatial
    counts, kernel = w.shape[lead : lead + spatial], w.shape[lead + spatial :]
    order = [axis for axis in memory_order(w) if axis < lead + spatial]
    out = allocate((*w.shape[:lead], *size), w.dtype, order)
    out[...] = 0
    for tap in product(*map(range, kernel)):
        place = tuple(
            slice(t * d, t * d + (n - 1) * s + 1 if n else t * d, s)
            for t, d, s, n in zip(tap, dilation, stride, counts, strict=True)
        )
        out[(..., *place)] += w[(..., *tap)]
    return out


def _fold_vjp(g: Any, w_shape: Ints, stride: Ints, dilation: Ints, size: Ints) -> Any:
    w = g.windows(w_shape[len(w_shape) - len(size) :], stride, dilation)
    return w if w.shape == w_shape else w.slice((0,) * w.ndim, w_shape)  # a size that left room for more windows


windows = define(
    "windows",
    eval=_windows,
    aval=_windows_aval,
    inputs=("x",),
    vjps=[lambda g, x_shape, kernel, stride, dilation: g.fold(stride, dilation, x_shape[len(x_shape) - len(kernel) :])],
    family="window",
    formula="y[..., i, j, u, v] = x[..., s i + d u, s j + d v]",
)

fold = define(
    "fold",
    eval=_fold,
    aval=lambda w, *, stride, dilation, size: Aval((*w.shape[: len(w.shape) - 2 * len(size)], *size), w.dtype),
    inputs=("w",),
    vjps=[_fold_vjp],
    family="window",
    formula="y[..., p, q] = sum of w[..., i, j, u, v] over s i + d u = p, s j + d v = q",
)
