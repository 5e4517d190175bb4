"""The partial inverse of max pooling: maxima go back to their places, all else is 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..frontend.functions import composed
from ..frontend.indexing import looked_up, summed_up
from .arguments import Size, sizes, spatial
from .windows import INDEX, TAPS, flat

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@composed
def max_unpool1d(
    input: Accepted,
    indices: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """:func:`max_unpool2d` along one axis: N x C x L' to N x C x L.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.max_unpool1d(tg.tensor([[3.0, 5.0]]), tg.tensor([[1, 3]]), 2).tolist()
    [[0.0, 3.0, 0.0, 5.0]]
    """
    return _unpool(input, 1, indices, kernel_size, stride, padding, output_size)


@composed
def max_unpool2d(
    input: Accepted,
    indices: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """Maxima at the places that they were found at; 0 elsewhere (Zeiler and Fergus, "Visualizing", 2014, section 2.1).

    Where windows overlap, several may have found one place: it gets the mean of what they bring, and each of them its
    share of the gradient. PyTorch keeps one of them, and gives all of them the whole gradient.

    Args:
        input: N x C x H' x W', or C x H' x W', what :func:`max_pool2d` returned.
        indices: of the same shape, the places h W + w that it returned.
        kernel_size, stride, padding: those of the pooling.
        output_size: (H, W), or (N, C, H, W), where the pooling's input was larger than H = (H' - 1) S - 2P + K.

    Raises:
        ShapeError: shapes that differ, or an output size that this pooling cannot have had.
        DTypeError: places that are no integers.
        IndexError: a place outside of the image.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> y, places = F.max_pool2d(tg.tensor([[[[1.0, 2.0], [4.0, 3.0]]]]), 2, return_indices=True)
    >>> F.max_unpool2d(y, places, 2).tolist()
    [[[[0.0, 0.0], [4.0, 0.0]]]]
    """
    return _unpool(input, 2, indices, kernel_size, stride, padding, output_size)


@composed
def max_unpool3d(
    input: Accepted,
    indices: Accepted,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Sequence[int] | None = None,
) -> Tensor:
    """:func:`max_unpool2d` of volumes: N x C x D' x H' x W' to N x C x D x H x W.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> y, places = F.max_pool3d(tg.ones(1, 2, 4, 4, 4), 2, return_indices=True)
    >>> F.max_unpool3d(y, places, 2).shape
    (1, 2, 4, 4, 4)
    """
    return _unpool(input, 3, indices, kernel_size, stride, padding, output_size)


def _unpool(
    x: Tensor,
    dims: int,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Sequence[int] | None,
) -> Tensor:
    if indices.shape != x.shape:
        raise ShapeError(
            f"input of shape {x.shape}, indices of shape {indices.shape}{location()}: there must be one place for each "
            "maximum, as max_pool returns them with return_indices=True."
        )
    if indices.dtype.kind not in "iu":
        raise DTypeError(f"indices of dtype {indices.dtype}{location()}: places are integers. Use .astype('int64').")
    batched = indices if x.ndim == dims + 2 else indices.expand_dims(0)
    return _unpool_batch(x, dims, batched, kernel_size, stride, padding, output_size)


@spatial
def _unpool_batch(
    x: Tensor,
    dims: int,
    indices: Tensor,
    kernel_size: Size,
    stride: Size | None,
    padding: Size,
    output_size: Sequence[int] | None,
) -> Tensor:
    n, c, *pooled = x.shape
    kernel = sizes("kernel_size", kernel_size, dims)
    steps = kernel if stride is None or stride in ((), []) else sizes("stride", stride, dims)
    usual = [
        (m - 1) * s - 2 * p + k
        for m, s, p, k in zip(pooled, steps, sizes("padding", padding, dims, 0), kernel, strict=True)
    ]
    size = _size_of(usual, steps, output_size)
    whole = all(n >= (m - 1) * s + k for n, m, s, k in zip(size, pooled, steps, kernel, strict=True))
    if (
        padding in (0, (0,) * dims)
        and whole
        and math.prod(kernel) <= TAPS
        and all(k <= s for k, s in zip(kernel, steps, strict=True))
    ):
        found = _found(x, indices.astype(INDEX), kernel, steps, size)
        if found.any(windowed := tuple(range(dims + 2, 2 * dims + 2))).holds():
            return found.where(x.expand_dims(windowed), 0.0).fold(steps, (1,) * dims, size)
    pixels = math.prod(size)
    if not ((indices >= 0) & (indices < pixels)).holds():
        raise IndexError(
            f"indices from {indices.min().item()} to {indices.max().item()}{location()}: the output is "
            f"{' x '.join(map(str, size))}, its places are 0 to {pixels - 1}. Give the output_size that was pooled."
        )
    starts = np.arange(n * c, dtype=INDEX).reshape(n, c, *(1,) * dims) * pixels
    inside = indices.astype(INDEX).clip(0, pixels - 1)  # of what was just refused too: compiled code reads it later
    places = (inside + x._new(starts)).reshape(-1)
    values = x.reshape(-1)
    once = x._new(np.ones((), np.min_scalar_type(math.prod(pooled)))).expand(x.size)
    found = summed_up(once, places, n * c * pixels)  # by how many windows
    share = values / looked_up(found, places).astype(x.dtype)
    return summed_up(share, places, n * c * pixels).reshape(n, c, *size)


def _found(x: Tensor, places: Tensor, kernel: Sequence[int], stride: Sequence[int], size: Sequence[int]) -> Tensor:
    """For each element of windows that do not overlap, whether it is the place that was found: n c i j u v."""
    starts = flat([np.arange(m) * s for m, s in zip(x.shape[2:], stride, strict=True)], size)  # i j
    taps = flat([np.arange(k) for k in kernel], size)  # u v
    inside = (places - x._new(starts)).expand_dims(tuple(range(places.ndim, places.ndim + taps.ndim)))
    return inside == x._new(taps)


def _size_of(usual: Sequence[int], stride: Sequence[int], output_size: Sequence[int] | None) -> tuple[int, ...]:
    """The size that was pooled: the usual one, or the one that is given, which must be less than a stride away."""
    dims = len(usual)
    if output_size is None:
        size = tuple(usual)
    else:
        given = tuple(output_size) if isinstance(output_size, Sequence) else (output_size,)
        size = sizes("output_size", given[2:] if len(given) == dims + 2 else given, dims)
        if any(abs(m - u) >= s for m, u, s in zip(size, usual, stride, strict=True)):
            least, most = (
                [u - s + 1 for u, s in zip(usual, stride, strict=True)],
                [u + s - 1 for u, s in zip(usual, stride, strict=True)],
            )
            raise ShapeError(
                f"output_size={output_size}{location()}: such windows come from sizes of {tuple(least)} to "
                f"{tuple(most)}."
            )
    if min(size) < 1:
        raise ShapeError(
            f"output of size {size}{location()}: H = (H' - 1) S - 2P + K must be at least 1: give an output_size, or "
            "the padding of the pooling."
        )
    return size
