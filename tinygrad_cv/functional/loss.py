"""Losses, composed. ``reduction`` is "mean", "sum" or "none"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..frontend.functions import composed
from ..frontend.indexing import iota
from ..frontend.promotion import cast
from .activation import log_softmax, softplus
from .arguments import Reduction

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


def _reduce(loss: Tensor, reduction: Reduction, weight: Tensor | None = None) -> Tensor:
    """The losses of the examples, their sum, or their (weighted) mean."""
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction != "mean":
        raise ValueError(f"reduction={reduction!r}{location()}: it must be 'mean', 'sum' or 'none'.")
    if loss.size == 0:
        raise ShapeError(f"mean loss over nothing{location()}: the batch is empty (shape {loss.shape}).")
    return loss.mean() if weight is None else loss.sum() / weight.sum()


@composed
def cross_entropy(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target]: the classification loss of scores.

    Args:
        input: scores, N x C, or N x C x d1 x ...
        target: class numbers, N (or N x d1 x ...), integers in [0, C); or probabilities, floats of the input's shape.
        weight: C; the weight of each class. The mean divides by the sum of the examples' weights, not by N.
        ignore_index: examples with this class number are ignored.
        label_smoothing: in [0, 1]; this part of the probability is spread evenly over the classes (Szegedy et
            al., 2016, section 7).

    Raises:
        ShapeError: shapes that do not match, or a mean over no examples.
        DTypeError: class numbers that are not integers.
        IndexError: a class number out of range.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> round(F.cross_entropy(tg.zeros(2, 10), tg.tensor([3, 7])).item(), 4)
    2.3026
    """
    if not 0.0 <= label_smoothing <= 1.0:
        raise ValueError(f"label_smoothing={label_smoothing}{location()}: it must be in [0, 1].")
    weight = _class_weights(input, weight)
    logp = log_softmax(input, 1)
    if target.dtype.kind == "f" and target.shape == input.shape:
        p = target * (1.0 - label_smoothing) + label_smoothing / input.shape[1]
        return _reduce(-p.times(logp if weight is None else weight.times(logp)).sum(1), reduction)
    return _nll(logp, target, weight, ignore_index, reduction, label_smoothing)


@composed
def nll_loss(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Tensor:
    """-input[target], for log-probabilities N x C (or N x C x d1 x ...); other arguments as for cross_entropy."""
    return _nll(input, target, _class_weights(input, weight), ignore_index, reduction, 0.0)


def _nll(
    logp: Tensor, target: Tensor, weight: Tensor | None, ignore_index: int, reduction: Reduction, smoothing: float
) -> Tensor:
    _check_labels(logp, target, ignore_index)
    target = cast(target, np.dtype(np.int64))  # a narrow dtype may not hold all class numbers, or ignore_index
    labels = target.expand_dims(1).expand(logp.shape)
    hot = iota(logp, logp.shape, (1,), target.dtype) == labels  # n c: one-hot
    counted = target != ignore_index
    weighted = logp if weight is None else weight.times(logp)
    loss = -hot.where(weighted, 0.0).sum(1)
    if smoothing:
        spread = -weighted.sum(1) * (smoothing / logp.shape[1])
        loss = loss * (1.0 - smoothing) + spread
    if reduction != "mean":
        return _reduce(counted.where(loss, 0.0), reduction)
    counts = counted.astype(logp.dtype) if weight is None else hot.where(weight, 0.0).sum(1)
    total = counted.where(counts, 0.0).sum()
    if not (total != 0).holds():
        cause = "the batch is empty" if target.size == 0 else "every label is ignored, or has weight 0"
        raise ShapeError(f"mean loss over nothing{location()}: {cause} (labels of shape {target.shape}).")
    return counted.where(loss, 0.0).sum() / total


def _class_weights(input: Tensor, weight: Tensor | None) -> Tensor | None:
    """C -> 1 x C x 1 x ... x 1; None stays None."""
    if input.ndim < 2:
        raise ShapeError(f"input of shape {input.shape}{location()}: scores must be N x C, or N x C x d1 x ...")
    if weight is None:
        return None
    classes = input.shape[1]
    if weight.shape != (classes,):
        raise ShapeError(
            f"weight of shape {weight.shape}, input of shape {input.shape}{location()}: it must be ({classes},), "
            "one for each class."
        )
    return weight.reshape(1, classes, *(1,) * (input.ndim - 2))


def _check_labels(logp: Tensor, target: Tensor, ignore_index: int) -> None:
    wanted = (logp.shape[0], *logp.shape[2:])
    if target.dtype.kind not in "iu":
        raise DTypeError(
            f"target of dtype {target.dtype} and shape {target.shape}{location()}: class numbers must be integers "
            "(.astype('int64')); class probabilities must be floats of the input's shape."
        )
    if target.shape != wanted:
        raise ShapeError(
            f"input of shape {logp.shape}, target of shape {target.shape}{location()}: it must be {wanted}."
        )
    right = ((target >= 0) & (target < logp.shape[1])) | (target == ignore_index)
    if not right.holds():
        raise IndexError(
            f"class number {target.numpy()[~right.numpy()][0]} with {logp.shape[1]} classes{location()}: class numbers "
            f"must be in [0, {logp.shape[1]}), or ignore_index={ignore_index}."
        )


def _check_equal(input: Tensor, target: Tensor) -> None:
    if input.shape != target.shape:
        raise ShapeError(
            f"input of shape {input.shape}, target of shape {target.shape}{location()}: they must be equal; "
            "broadcasting would compare every input with every target."
        )


@composed
def mse_loss(input: Accepted, target: Accepted, reduction: Reduction = "mean") -> Tensor:
    """(input - target)²

    Raises:
        ShapeError: the shapes differ. They are not broadcast: (N,) and (N, 1) would give N x N differences.
    """
    _check_equal(input, target)
    return _reduce((input - target).square(), reduction)


@composed
def l1_loss(input: Accepted, target: Accepted, reduction: Reduction = "mean") -> Tensor:
    """|input - target|, with derivative 0 where they are equal."""
    _check_equal(input, target)
    return _reduce(abs(input - target), reduction)


@composed
def binary_cross_entropy_with_logits(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    reduction: Reduction = "mean",
    pos_weight: Accepted | None = None,
) -> Tensor:
    """-[t log σ(x) + (1 - t) log(1 - σ(x))], without overflow.

    Args:
        input: scores x, of any shape.
        target: t in [0, 1], of the same shape.
        weight: the weight of each element; broadcast.
        pos_weight: the weight of the term t log σ(x); broadcast.
    """
    _check_equal(input, target)
    if target.dtype.kind != "f":
        target = cast(target, input.dtype)
    ones = softplus(-input)  # -log σ(x)
    ones = ones if pos_weight is None else ones * pos_weight
    loss = target.times(ones) + (1.0 - target).times(softplus(input))  # times: a factor of 0 cancels an infinite loss
    return _reduce(loss if weight is None else loss * weight, reduction)
