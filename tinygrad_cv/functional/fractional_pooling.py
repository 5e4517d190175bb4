"""Max pooling with windows at random places, so that any ratio of sizes is possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..frontend.random import default_generator
from .arguments import Ratio, Size, sizes, spatial
from .pooling_types import Pooled, fractional_max_pooling
from .windows import INDEX, largest_of

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@fractional_max_pooling
def fractional_max_pool2d(
    input: Accepted,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: Accepted | None = None,
) -> Pooled:
    """The maxima of H' x W' windows at random places (Graham, "Fractional max-pooling", 2014, section 2).

    Window i < H' - 1 starts at floor((i + u) a) - floor(u a) with a = (H - K) / (H' - 1), the last one at H - K. For
    each channel of each image a number u in [0, 1) is drawn for each axis, from this library's generator.

    Args:
        input: x, N x C x H x W; or C x H x W, one image.
        kernel_size: K.
        output_size: H' for both axes, or (H', W').
        output_ratio: instead of it H'/H, between 0 and 1.
        return_indices: return (y, places), where places[n, c, i, j] = h W + w of the maximum.
        _random_samples: N x C x 2 of the dtype of x, the numbers u of the last axis first; then nothing is drawn.

    Raises:
        ValueError: both a size and a ratio, or neither.
        ShapeError: H' + K - 1 is larger than H, or _random_samples of another shape.
        DTypeError: _random_samples of another dtype.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.fractional_max_pool2d(tg.ones(1, 2, 9, 7), 2, output_ratio=0.7).shape
    (1, 2, 6, 4)
    """
    return _fractional(input, 2, kernel_size, output_size, output_ratio, return_indices, _random_samples)


@fractional_max_pooling
def fractional_max_pool3d(
    input: Accepted,
    kernel_size: Size,
    output_size: Size | None = None,
    output_ratio: Ratio | None = None,
    return_indices: bool = False,
    _random_samples: Accepted | None = None,
) -> Pooled:
    """:func:`fractional_max_pool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    _random_samples: N x C x 3, the numbers u of D, H and W.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.fractional_max_pool3d(tg.ones(1, 2, 9, 7, 8), 2, 4).shape
    (1, 2, 4, 4, 4)
    """
    return _fractional(input, 3, kernel_size, output_size, output_ratio, return_indices, _random_samples)


@spatial
def _fractional(
    x: Tensor,
    dims: int,
    kernel_size: Size,
    output_size: Size | None,
    output_ratio: Ratio | None,
    return_indices: bool,
    samples: Tensor | None,
) -> Pooled:
    n, c, *size = x.shape
    kernel = sizes("kernel_size", kernel_size, dims)
    counts = _counts(size, output_size, output_ratio)
    for whole, k, m in zip(size, kernel, counts, strict=True):
        if m + k - 1 > whole:
            raise ShapeError(
                f"{m} windows of {k} on an axis of size {whole}{location()}: H' + K - 1 must be at most H. Take fewer "
                "windows or a smaller kernel."
            )
    if samples is None:
        samples = default_generator.uniform((n, c, dims), x.dtype)
    elif samples.shape != (n, c, dims):
        raise ShapeError(
            f"_random_samples of shape {samples.shape}{location()}: it must be N x C x {dims} = {(n, c, dims)}."
        )
    elif samples.dtype != x.dtype:
        raise DTypeError(
            f"_random_samples of dtype {samples.dtype}, input of dtype {x.dtype}{location()}: they must be equal. "
            f"Convert them: .astype({str(x.dtype)!r})."
        )
    samples = samples.detach()
    places: Tensor | None = None
    for axis, (whole, k, m) in enumerate(zip(size, kernel, counts, strict=True)):
        number = dims - 1 - axis if dims == 2 else axis  # as PyTorch numbers them
        elements = _starts(samples[:, :, number], whole - k, m).expand_dims(-1) + x._new(np.arange(k))  # n c i u
        before, after = (1,) * axis, (1,) * (dims - 1 - axis)
        elements = elements.reshape(n, c, *before, m, *after, *before, k, *after)
        weighted = elements * math.prod(size[axis + 1 :])
        places = weighted if places is None else places + weighted
    assert places is not None
    return largest_of(x, places.reshape(n, c, *counts, math.prod(kernel)), return_indices)


def _starts(u: Tensor, last: int, count: int) -> Tensor:
    """Where windows start along an axis, N x C x H', for numbers N x C in [0, 1)."""
    n, c = u.shape
    if count == 1:
        return u._new(np.full((n, c, 1), last, INDEX))
    u = u.expand_dims(-1)
    step = u.dtype.type(last) / u.dtype.type(count - 1)  # in the dtype of the draw: so floor meets what PyTorch's does
    numbers = np.arange(count).astype(u.dtype)
    starts = (((u + u._new(numbers)) * float(step)).floor() - (u * float(step)).floor()).astype(INDEX)
    return u._new(np.arange(count) == count - 1).where(last, starts)


def _counts(size: Sequence[int], output_size: Size | None, output_ratio: Ratio | None) -> tuple[int, ...]:
    """The number of windows along each axis."""
    dims = len(size)
    if (output_size is None) == (output_ratio is None):
        raise ValueError(
            f"output_size={output_size}, output_ratio={output_ratio}{location()}: give one of the two, and not both."
        )
    if output_ratio is None:
        return sizes("output_size", output_size, dims)
    return sizes("output_size", tuple(int(n * r) for n, r in zip(size, ratios(output_ratio, dims), strict=True)), dims)


def ratios(output_ratio: Ratio, dims: int) -> tuple[float, ...]:
    """H'/H along each axis, each between 0 and 1."""
    given = tuple(output_ratio) if isinstance(output_ratio, Sequence) else (output_ratio,)
    given = given * dims if len(given) == 1 else given
    if len(given) != dims or not all(isinstance(r, (int, float)) and 0.0 < r < 1.0 for r in given):
        raise ValueError(
            f"output_ratio={output_ratio!r}{location()}: it must be a number between 0 and 1, or one for each axis."
        )
    return given
