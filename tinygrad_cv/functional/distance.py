"""Distances and angles between vectors, and vectors of length 1."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.movement import axes_of, axis_of
from ..frontend.promotion import together
from ..frontend.reduction import root

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted, Axis

ComputeMode = Literal["use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"]
COMPUTE_MODES: tuple[ComputeMode, ...] = get_args(ComputeMode)
BY_PRODUCTS = COMPUTE_MODES[1]


@composed
def cosine_similarity(x1: Accepted, x2: Accepted, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """⟨a, b⟩ / (max(|a|, eps) max(|b|, eps)): the cosine of the angle between vectors along an axis.

    Where a length is below eps, its derivative is 0, as the maximum has it; PyTorch's differs.

    Args:
        x1, x2: a and b; they broadcast.
        dim: the axis of the vectors; the result has the others.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.cosine_similarity(tg.tensor([[1.0, 0.0]]), tg.tensor([[3.0, 4.0]])).tolist()
    [0.6000000238418579]
    """
    a, b = map(_of_vectors, together("cosine_similarity", x1, x2))
    axis = axis_of("cosine_similarity", dim, a.ndim)
    return (_direction(a, 2.0, axis, eps) * _direction(b, 2.0, axis, eps)).sum(axis)


@composed
def normalize(input: Accepted, p: float = 2.0, dim: Axis = 1, eps: float = 1e-12) -> Tensor:
    """x / max(|x|, eps) with the p-norm along an axis, or several: vectors of length 1.

    For zero mean and unit variance see :func:`standardize`.

    Args:
        p: as for :func:`pairwise_distance`.
        dim: the axis of the vectors, or several, whose elements make up one vector; None for all.
        eps: shorter vectors, such as that of zeros, are divided by it.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.normalize(tg.tensor([[3.0, 4.0]])).tolist()
    [[0.6000000238418579, 0.800000011920929]]
    """
    x = _of_vectors(input)
    return _direction(x, p, axes_of("normalize", dim, x.ndim), eps).reshape(input.shape)


def _of_vectors(x: Tensor) -> Tensor:
    """The tensor, if it has axes; a number as a vector of length 1."""
    return x if x.ndim else x.expand_dims(0)


def _direction(x: Tensor, p: float, axis: Axis, eps: float) -> Tensor:
    """x / max(|x|, eps). Where the length overflows, it is measured in units of the largest element, which cancel.

    Beside infinite elements finite ones are 0.
    """
    if not 0.0 <= eps < math.inf:
        raise ValueError(f"eps={eps}{location()}: it must be a number of at least 0.")
    lengths = length(x, p, axis, True)
    if lengths.known_finite():
        return x / lengths.clip(eps)
    unit = abs(x.detach()).max(axis, keepdims=True)
    infinite = unit == math.inf
    unit = ((unit > 1.0) & ~infinite).where(unit, 1.0)
    x = infinite.where((abs(x) == math.inf).where(x.detach().sign(), 0.0), x / unit)
    return x / length(x, p, axis, True).clip(eps / unit)


@composed
def pairwise_distance(x1: Accepted, x2: Accepted, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The p-norm of a - b + eps along the last axis: the distance of each vector from its partner.

    Args:
        x1, x2: a and b, N x D or D; they broadcast.
        p: the norm, (Σ |d|^p)^(1/p); also 0, the number of d that are not 0, and ±∞, the largest and smallest |d|.
        keepdim: the last axis stays, with size 1.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.pairwise_distance(tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0]]), eps=0.0).tolist()
    [5.0]
    """
    a, b = together("pairwise_distance", x1, x2)
    return length(_of_vectors(a - b + eps), p, -1, keepdim and a.ndim > 0)


@composed
def cdist(
    x1: Accepted, x2: Accepted, p: float = 2.0, compute_mode: ComputeMode = "use_mm_for_euclid_dist_if_necessary"
) -> Tensor:
    """The p-norm of a[i] - b[j] for all i and j: N x M distances of N vectors from M others.

    Args:
        x1, x2: a, ... x N x D, and b, ... x M x D; leading axes broadcast.
        p: as for :func:`pairwise_distance`, at least 0.
        compute_mode: "use_mm_for_euclid_dist" computes Euclidean distances as √(|a|² - 2⟨a, b⟩ + |b|²), by a product of
            matrices: fast, but near neighbours far from 0 lose their digits. Otherwise differences are taken one by
            one; PyTorch does so with "use_mm_for_euclid_dist_if_necessary" only for up to 25 vectors.

    Raises:
        ShapeError: fewer than two axes, or vectors of different sizes.
        ValueError: a negative p, or an unknown mode.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.cdist(tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0], [1.0, 0.0]])).tolist()
    [[5.0, 1.0]]
    """
    if min(x1.ndim, x2.ndim) < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError(
            f"x1 of shape {x1.shape}, x2 of shape {x2.shape}{location()}: they must be ... x N x D and ... x M x D."
        )
    if compute_mode not in COMPUTE_MODES:
        raise ValueError(f"compute_mode={compute_mode!r}{location()}: it must be one of {', '.join(COMPUTE_MODES)}.")
    if p == 2 and compute_mode == BY_PRODUCTS:
        squares = x1.square().sum(-1).expand_dims(-1) + x2.square().sum(-1).expand_dims(-2)  # n 1, 1 m -> n m
        return root((squares - 2.0 * (x1 @ x2.mT)).clip(0.0))
    return _all_distances(x1, x2, p)


@composed
def pdist(input: Accepted, p: float = 2.0) -> Tensor:
    """The p-norm of x[i] - x[j] for i < j: N (N - 1) / 2 distances, row by row of the triangle above the diagonal.

    Args:
        input: x, N x D.
        p: as for :func:`pairwise_distance`, at least 0.

    Raises:
        ShapeError: the input has not two axes.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.pdist(tg.tensor([[0.0], [1.0], [3.0]])).tolist()
    [1.0, 3.0, 2.0]
    """
    if input.ndim != 2:
        raise ShapeError(f"input of shape {input.shape}{location()}: it must be N x D.")
    n = input.shape[0]
    first, second = np.triu_indices(n, 1)
    return _all_distances(input, input, p).reshape(n * n).gather(first * n + second)


def _all_distances(a: Tensor, b: Tensor, p: float) -> Tensor:
    if not p >= 0:
        raise ValueError(f"p={p}{location()}: the norm of a distance must be at least 0.")
    return length(a.expand_dims(-2) - b.expand_dims(-3), p, -1)  # n 1 d, 1 m d -> n m


def length(d: Tensor, p: float, axis: Axis, keepdim: bool = False) -> Tensor:
    """The p-norm along axes, with derivative 0 at a length of 0, and at elements of 0 if p is not 2.

    Raises:
        ShapeError: the largest or smallest of no elements.
    """
    if p == 2:
        return d.norm(axis, keepdim)
    size = abs(d)
    if p == 1:
        return size.sum(axis, keepdim)
    if p == 0:
        return (d != 0).astype(d.dtype).sum(axis, keepdim)
    if math.isinf(p):
        return size.max(axis, keepdim) if p > 0 else size.min(axis, keepdim)
    if not math.isfinite(p):
        raise ValueError(f"p={p}{location()}: the norm must be a number, or infinite.")
    if not d.size:
        return size.sum(axis, keepdim)
    unit = size.detach().max(axis, keepdims=True)  # it cancels: powers of the largest do not overflow
    unit = ((unit > 0) & unit.isfinite()).where(unit, 1.0)
    zero = size == 0
    powers = zero.where(0.0 if p > 0 else math.inf, zero.where(1.0, size / unit) ** p)
    total = powers.sum(axis, keepdims=True)
    vanishing = (total == 0) | (total == math.inf)
    root = vanishing.where(total if p > 0 else 0.0, vanishing.where(1.0, total) ** (1.0 / p)) * unit
    return root if keepdim else root.squeeze(axis)
