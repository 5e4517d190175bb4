"""Pooling, composed: pad, windows, reduce. H' = floor((H + 2P - K) / S) + 1; per channel; no parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..frontend.functions import composed
from ..frontend.movement import stack
from ..frontend.products import einsum
from .arguments import Pads, Size, bordered, output_size, sizes

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

OutputSize = int | tuple[int | None, int | None] | None  # None keeps the input's size


def images(x: Tensor) -> tuple[int, int, int, int]:
    """The sizes N, C, H, W of a batch of images."""
    if x.ndim != 4:
        raise ShapeError(f"input of shape {x.shape}{location()}: it must have four axes, N x C x H x W.")
    if x.dtype.kind != "f":
        raise DTypeError(f"input of dtype {x.dtype}{location()}: images must be floats. Use .astype('float32') / 255.")
    n, c, h, w = x.shape
    return n, c, h, w


@composed
def max_pool2d(
    x: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Tensor:
    """The maximum of each window; at a tie the gradient goes to the first in row-major order. NaN propagates.

    Args:
        x: N x C x H x W.
        kernel_size: K.
        stride: S, by default K.
        padding: P, at most K/2, filled with -inf, which is never the maximum.
        ceil_mode: round H' up, so that the last window may be partial.

    Raises:
        ShapeError: the kernel does not fit, or P is larger than K/2.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.max_pool2d(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]]), 2).tolist()
    [[[[6.0, 8.0], [3.0, 4.0]]]]
    """
    kernel, stride, dilation, pads, _ = _windows_of(x, kernel_size, stride, padding, dilation, ceil_mode)
    return bordered(x, pads, -math.inf).windows(kernel, stride, dilation).max((-2, -1), ties="first")


@composed
def avg_pool2d(
    x: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean of each window.

    Args:
        x: N x C x H x W.
        kernel_size: K.
        stride: S, by default K.
        padding: P, at most K/2; the zeros count as elements unless ``count_include_pad`` is false.
        ceil_mode: round H' up; the part of a window beyond the padding never counts.
        divisor_override: divide by this instead of the number of elements.

    Raises:
        ShapeError: the kernel does not fit, or P is larger than K/2.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.avg_pool2d(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]]), 2).tolist()
    [[[[3.25, 5.25], [2.0, 2.0]]]]
    """
    kernel, strides, _, pads, counts = _windows_of(x, kernel_size, stride, padding, 1, ceil_mode)
    total = bordered(x, pads).windows(kernel, strides, (1, 1)).sum((-2, -1))
    if divisor_override is not None:
        if divisor_override == 0:
            raise ShapeError("divisor_override=0: the divisor must not be 0.")
        return total * (1.0 / divisor_override)
    elements = [
        _elements(n, count, k, s, p, count_include_pad)
        for n, count, k, s, p in zip(x.shape[2:], counts, kernel, strides, sizes("padding", padding, 2, 0), strict=True)
    ]
    divisor = np.outer(*elements)
    if (divisor == kernel[0] * kernel[1]).all():
        return total * (1.0 / (kernel[0] * kernel[1]))
    return total * (1.0 / divisor).astype(x.dtype)


def _elements(n: int, count: int, k: int, s: int, p: int, include_pad: bool) -> np.ndarray:
    """The number of elements that each window covers along one axis."""
    start = np.arange(count) * s - p
    end = np.minimum(start + k, n + p)
    return end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0)


def _windows_of(
    x: Tensor, kernel_size: Size, stride: Size | None, padding: Size, dilation: Size, ceil_mode: bool
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], Pads, tuple[int, ...]]:
    """Kernel, stride, dilation and padding as pairs, and the number of windows along each axis."""
    _, _, h, w = images(x)
    kernel = sizes("kernel_size", kernel_size, 2)
    strides = kernel if stride is None else sizes("stride", stride, 2)
    spread = sizes("dilation", dilation, 2)
    pads = []
    for n, k, s, p, d in zip((h, w), kernel, strides, sizes("padding", padding, 2, 0), spread, strict=True):
        if 2 * p > k:
            raise ShapeError(
                f"padding={p} with a kernel of {k}{location()}: padding must be at most half of the kernel."
            )
        span = d * (k - 1) + 1
        extra = 0
        if ceil_mode and n + 2 * p > span - s:
            count = -(-(n + 2 * p - span) // s) + 1
            if (count - 1) * s >= n + p:  # the last window would cover padding only
                count -= 1
            extra = max(0, (count - 1) * s + span - (n + 2 * p))
        pads.append((p, p + extra))
    counts = output_size((h, w), kernel, strides, (pads[0], pads[1]), spread)
    return kernel, strides, spread, (pads[0], pads[1]), counts


@composed
def adaptive_avg_pool2d(x: Accepted, output_size: OutputSize) -> Tensor:
    """The means of H' x W' windows that tile the image; a size of None keeps that of the input.

    Window i covers floor(i H / H') to ceil((i + 1) H / H').

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_avg_pool2d(tg.ones(2, 3, 7, 5), (2, 3)).shape
    (2, 3, 2, 3)
    """
    _, _, h, w = images(x)
    rows, columns = _wanted(output_size, h, w)
    if (rows, columns) == (1, 1):
        return x.mean((2, 3), keepdims=True)
    if h % rows == 0 and w % columns == 0:
        kernel = (h // rows, w // columns)
        return x.windows(kernel, kernel, (1, 1)).mean((-2, -1))
    averages = []
    for n, count in ((h, rows), (w, columns)):
        matrix = np.zeros((count, n), x.dtype)
        for i, (low, high) in enumerate(_bins(n, count)):
            matrix[i, low:high] = 1 / (high - low)
        averages.append(matrix)
    return einsum("nchw,ih,jw->ncij", x, *averages)


@composed
def adaptive_max_pool2d(x: Accepted, output_size: OutputSize) -> Tensor:
    """The maxima of H' x W' windows that tile the image, as for :func:`adaptive_avg_pool2d`."""
    n, c, h, w = images(x)
    rows, columns = _wanted(output_size, h, w)
    if h % rows == 0 and w % columns == 0:
        kernel = (h // rows, w // columns)
        return x.windows(kernel, kernel, (1, 1)).max((-2, -1), ties="first")
    maxima = [
        x.slice((0, 0, top, left), (n, c, bottom, right)).max((2, 3), ties="first")
        for top, bottom in _bins(h, rows)
        for left, right in _bins(w, columns)
    ]
    return stack(maxima, -1).reshape(n, c, rows, columns)


@composed
def global_avg_pool2d(x: Accepted) -> Tensor:
    """The mean of each channel: N x C x H x W to N x C."""
    images(x)
    return x.mean((2, 3))


@composed
def global_max_pool2d(x: Accepted) -> Tensor:
    """The maximum of each channel: N x C x H x W to N x C."""
    images(x)
    return x.max((2, 3), ties="first")


def _bins(n: int, count: int) -> list[tuple[int, int]]:
    """(start, end) of each adaptive window along an axis of n."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


def _wanted(output_size: OutputSize, h: int, w: int) -> tuple[int, int]:
    """H' and W', with None replaced by H or W."""
    both = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(both) == 2:
        both = tuple(n if wanted is None else wanted for wanted, n in zip(both, (h, w), strict=True))
    rows, columns = sizes("output_size", both, 2)
    return rows, columns
