"""Losses of yes and no: of probabilities, of scores with targets 0 and 1, of scores with targets -1 and 1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.context import location
from ...core.errors import ShapeError
from ...frontend.functions import composed
from ...frontend.promotion import cast
from ..activation import softplus
from .reduction import Reduction, broadcast, check_equal, loss, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted


@loss
def binary_cross_entropy(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """-[t log p + (1 - t) log(1 - p)], where no logarithm counts as less than -100.

    A logarithm that is limited has derivative 0, as with ``clip``. PyTorch's derivative is limited to 10¹² instead, so
    that for p < 10⁻¹² it is not that of its value. Of scores take :func:`binary_cross_entropy_with_logits`.

    Args:
        input: probabilities p, of any shape.
        target: t in [0, 1], of the same shape.
        weight: the weight of each element; broadcast.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.
        ValueError: a probability outside of [0, 1].

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> round(F.binary_cross_entropy(tg.tensor([0.5, 0.5]), tg.tensor([0.0, 1.0])).item(), 4)
    0.6931
    """
    t = _targets(input, target)
    if not (~((input < 0) | (input > 1))).holds():  # NaN stays NaN
        raise ValueError(
            f"input of shape {input.shape}{location()}: probabilities must be in [0, 1]. Of scores use "
            "binary_cross_entropy_with_logits."
        )
    losses = -(t * input.log().clip(-100.0) + (1.0 - t) * np.log1p(-input).clip(-100.0))
    return reduced(_weighted(losses, weight), reduction)


@loss
def binary_cross_entropy_with_logits(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
    pos_weight: Accepted | None = None,
) -> Tensor:
    """-[t log σ(x) + (1 - t) log(1 - σ(x))], without overflow.

    Args:
        input: scores x, of any shape.
        target: t in [0, 1], of the same shape.
        weight: the weight of each element; broadcast.
        size_average, reduce: PyTorch's older forms of ``reduction``.
        pos_weight: the weight of the term t log σ(x); broadcast.

    Raises:
        ShapeError: shapes that do not match.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> round(F.binary_cross_entropy_with_logits(tg.zeros(2), tg.tensor([0.0, 1.0])).item(), 4)
    0.6931
    """
    return reduced(_weighted(_of_scores(input, _targets(input, target), pos_weight), weight), reduction)


@composed
def sigmoid_focal_loss(
    inputs: Accepted, targets: Accepted, alpha: float = 0.25, gamma: float = 2, reduction: Reduction = "none"
) -> Tensor:
    """a (1 - p)^gamma · -log p for the probability p of the target, where easy examples count little.

    p is σ(x) t + (1 - σ(x)) (1 - t), and the weight a is alpha t + (1 - alpha) (1 - t) (Lin et al., "Focal loss for
    dense object detection", 2017, eq. 5). The arguments are those of ``torchvision.ops``.

    Args:
        inputs: scores x, of any shape.
        targets: t in [0, 1], of the same shape.
        alpha: the weight of positive examples, in [0, 1]; -1: no weights.
        gamma: at least 0.

    Raises:
        ShapeError: the shapes differ.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> [round(x, 4) for x in F.sigmoid_focal_loss(tg.tensor([0.0, 4.0]), tg.tensor([1.0, 1.0])).tolist()]
    [0.0433, 0.0]
    """
    if not (0.0 <= alpha <= 1.0 or alpha == -1):
        raise ValueError(f"alpha={alpha}{location()}: it must be in [0, 1], or -1 for no weights.")
    if not gamma >= 0.0:
        raise ValueError(f"gamma={gamma}{location()}: it must be at least 0.")
    t = _targets(inputs, targets)
    losses = _of_scores(inputs, t)
    if gamma:
        x = inputs.clip(-1000.0, 1000.0)  # beyond, σ is constant, and its product with an infinite loss finite
        missed = t * (-x).sigmoid() + (1.0 - t) * x.sigmoid()  # 1 - p, with the digits of a p near 1
        none = missed == 0
        losses = none.where(0.0, none.where(1.0, missed) ** gamma * none.where(0.0, losses))
    return reduced(losses * (alpha * t + (1.0 - alpha) * (1.0 - t)) if alpha != -1 else losses, reduction)


@loss
def soft_margin_loss(
    input: Accepted,
    target: Accepted,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """log(1 + exp(-y x)) of scores x and targets y, which are 1 or -1; without overflow, unlike PyTorch's.

    Args:
        input, target: of one shape.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: the shapes differ; PyTorch broadcasts them.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.soft_margin_loss(tg.tensor([1000.0, 1000.0]), tg.tensor([1.0, -1.0]), reduction="none").tolist()
    [0.0, 1000.0]
    """
    check_equal(input=input.shape, target=target.shape)
    return reduced(softplus(-target * input), reduction)


@loss
def multilabel_soft_margin_loss(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """The mean over C classes of :func:`binary_cross_entropy_with_logits`: each example may be of several classes.

    Args:
        input: scores, ... x C.
        target: 0 or 1 for each class, of the same shape.
        weight: C, the weight of each class.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> round(F.multilabel_soft_margin_loss(tg.zeros(2, 3), tg.tensor([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])).item(), 4)
    0.6931
    """
    t = _targets(input, target)
    if input.ndim == 0 or input.shape[-1] == 0:
        raise ShapeError(f"input of shape {input.shape}{location()}: it must be ... x C, with a score for each class.")
    return reduced(_weighted(_of_scores(input, t), weight).mean(-1), reduction)


def _of_scores(x: Tensor, t: Tensor, pos_weight: Tensor | None = None) -> Tensor:
    """-[t log σ(x) + (1 - t) log(1 - σ(x))]; ``times``: a factor of 0 cancels an infinite loss."""
    ones = softplus(-x)  # -log σ(x)
    if pos_weight is not None:
        ones = ones * broadcast("pos_weight", pos_weight, x.shape)
    return t.times(ones) + (1.0 - t).times(softplus(x))


def _targets(input: Tensor, target: Tensor) -> Tensor:
    """The targets, of which integers and booleans become floats, in the shape of the input."""
    check_equal(input=input.shape, target=target.shape)
    return target if target.dtype.kind == "f" else cast(target, input.dtype)


def _weighted(losses: Tensor, weight: Tensor | None) -> Tensor:
    return losses if weight is None else losses * broadcast("weight", weight, losses.shape)
