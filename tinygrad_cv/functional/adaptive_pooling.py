"""Adaptive pooling: as many windows as asked for tile the image; and global pooling, one window for all of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.movement import concatenate
from .arguments import OutputSize, sizes, spatial
from .pooling import mean
from .pooling_types import Pooled, adaptive_max_pooling
from .taps import Taps, gathered, resampled
from .windows import INDEX, flat, largest, largest_of, windows_of

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

FEW = 8  # windows along an axis: if there are no more, each is a slice
LONG = 16  # elements of a window: of more, and of many windows, all elements are gathered at once
Bins = list[tuple[int, int]]  # where windows along an axis start and end


@composed
def adaptive_avg_pool1d(input: Accepted, output_size: OutputSize) -> Tensor:
    """:func:`adaptive_avg_pool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_avg_pool1d(tg.tensor([[1.0, 2.0, 3.0]]), 2).tolist()
    [[1.5, 2.5]]
    """
    return _adaptive_avg_pool(input, 1, output_size)


@composed
def adaptive_avg_pool2d(input: Accepted, output_size: OutputSize) -> Tensor:
    """The means of H' x W' windows that tile the image; a size of None keeps that of the input.

    Window i covers floor(i H / H') to ceil((i + 1) H / H'), so that windows overlap by one element where they must.

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        output_size: H' for both axes, or (H', W').

    Raises:
        ShapeError: a size below 1.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_avg_pool2d(tg.ones(2, 3, 7, 5), (2, 3)).shape
    (2, 3, 2, 3)
    """
    return _adaptive_avg_pool(input, 2, output_size)


@composed
def adaptive_avg_pool3d(input: Accepted, output_size: OutputSize) -> Tensor:
    """:func:`adaptive_avg_pool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_avg_pool3d(tg.ones(1, 2, 7, 5, 4), (2, None, 1)).shape
    (1, 2, 2, 5, 1)
    """
    return _adaptive_avg_pool(input, 3, output_size)


@spatial
def _adaptive_avg_pool(x: Tensor, dims: int, output_size: OutputSize) -> Tensor:
    _, _, *size = x.shape
    counts = _wanted(output_size, size)
    if all(count == 1 for count in counts):
        return x.mean(tuple(range(2, dims + 2)), keepdims=True)
    if kernel := _even(size, counts):
        return mean(x, windows_of(size, kernel))
    return resampled(x, [_means(n, count) for n, count in zip(size, counts, strict=True)])


@lru_cache(256)
def _means(n: int, count: int) -> Taps:
    """The means of bins along an axis."""
    low, high = np.array(_bins(n, count)).T
    places = low[:, None] + np.arange((high - low).max())
    inside = places < high[:, None]
    return Taps(n, np.where(inside, places, low[:, None]), inside / (high - low)[:, None])


@adaptive_max_pooling
def adaptive_max_pool1d(input: Accepted, output_size: OutputSize, return_indices: bool = False) -> Pooled:
    """:func:`adaptive_max_pool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_max_pool1d(tg.tensor([[1.0, 2.0, 3.0]]), 2).tolist()
    [[2.0, 3.0]]
    """
    return _adaptive_max_pool(input, 1, output_size, return_indices)


@adaptive_max_pooling
def adaptive_max_pool2d(input: Accepted, output_size: OutputSize, return_indices: bool = False) -> Pooled:
    """The maxima of H' x W' windows that tile the image, as for :func:`adaptive_avg_pool2d`.

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        output_size: H' for both axes, or (H', W').
        return_indices: return (y, places), where places[n, c, i, j] = h W + w of the maximum.

    Raises:
        ShapeError: a size below 1.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_max_pool2d(tg.ones(2, 3, 7, 5), (2, 3)).shape
    (2, 3, 2, 3)
    """
    return _adaptive_max_pool(input, 2, output_size, return_indices)


@adaptive_max_pooling
def adaptive_max_pool3d(input: Accepted, output_size: OutputSize, return_indices: bool = False) -> Pooled:
    """:func:`adaptive_max_pool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.adaptive_max_pool3d(tg.ones(1, 2, 7, 5, 4), 2).shape
    (1, 2, 2, 2, 2)
    """
    return _adaptive_max_pool(input, 3, output_size, return_indices)


@spatial
def _adaptive_max_pool(x: Tensor, dims: int, output_size: OutputSize, return_indices: bool) -> Pooled:
    _, _, *size = x.shape
    counts = _wanted(output_size, size)
    if kernel := _even(size, counts):
        return largest(x, windows_of(size, kernel), return_indices)
    bins = [_bins(n, count) for n, count in zip(size, counts, strict=True)]
    if not return_indices and all(len(edges) <= FEW or _longest(edges) <= LONG for edges in bins):
        return _largest_by_axis(x, bins)
    return largest_of(x, x._new(_elements(bins, size)), return_indices)


def _largest_by_axis(x: Tensor, bins: Sequence[Bins]) -> Tensor:
    """The maxima of windows, one axis after the other. The last axis is first, so that of equal elements the first in
    row-major order is taken.
    """
    for axis in range(x.ndim - 1, 1, -1):
        edges = bins[axis - 2]
        if _longest(edges) <= LONG:
            x = gathered(x, axis, _places(edges)).max(-1, ties="first")
            continue
        before = (slice(None),) * axis
        windows = [x[(*before, slice(low, high))] for low, high in edges]
        x = concatenate([window.max(axis, keepdims=True, ties="first") for window in windows], axis)
    return x


def _longest(edges: Bins) -> int:
    return max(high - low for low, high in edges)


def _places(edges: Bins) -> np.ndarray:
    """The places that each window covers; the last one again where a window is shorter than others."""
    taps = np.arange(_longest(edges))
    return np.array([np.minimum(low + taps, high - 1) for low, high in edges], INDEX)


def _elements(bins: Sequence[Bins], size: Sequence[int]) -> np.ndarray:
    """The flat places of what each window covers, H' x W' x K; the last one again where a window has fewer than K."""
    places = [_places(edges) for edges in bins]
    table = flat([p.reshape(-1) for p in places], size)  # (i u) (j v)
    table = table.reshape([n for p in places for n in p.shape])  # i u j v
    counts = [len(edges) for edges in bins]
    order = [*range(0, table.ndim, 2), *range(1, table.ndim, 2)]
    return table.transpose(order).reshape(*counts, -1)  # i j (u v)


@composed
def global_avg_pool1d(input: Accepted) -> Tensor:
    """The mean of each channel: N x C x L to N x C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.global_avg_pool1d(tg.tensor([[[1.0, 3.0]]])).tolist()
    [[2.0]]
    """
    return _global_mean(input, 1)


@composed
def global_avg_pool2d(input: Accepted) -> Tensor:
    """The mean of each channel: N x C x H x W to N x C (Lin, Chen and Yan, "Network in network", 2014, section 3.2).

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.global_avg_pool2d(tg.ones(2, 64, 8, 8)).shape
    (2, 64)
    """
    return _global_mean(input, 2)


@composed
def global_avg_pool3d(input: Accepted) -> Tensor:
    """The mean of each channel: N x C x D x H x W to N x C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.global_avg_pool3d(tg.ones(2, 64, 4, 8, 8)).shape
    (2, 64)
    """
    return _global_mean(input, 3)


@composed
def global_max_pool1d(input: Accepted) -> Tensor:
    """The maximum of each channel: N x C x L to N x C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.global_max_pool1d(tg.tensor([[[1.0, 3.0]]])).tolist()
    [[3.0]]
    """
    return _global_max(input, 1)


@composed
def global_max_pool2d(input: Accepted) -> Tensor:
    """The maximum of each channel: N x C x H x W to N x C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.global_max_pool2d(tg.ones(2, 64, 8, 8)).shape
    (2, 64)
    """
    return _global_max(input, 2)


@composed
def global_max_pool3d(input: Accepted) -> Tensor:
    """The maximum of each channel: N x C x D x H x W to N x C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.global_max_pool3d(tg.ones(2, 64, 4, 8, 8)).shape
    (2, 64)
    """
    return _global_max(input, 3)


@spatial
def _global_mean(x: Tensor, dims: int) -> Tensor:
    return x.mean(tuple(range(2, dims + 2)))


@spatial
def _global_max(x: Tensor, dims: int) -> Tensor:
    return x.max(tuple(range(2, dims + 2)), ties="first")


def _even(size: Sequence[int], counts: Sequence[int]) -> tuple[int, ...]:
    """The windows' sizes, if they are all equal and do not overlap; else nothing."""
    pairs = list(zip(size, counts, strict=True))
    return () if any(n % count for n, count in pairs) else tuple(n // count for n, count in pairs)


def _bins(n: int, count: int) -> Bins:
    """(start, end) of each window along an axis of n."""
    return [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]


def _wanted(output_size: OutputSize, size: Sequence[int]) -> tuple[int, ...]:
    """The number of windows along each axis, with None replaced by the size of the input."""
    dims = len(size)
    if 0 in size:
        raise ShapeError(f"input of spatial size {tuple(size)}{location()}: windows need at least one element.")
    given = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,)
    given = given * dims if len(given) == 1 else given
    if len(given) == dims:
        given = tuple(n if wanted is None else wanted for wanted, n in zip(given, size, strict=True))
    return sizes("output_size", given, dims)
