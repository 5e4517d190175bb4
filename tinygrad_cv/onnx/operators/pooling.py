"""Pooling over windows, and over whole images."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce

import numpy as np

from ...frontend.indexing import summed_up
from ...frontend.reduction import root
from ...frontend.tensor import Tensor
from ...functional.arguments import output_size
from ...functional.windows import INDEX, Windows, largest
from ..errors import OnnxError
from ..registry import Integers, Numbers, operator
from .convolution import spatial_axes
from .windows import borders, each


def windows_of(
    x: Tensor,
    kernel_shape: Integers,
    auto_pad: str,
    pads: Integers | None,
    strides: Integers | None,
    dilations: Integers | None,
    ceil_mode: bool,
) -> tuple[Windows, list[np.ndarray]]:
    """The windows of an image, and for each axis the places that its windows cover: counts x kernel.

    In ceil_mode the last window may reach beyond the padding, but must begin before its end.
    """
    dims, size = spatial_axes(x), x.shape[2:]
    kernel, stride = each("kernel_shape", kernel_shape, dims), each("strides", strides, dims)
    dilation = each("dilations", dilations, dims)
    wanted = borders(auto_pad, pads, size, kernel, stride, dilation)
    padding = []
    for n, k, s, d, (low, high) in zip(size, kernel, stride, dilation, wanted, strict=True):
        span = d * (k - 1) + 1
        count = (n + low + high - span) // s + 1
        if ceil_mode and auto_pad in ("NOTSET", ""):
            count = -(-(n + low + high - span) // s) + 1
            count -= (count - 1) * s >= n + low
        padding.append((low, max(high, (count - 1) * s + span - n - low)))
    counts = output_size(size, kernel, stride, tuple(padding), dilation)
    lows = tuple(low for low, _ in padding)
    windows = Windows(size, kernel, stride, dilation, tuple(padding), lows, counts)
    places = [start[:, None] + d * np.arange(k) for start, d, k in zip(windows.starts(), dilation, kernel, strict=True)]
    return windows, [np.where(p < n + high, p, n + LOST) for p, n, (_, high) in zip(places, size, wanted, strict=True)]


LOST = 2**40  # what lies beyond the padding of the file


def covered(places: Sequence[np.ndarray], size: Sequence[int], include_pad: bool) -> np.ndarray:
    """How many elements each window covers, padding included or not, but never what lies beyond it."""
    inside = [((p < LOST) if include_pad else (p >= 0) & (p < n)).sum(1) for p, n in zip(places, size, strict=True)]
    return reduce(np.multiply.outer, inside)


@operator("MaxPool", since=1)
def max_pool(
    x: Tensor,
    *,
    outputs: int,
    auto_pad: str,
    kernel_shape: Integers,
    ceil_mode: bool = False,
    storage_order: bool = False,
    dilations: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor | tuple[Tensor, Tensor]:
    """The largest element of each window; and its place among all elements of x, by rows or by columns."""
    windows, _ = windows_of(x, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    image = x if x.dtype.kind == "f" else x.astype(np.float32)
    if outputs == 1:
        return largest(image, windows, False).astype(x.dtype)
    y, places = largest(image, windows, True)
    size = x.shape[2:]
    if storage_order:
        places = _by_columns(places, size)
    images = np.arange(math.prod(x.shape[:2]), dtype=INDEX).reshape(*x.shape[:2], *(1,) * len(size))
    return y.astype(x.dtype), places + x._new(images * math.prod(size))


def _by_columns(places: Tensor, size: Sequence[int]) -> Tensor:
    """Places in row-major order as places in column-major order."""
    table = np.arange(math.prod(size), dtype=INDEX).reshape(size[::-1]).T.reshape(-1)
    return places._new(np.ascontiguousarray(table)).gather(places)


@operator("AveragePool", since=1)
def average_pool(
    x: Tensor,
    *,
    auto_pad: str,
    kernel_shape: Integers,
    ceil_mode: bool = False,
    count_include_pad: bool = False,
    dilations: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    windows, places = windows_of(x, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    return _mean(x, windows, covered(places, windows.size, count_include_pad))


def _mean(x: Tensor, windows: Windows, divisor: np.ndarray) -> Tensor:
    single = x.dtype == np.float16
    total = windows.of(x.astype(np.float32) if single else x, 0.0).sum(windows.axes)
    share = 1.0 / float(divisor.flat[0]) if divisor.size and (divisor == divisor.flat[0]).all() else None
    y = total * (x._new((1.0 / divisor).astype(total.dtype)) if share is None else share)
    return y.astype(x.dtype) if single else y


@operator("LpPool", since=2)
def lp_pool(
    x: Tensor,
    *,
    auto_pad: str,
    kernel_shape: Integers,
    p: int,
    ceil_mode: bool = False,
    dilations: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """(Σ |x|ᵖ)^(1/p) over each window."""
    windows, _ = windows_of(x, kernel_shape, auto_pad, pads, strides, dilations, ceil_mode)
    return _root(windows.of(_powers(x, p), 0.0).sum(windows.axes), p)


def _powers(x: Tensor, p: int) -> Tensor:
    """|x|ᵖ"""
    if p < 1:
        raise OnnxError(f"p={p}: it must be at least 1.")
    return x.square() if p == 2 else abs(x) ** p


def _root(s: Tensor, p: int) -> Tensor:
    """s^(1/p), with derivative 0 at 0."""
    if p == 1:
        return s
    if p == 2:
        return root(s)
    zero = s == 0
    return zero.where(0.0, zero.where(1.0, s) ** (1.0 / p))


@operator("GlobalAveragePool", since=1)
def global_average_pool(x: Tensor) -> Tensor:
    return x.mean(tuple(range(2, x.ndim)), keepdims=True)


@operator("GlobalMaxPool", since=1)
def global_max_pool(x: Tensor) -> Tensor:
    return x.max(tuple(range(2, x.ndim)), keepdims=True, ties="first")


@operator("GlobalLpPool", since=2)
def global_lp_pool(x: Tensor, *, p: int) -> Tensor:
    return _root(_powers(x, p).sum(tuple(range(2, x.ndim)), keepdims=True), p)


@operator("MaxUnpool", since=9)
def max_unpool(
    x: Tensor,
    places: Tensor,
    output_shape: Numbers | None = None,
    *,
    kernel_shape: Integers,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """Maxima at their places, which count through all elements of the pooling's input; 0 elsewhere.

    Of several that were found at one place it gets the mean. A larger output shape adds zeros at the ends of axes.
    """
    dims = spatial_axes(x)
    kernel, stride = each("kernel_shape", kernel_shape, dims), each("strides", strides, dims)
    padding = borders("NOTSET", pads, x.shape[2:], kernel, stride, (1,) * dims)
    size = [
        (n - 1) * s - low - high + k for n, s, k, (low, high) in zip(x.shape[2:], stride, kernel, padding, strict=True)
    ]
    shape = (*x.shape[:2], *size)
    rows, count = places.reshape(-1), math.prod(shape)
    found = summed_up(x._new(np.ones(rows.shape, x.dtype)), rows, count)
    y = (summed_up(x.reshape(-1), rows, count) / found.maximum(1.0)).reshape(shape)
    if output_shape is None:
        return y
    wanted = tuple(map(int, output_shape))
    if len(wanted) != len(shape) or any(m < n for m, n in zip(wanted, shape, strict=True)):
        raise OnnxError(f"output_shape {wanted}: no size may be below those of the pooling's input, {shape}.")
    return y.pad([(0, m - n) for m, n in zip(wanted, shape, strict=True)])
