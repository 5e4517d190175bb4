"""Losses of numbers: of the difference d = input - target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...core.context import location
from ...core.errors import ShapeError
from ...frontend.functions import composed
from .reduction import Reduction, check_equal, check_weight, loss, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted


@loss
def mse_loss(
    input: Accepted,
    target: Accepted,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
    weight: Accepted | None = None,
) -> Tensor:
    """d², the squared error.

    Args:
        input, target: of one shape.
        weight: of the same shape, the weight of each element. The mean divides by their sum.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: the shapes differ. They are not broadcast: (N,) and (N, 1) would give N x N differences.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.mse_loss(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0])).item()
    2.0
    """
    return _weighted(_difference(input, target).square(), weight, reduction)


@loss
def l1_loss(
    input: Accepted,
    target: Accepted,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
    weight: Accepted | None = None,
) -> Tensor:
    """|d|, the absolute error, with derivative 0 where d is 0; for the arguments see :func:`mse_loss`.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.l1_loss(tg.tensor([1.0, 2.0]), tg.tensor([1.0, 4.0])).item()
    1.0
    """
    return _weighted(abs(_difference(input, target)), weight, reduction)


@loss
def smooth_l1_loss(
    input: Accepted,
    target: Accepted,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d² / (2 beta) where |d| < beta, |d| - beta / 2 elsewhere (Girshick, "Fast R-CNN", 2015, eq. 3).

    Args:
        input, target: of one shape.
        size_average, reduce: PyTorch's older forms of ``reduction``.
        beta: at least 0. At 0 it is the absolute error.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.smooth_l1_loss(tg.tensor([0.5, 3.0]), tg.tensor([0.0, 0.0]), reduction="none").tolist()
    [0.125, 2.5]
    """
    if not 0.0 <= beta < math.inf:
        raise ValueError(f"beta={beta}{location()}: it must be a number of at least 0.")
    d = _difference(input, target)
    size = abs(d)
    return reduced((size < beta).where(d.square() * 0.5 / beta, size - 0.5 * beta) if beta else size, reduction)


@composed
def huber_loss(
    input: Accepted,
    target: Accepted,
    reduction: Reduction = "mean",
    delta: float = 1.0,
    weight: Accepted | None = None,
) -> Tensor:
    """d² / 2 where |d| <= delta, delta (|d| - delta / 2) elsewhere (Huber, 1964).

    Args:
        input, target: of one shape.
        delta: above 0.
        weight: of the same shape, the weight of each element. The mean divides by the number of elements, as PyTorch's.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.huber_loss(tg.tensor([1.0, 5.0]), tg.tensor([0.0, 0.0]), "none", delta=2.0).tolist()
    [0.5, 8.0]
    """
    if not 0.0 < delta < math.inf:
        raise ValueError(f"delta={delta}{location()}: it must be a number above 0.")
    d = _difference(input, target)
    size = abs(d)
    losses = (size <= delta).where(0.5 * d.square(), delta * (size - 0.5 * delta))
    if weight is not None:
        check_weight(weight, losses.shape)
        losses = losses * weight
    return reduced(losses, reduction)


def _difference(input: Tensor, target: Tensor) -> Tensor:
    check_equal(input=input.shape, target=target.shape)
    return input - target


def _weighted(losses: Tensor, weight: Tensor | None, reduction: Reduction) -> Tensor:
    """The weighted losses, their sum, or this divided by the sum of weights."""
    if weight is None:
        return reduced(losses, reduction)
    check_weight(weight, losses.shape)
    total = weight.sum()
    if reduction == "mean" and losses.size and not (total != 0).holds():
        raise ShapeError(f"mean loss over nothing{location()}: the weights add up to 0 (shape {weight.shape}).")
    return reduced(losses * weight, reduction, total)
