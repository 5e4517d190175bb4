"""Pooling of regions of interest, and of a pyramid of grids: outputs of one size from inputs of any."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.context import location, read
from ..core.errors import DTypeError, ShapeError
from ..frontend.creation import asarray
from ..frontend.functions import composed
from ..frontend.indexing import looked_up
from ..frontend.movement import concatenate
from .adaptive_pooling import adaptive_avg_pool2d, adaptive_max_pool2d
from .arguments import LARGEST, Size, sizes, spatial
from .windows import INDEX

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted, TensorLike


class Regions(NamedTuple):
    """Boxes of images: the image's number, and left, top, right and bottom edges."""

    image: Tensor
    x1: Tensor
    y1: Tensor
    x2: Tensor
    y2: Tensor


@composed
def roi_align(
    input: Accepted,
    boxes: TensorLike | Sequence[TensorLike],
    output_size: Size,
    spatial_scale: float = 1.0,
    sampling_ratio: int = -1,
    aligned: bool = False,
) -> Tensor:
    """The means of samples in H' x W' bins of each box (He et al., "Mask R-CNN", 2017, section 3).

    A sample is interpolated bilinearly between four pixels; more than one pixel outside of the image it is 0. The boxes
    say where to look, and have no gradient. Arguments are those of torchvision.ops.

    Args:
        input: x, N x C x H x W.
        boxes: K x 5, the number of the image, x1, y1, x2, y2; or a list with L x 4 for each image.
        output_size: H' for both axes, or (H', W').
        spatial_scale: what coordinates of boxes are multiplied by to be those of x.
        sampling_ratio: samples along each axis of a bin; if it is not positive, as many as the bin has pixels, rounded
            up.
        aligned: let pixel i be at i + ½, as the paper's authors do it by now; otherwise it is at i, and boxes have at
            least a side of 1.

    Returns:
        K x C x H' x W'.

    Raises:
        ShapeError, DTypeError: boxes of another shape or dtype.
        IndexError: the number of an image that is not there.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> x = tg.tensor([[[[0.0, 1.0], [2.0, 3.0]]]])
    >>> F.roi_align(x, [[[0.0, 0.0, 2.0, 2.0]]], 2, sampling_ratio=1, aligned=True).tolist()
    [[[[0.0, 1.0], [2.0, 3.0]]]]
    """
    x: Tensor = input
    regions = _regions(x, boxes)
    h, w = x.shape[2:]
    shift = 0.5 if aligned else 0.0
    axes = []
    edges = (regions.y1, regions.y2, h), (regions.x1, regions.x2, w)
    for (low, high, size), count in zip(edges, sizes("output_size", output_size, 2), strict=True):
        start = low * spatial_scale - shift
        length = high * spatial_scale - shift - start
        axes.append(_samples(start, length if aligned else length.maximum(1.0), count, sampling_ratio, size))
    (rows, down, samples_down), (columns, across, samples_across) = axes  # k i t
    k, i, t = rows.shape
    _, j, s = columns.shape
    pixels = regions.image.reshape(k, 1, 1, 1, 1) * (h * w) + rows.reshape(k, i, 1, t, 1) * w
    pixels = (pixels + columns.reshape(k, 1, j, 1, s)).reshape(k, i, j, t * s)
    weights = (down.reshape(k, i, 1, t, 1) * across.reshape(k, 1, j, 1, s)).reshape(k, i, j, t * s)
    weights = weights / (samples_down * samples_across).maximum(1.0).reshape(k, 1, 1, 1)
    channels = looked_up(_pixels_first(x), pixels)  # k i j (t s) c
    return (channels * weights.expand_dims(-1)).sum(3).permute(0, 3, 1, 2)  # k i j c -> k c i j


def _samples(start: Tensor, length: Tensor, bins: int, ratio: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels and their weights along one axis, K x bins x taps, and how many samples a bin has.

    A sample has two taps, the pixels below and above it.
    """
    if ratio > LARGEST:
        raise ValueError(f"sampling_ratio={ratio}{location()}: it must be at most {LARGEST}.")
    k = start.shape[0]
    step = length / bins
    grid = step._new(np.full(k, ratio, step.dtype)) if ratio > 0 else -(-step).floor()
    most = ratio if ratio > 0 else _most(grid, -(-size // bins))
    numbers = np.arange(most, dtype=step.dtype)
    bin_, sample = step._new(np.arange(bins, dtype=step.dtype).reshape(1, bins, 1)), step._new(numbers)
    start, step, count = (each.reshape(k, 1, 1) for each in (start, step, grid))
    place = start + bin_ * step + (sample + 0.5) * step / count.maximum(1.0)
    seen = (place >= -1.0) & (place <= float(size)) & (sample < count)
    place = place.clip(0.0, float(size - 1))
    below = place.floor()
    upper = place - below
    low = below.astype(INDEX)
    pixels = concatenate([low, (low + 1).clip(0, size - 1)], -1)
    return pixels, concatenate([seen.where(1.0 - upper, 0.0), seen.where(upper, 0.0)], -1), grid


@composed
def roi_pool(
    input: Accepted, boxes: TensorLike | Sequence[TensorLike], output_size: Size, spatial_scale: float = 1.0
) -> Tensor:
    """The maxima of H' x W' bins of each box, whose edges are rounded to pixels (Girshick, "Fast R-CNN", 2015).

    A bin that lies outside of the image is 0. At a tie the gradient goes to the first pixel. Arguments are those of
    torchvision.ops; unlike there, NaN propagates.

    Args:
        input: x, N x C x H x W.
        boxes: K x 5, the number of the image, x1, y1, x2, y2, the last two inclusive; or a list with L x 4 for each
            image.
        output_size: H' for both axes, or (H', W').
        spatial_scale: what coordinates of boxes are multiplied by to be those of x.

    Returns:
        K x C x H' x W'.

    Raises:
        ShapeError, DTypeError: boxes of another shape or dtype.
        IndexError: the number of an image that is not there.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.roi_pool(tg.tensor([[[[0.0, 1.0], [2.0, 3.0]]]]), [[[0, 0, 1, 1], [0, 0, 1, 0]]], 1).tolist()
    [[[[3.0]]], [[[1.0]]]]
    """
    x: Tensor = input
    regions = _regions(x, boxes)
    c, h, w = x.shape[1:]
    axes = []
    edges = (regions.y1, regions.y2, h), (regions.x1, regions.x2, w)
    for (low, high, size), count in zip(edges, sizes("output_size", output_size, 2), strict=True):
        axes.append(_covered(_rounded(low * spatial_scale), _rounded(high * spatial_scale), count, size))
    (rows, row_seen), (columns, column_seen) = axes  # k i t
    k, i, t = rows.shape
    _, j, s = columns.shape
    pixels = regions.image.reshape(k, 1, 1, 1, 1) * (h * w) + rows.reshape(k, i, 1, t, 1) * w
    pixels = (pixels + columns.reshape(k, 1, j, 1, s)).reshape(k, i, j, t * s, 1)
    seen = (row_seen.reshape(k, i, 1, t, 1) & column_seen.reshape(k, 1, j, 1, s)).reshape(k, i, j, t * s, 1)
    image = _pixels_first(x)
    channels = seen.where(looked_up(image.detach(), pixels.reshape(k, i, j, t * s)), -math.inf)
    best = channels.argmax_kept((3,), INDEX)  # k i j 1 c
    places = (pixels.iota((3,), INDEX) == best).where(pixels, 0).sum(3) * c + x._new(np.arange(c))
    found = seen.any(3)
    maxima = looked_up(image.reshape(-1), found.where(places, 0))
    return found.where(maxima, 0.0).permute(0, 3, 1, 2)  # k i j c -> k c i j


def _covered(first: Tensor, last: Tensor, bins: int, size: int) -> tuple[Tensor, Tensor]:
    """The pixels of each bin along one axis, K x bins x taps, and which of them count."""
    k = first.shape[0]
    length = (last - first + 1.0).maximum(1.0).reshape(k, 1)
    number = first._new(np.arange(bins, dtype=first.dtype))
    step, start = length / bins, first.reshape(k, 1)
    low = ((number * step).floor() + start).clip(0.0, float(size))
    high = (-(-((number + 1.0) * step)).floor() + start).clip(0.0, float(size))
    taps = max(_most(high - low, min(size, -(-(size + 1) // bins) + 1)), 1)
    pixels = low.expand_dims(-1) + first._new(np.arange(taps, dtype=first.dtype))
    return pixels.clip(0.0, float(size - 1)).astype(INDEX), pixels < high.expand_dims(-1)


@composed
def spatial_pyramid_pool2d(input: Accepted, levels: Sequence[Size] = (1, 2, 4), mode: str = "max") -> Tensor:
    """Features of one length for images of any size (He et al., "Spatial pyramid pooling", 2014, section 2.2).

    Adaptive pooling to grids of n x n bins for each level n, flattened and joined: N x C x H x W to N x C Σ n². Windows
    are those of :func:`adaptive_max_pool2d`, which reach the end of the image also where the paper's, of ⌈H/n⌉ at a
    stride of ⌊H/n⌋, do not.

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        levels: n, or (rows, columns), of each level.
        mode: "max", as in the paper, or "avg".

    Raises:
        ShapeError: no level, or one of size below 1.
        ValueError: another mode.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> [F.spatial_pyramid_pool2d(tg.ones(2, 16, side, side)).shape for side in (13, 10)]
    [(2, 336), (2, 336)]
    """
    return _pyramid(input, 2, levels, mode)


@spatial
def _pyramid(x: Tensor, dims: int, levels: Sequence[Size], mode: str) -> Tensor:
    pools: dict[str, Callable[..., Tensor]] = {"max": adaptive_max_pool2d, "avg": adaptive_avg_pool2d}
    if mode not in pools:
        raise ValueError(f"mode={mode!r}{location()}: it must be 'max' or 'avg'.")
    if not isinstance(levels, Sequence) or isinstance(levels, str) or not levels:
        raise ShapeError(f"levels={levels!r}{location()}: it must be sizes of grids, such as (1, 2, 4).")
    return concatenate([pools[mode](x, sizes("levels", level, dims)).flatten(1) for level in levels], 1)


def _regions(x: Tensor, boxes: TensorLike | Sequence[TensorLike]) -> Regions:
    """The boxes of N images, checked, in the dtype of the images."""
    if x.ndim != 4 or x.dtype.kind != "f" or 0 in x.shape[1:]:
        raise ShapeError(
            f"input of shape {x.shape}, {x.dtype}{location()}: it must be N x C x H x W, of floats, one image for each "
            "number that boxes have; none of C, H, W is 0."
        )
    n = x.shape[0]
    listed = [asarray(part) for part in boxes] if isinstance(boxes, (list, tuple)) else []
    if any(part.shape != (5,) for part in listed):
        parts = [_numbers(part, 4) for part in listed]
        if len(parts) != n:
            raise ShapeError(f"boxes of {len(parts)} images, input of {n}{location()}: a list has one entry an image.")
        places = np.repeat(np.arange(n), [part.shape[0] for part in parts]).astype(INDEX)
        image = x._new(places)
        edges = concatenate([part.astype(x.dtype) for part in parts], 0)
    else:
        table = _numbers(boxes, 5)
        image, edges = table[:, 0].astype(INDEX), table[:, 1:].astype(x.dtype)
        if not ((image >= 0) & (image < n)).holds():
            raise IndexError(
                f"boxes of images {image.min().item()} to {image.max().item()}{location()}: there are {n}, whose "
                f"numbers are 0 to {n - 1}."
            )
    return Regions(image, *(edges[:, i] for i in range(4)))


def _numbers(boxes: TensorLike, columns: int) -> Tensor:
    """Boxes as a table of real numbers, which no gradient is asked of."""
    table = asarray(boxes).detach()
    table = table.reshape(0, columns) if table.shape == (0,) else table
    if table.ndim != 2 or table.shape[1] != columns:
        raise ShapeError(
            f"boxes of shape {table.shape}{location()}: they must be K x 5, the image's number, x1, y1, x2, y2, or a "
            "list with L x 4 for each image."
        )
    if table.dtype.kind not in "fiu":
        raise DTypeError(f"boxes of dtype {table.dtype}{location()}: coordinates are numbers.")
    return table


def _pixels_first(x: Tensor) -> Tensor:
    """N x C x H x W as NHW rows of C channels."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])  # n c h w -> (n h w) c


def _most(counts: Tensor, usual: int) -> int:
    """The largest of the counts; in a trace the usual one, which then holds for all of them in every call."""
    numbers = read(counts)
    if isinstance(numbers, np.ndarray):
        most = numbers.max(initial=0)
        if not most <= LARGEST:
            raise ValueError(
                f"boxes with up to {most} samples along an axis{location()}: coordinates times spatial_scale must be "
                "finite and near the image's."
            )
        return int(most)
    return usual if (counts <= float(usual)).holds() else 0


def _rounded(x: Tensor) -> Tensor:
    """The nearest integer; halves away from 0."""
    return (x < 0.0).where(-(0.5 - x).floor(), (x + 0.5).floor())
