"""Pooling windows: where they stand, what they cover, the largest element of each and its place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.indexing import looked_up
from .arguments import Pads, Size, bordered, output_size, sizes

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

TAPS = 16  # elements: larger windows are reduced axis by axis
INDEX = np.dtype(np.int64)  # of places, as PyTorch has them


class Windows(NamedTuple):
    """Windows over the spatial axes of an image of ``size``; one number of each kind for an axis."""

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    pads: Pads  # the upper one with what the last window needs beyond the padding
    padding: tuple[int, ...]
    counts: tuple[int, ...]

    def of(self, x: Tensor, border: float) -> Tensor:
        """The windows of N x C x ..., with ``border`` in the padding: the kernel's axes come last."""
        return bordered(x, self.pads, border).windows(self.kernel, self.stride, self.dilation)

    @property
    def axes(self) -> tuple[int, ...]:
        """The kernel's axes in :meth:`of`."""
        dims = len(self.size)
        return tuple(range(dims + 2, 2 * dims + 2))

    @property
    def apart(self) -> bool:
        """Whether no element is in two windows, and none is in the padding."""
        axes = zip(self.kernel, self.stride, self.counts, strict=True)
        return all(k <= s or m == 1 for k, s, m in axes) and set(self.dilation) == {1} and not any(map(any, self.pads))

    def starts(self) -> list[np.ndarray]:
        """The place of each window's first element along each axis; in the padding it is below 0."""
        return [np.arange(m) * s - p for m, s, p in zip(self.counts, self.stride, self.padding, strict=True)]

    def elements(self, include_pad: bool) -> np.ndarray:
        """How many elements each window covers, padding included or not, but never what lies beyond it."""
        covered = []
        for start, n, k, p in zip(self.starts(), self.size, self.kernel, self.padding, strict=True):
            end = np.minimum(start + k, n + p)
            covered.append(end - start if include_pad else np.minimum(end, n) - np.maximum(start, 0))
        return reduce(np.multiply.outer, covered)


def windows_of(
    size: Sequence[int],
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
) -> Windows:
    """The windows of PyTorch's arguments: without a stride side by side, the last one partial in ``ceil_mode``.

    Raises:
        ShapeError: the kernel does not fit, or the padding is larger than half of it.
    """
    dims = len(size)
    kernel, spread = sizes("kernel_size", kernel_size, dims), sizes("dilation", dilation, dims)
    steps = kernel if stride is None or stride in ((), []) else sizes("stride", stride, dims)
    padding = sizes("padding", padding, dims, 0)
    pads = []
    for n, k, s, p, d in zip(size, kernel, steps, padding, spread, strict=True):
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
    counts = output_size(size, kernel, steps, tuple(pads), spread)
    return Windows(tuple(size), kernel, steps, spread, tuple(pads), padding, counts)


def largest(x: Tensor, windows: Windows, return_indices: bool) -> Any:
    """The maximum of each window, at a tie the first in row-major order; and, if asked for, its flat place."""
    if not return_indices and math.prod(windows.kernel) > TAPS and not windows.apart:
        return _largest_by_axis(x, windows)
    elements = windows.of(x, -math.inf)
    y = elements.max(windows.axes, ties="first")
    if not return_indices:
        return y
    taps = (
        elements.detach().argmax_kept(windows.axes, np.min_scalar_type(math.prod(windows.kernel) - 1)).reshape(y.shape)
    )
    steps = [np.arange(k) * d for k, d in zip(windows.kernel, windows.dilation, strict=True)]
    starts = windows.starts()
    places = looked_up(x._new(flat(steps, windows.size).reshape(-1)), taps) + x._new(flat(starts, windows.size))
    if any(windows.padding):  # padding wins where everything is -inf: then the first element of the image is meant
        inside = [start + -(np.minimum(start, 0) // d) * d for start, d in zip(starts, windows.dilation, strict=True)]
        places = (y.detach() == -math.inf).where(x._new(flat(inside, windows.size)), places)
    return y, places


def _largest_by_axis(x: Tensor, windows: Windows) -> Tensor:
    """The maximum of each window, one axis after the other: K + K + K comparisons instead of K³.

    The last axis is first: so the first maximum along each axis is the first in row-major order.
    """
    x = bordered(x, windows.pads, -math.inf)
    for axis in reversed(range(len(windows.size))):
        along = [
            tuple(n if i == axis else 1 for i, n in enumerate(numbers))
            for numbers in (windows.kernel, windows.stride, windows.dilation)
        ]
        x = x.windows(*along).max(windows.axes, ties="first")
    return x


def largest_of(x: Tensor, places: Tensor, return_indices: bool) -> Any:
    """The largest of the elements at flat places, at a tie the first; and, if asked for, its place.

    places: ... x K for all images alike, or N x C x ... x K.
    """
    n, c, *size = x.shape
    starts = np.arange(n * c, dtype=INDEX).reshape(n, c, *(1,) * len(size)) * math.prod(size)
    elements, images = x.reshape(-1), x._new(starts)
    all_places = places + images.expand_dims(-1)
    last = all_places.ndim - 1
    best = looked_up(elements.detach(), all_places).argmax_kept((last,), INDEX)
    chosen = (places.iota((places.ndim - 1,), INDEX) == best).where(places, 0).sum(last)
    y = looked_up(elements, chosen + images)
    return (y, chosen) if return_indices else y


def flat(places: Sequence[np.ndarray], size: Sequence[int]) -> np.ndarray:
    """The places in row-major order of all combinations of places along axes of ``size``."""
    weights = [math.prod(size[axis + 1 :]) for axis in range(len(size))]
    return reduce(np.add.outer, [p * w for p, w in zip(places, weights, strict=True)]).astype(INDEX)
