"""Losses of orders and distances: which of two is to be larger, nearer, or of another kind."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ...core.context import location
from ...core.errors import DTypeError, ShapeError
from ...frontend.functions import composed
from ...frontend.indexing import iota
from ...frontend.promotion import cast
from ..distance import pairwise_distance
from .reduction import Reduction, broadcast, check_equal, check_signs, loss, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted

Distance = Callable[["Tensor", "Tensor"], "Tensor"]


@loss
def margin_ranking_loss(
    input1: Accepted,
    input2: Accepted,
    target: Accepted,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """max(0, margin - y (a - b)): a is to be larger than b where y is 1, smaller where it is -1.

    Args:
        input1, input2: scores a and b, of one shape.
        target: y, of the same shape, or broadcast to it.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.margin_ranking_loss(tg.tensor([2.0]), tg.tensor([1.5]), tg.tensor([1.0]), margin=1.0).item()
    0.5
    """
    check_equal(input1=input1.shape, input2=input2.shape)
    y = broadcast("target", target, input1.shape)
    return reduced((margin - y * (input1 - input2)).clip(0.0), reduction)


@loss
def hinge_embedding_loss(
    input: Accepted,
    target: Accepted,
    margin: float = 1.0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """The distance x where y is 1, max(0, margin - x) where it is -1: like is to be near, unlike a margin away.

    Args:
        input: distances x, of any shape.
        target: y, of the same shape, or broadcast to it.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.
        ValueError: a target other than 1 and -1, of which PyTorch would take the sum of both.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.hinge_embedding_loss(tg.tensor([0.25, 0.25]), tg.tensor([1, -1]), reduction="none").tolist()
    [0.25, 0.75]
    """
    y = broadcast("target", target, input.shape)
    check_signs(y)
    return reduced((y == 1).where(input, (margin - input).clip(0.0)), reduction)


@loss
def cosine_embedding_loss(
    input1: Accepted,
    input2: Accepted,
    target: Accepted,
    margin: float = 0,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """1 - cos(a, b) where y is 1, max(0, cos(a, b) - margin) where it is -1.

    cos(a, b) = ⟨a, b⟩ / √((|a|² + 10⁻¹²) (|b|² + 10⁻¹²)), as PyTorch has it, but without overflow.

    Args:
        input1, input2: a and b, N x D or D; N may be 1 in one of them.
        target: y, N, or a number for two vectors D.
        margin: between -1 and 1.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.
        ValueError: a target other than 1 and -1, which PyTorch would ignore.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> a = tg.tensor([[3.0, 4.0]])
    >>> round(F.cosine_embedding_loss(a, tg.tensor([[4.0, 3.0]]), tg.tensor([1])).item(), 2)
    0.04
    """
    if input1.ndim != input2.ndim or input1.ndim not in (1, 2) or target.ndim > input1.ndim - 1:
        raise ShapeError(
            f"input1 of shape {input1.shape}, input2 of shape {input2.shape}, target of shape {target.shape}"
            f"{location()}: they must be N x D, N x D and N; or D, D and a number."
        )
    a, b = (x / _length(x) for x in (input1, input2))
    cosine = (a * b).sum(-1)
    y = broadcast("target", target, cosine.shape)
    check_signs(y)
    return reduced((y == 1).where(1.0 - cosine, (cosine - margin).clip(0.0)), reduction)


def _length(x: Tensor) -> Tensor:
    """√(|x|² + 10⁻¹²) along the last axis: the norm of x with one element more."""
    return x.pad((*((0, 0),) * (x.ndim - 1), (0, 1)), 1e-6).norm(-1, keepdims=True)


@loss
def multilabel_margin_loss(
    input: Accepted,
    target: Accepted,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """1/C Σ_{y, i} max(0, 1 - (x[y] - x[i])): each class y of an example is to be 1 above each other class i.

    Args:
        input: scores x, N x C or C.
        target: an example's class numbers, then -1 and anything, in the input's shape.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.
        DTypeError: class numbers that are not integers.
        IndexError: a class number out of range.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> round(F.multilabel_margin_loss(tg.tensor([0.1, 0.2, 0.4, 0.8]), tg.tensor([3, 0, -1, 1])).item(), 2)
    0.85
    """
    check_equal(input=input.shape, target=target.shape)
    if input.ndim not in (1, 2) or input.shape[-1] == 0:
        raise ShapeError(f"input of shape {input.shape}{location()}: scores must be N x C, or C.")
    classes = input.shape[-1]
    if target.dtype.kind not in "iu":
        raise DTypeError(
            f"target of dtype {target.dtype}{location()}: class numbers must be integers (.astype('int64'))."
        )
    right = (target >= -1) & (target < classes)
    if not right.holds():
        raise IndexError(
            f"class number {target.numpy()[~right.numpy()][0]} with {classes} classes{location()}: class numbers must "
            f"be in [0, {classes}), with -1 after the last."
        )
    named = (cast(target, np.dtype(np.int64)) < 0).astype(np.int64).cumsum(-1) == 0  # n k: before the first -1
    shape = (*input.shape, classes)
    numbers = iota(input, shape, (input.ndim,), np.int64)
    hot = (numbers == cast(target, numbers.dtype).expand_dims(-1)) & named.expand_dims(-1)  # n k c
    others = ~hot.any(-2, keepdims=True)  # n 1 c
    scores = input.expand_dims(-2)  # n 1 c
    of_named = hot.where(scores, 0.0).sum(-1, keepdims=True)  # n k 1
    short = (1.0 - (of_named - scores)).relu()
    return reduced((named.expand_dims(-1) & others).where(short, 0.0).sum((-2, -1)) * (1.0 / classes), reduction)


@loss
def triplet_margin_loss(
    anchor: Accepted,
    positive: Accepted,
    negative: Accepted,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """max(0, margin + d(a, p) - d(a, n)): the anchor is to be nearer to its like than to another, by a margin.

    d is :func:`pairwise_distance` with this p and eps (Schroff et al., "FaceNet", 2015, eq. 2; there squared).

    Args:
        anchor, positive, negative: a, p and n, N x D or D; N may be 1 in some of them.
        margin: above 0.
        swap: use d(p, n) where it is less than d(a, n) (Balntas et al., 2016).
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.
        ValueError: a margin of 0 or less.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> a, p, n = tg.tensor([[0.0, 0.0]]), tg.tensor([[3.0, 4.0]]), tg.tensor([[0.0, 5.5]])
    >>> round(F.triplet_margin_loss(a, p, n).item(), 4)
    0.5
    """
    distance = partial(pairwise_distance, p=p, eps=eps)
    return _triplet(anchor, positive, negative, distance, margin, swap, reduction)


@composed
def triplet_margin_with_distance_loss(
    anchor: Accepted,
    positive: Accepted,
    negative: Accepted,
    *,
    distance_function: Distance | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: Reduction = "mean",
) -> Tensor:
    """:func:`triplet_margin_loss` with a distance of one's own, of two tensors; None is :func:`pairwise_distance`.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> a, p, n = tg.tensor([[1.0, 0.0]]), tg.tensor([[1.0, 1.0]]), tg.tensor([[0.0, 1.0]])
    >>> F.triplet_margin_with_distance_loss(a, p, n, distance_function=lambda a, b: (a - b).square().sum(-1)).item()
    0.0
    """
    return _triplet(anchor, positive, negative, distance_function or pairwise_distance, margin, swap, reduction)


def _triplet(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    distance: Distance,
    margin: float,
    swap: bool,
    reduction: Reduction,
) -> Tensor:
    if not margin > 0:
        raise ValueError(f"margin={margin}{location()}: it must be above 0, or equal distances would be good enough.")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise ShapeError(
            f"anchor of shape {anchor.shape}, positive of shape {positive.shape}, negative of shape {negative.shape}"
            f"{location()}: they must have equally many axes."
        )
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return reduced((margin + near - far).clip(0.0), reduction)
