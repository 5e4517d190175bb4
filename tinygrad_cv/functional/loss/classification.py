"""Losses of class numbers: cross-entropy, negative log-likelihood, the margin between a class and the others.

The class axis is the second of N x C and N x C x d1 x ..., and the only one of C, a single example.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.context import location
from ...core.errors import DTypeError, ShapeError
from ...frontend.indexing import iota
from ...frontend.promotion import cast
from ..softmax import log_softmax
from .reduction import Reduction, loss, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted

INT = np.dtype(np.int64)


@loss
def cross_entropy(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """-log softmax(input)[target]: the classification loss of scores.

    Args:
        input: scores, N x C, or N x C x d1 x ..., or C.
        target: class numbers, N (or N x d1 x ..., or a number), integers in [0, C); or probabilities, floats of the
            input's shape.
        weight: C; the weight of each class. The mean divides by the sum of the examples' weights, not by N; that of
            probabilities by N.
        size_average, reduce: PyTorch's older forms of ``reduction``.
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
    axis = _class_axis(input)
    weight = _class_weights(input, axis, weight)
    logp = log_softmax(input, axis)
    if target.dtype.kind != "f" or target.shape != input.shape:
        return _nll(logp, axis, target, weight, ignore_index, reduction, label_smoothing)
    if ignore_index >= 0:
        raise ValueError(
            f"ignore_index={ignore_index}{location()}: targets are probabilities, of which no class number is ignored. "
            "Leave it out, and set the weight of the class to 0."
        )
    p = target * (1.0 - label_smoothing) + label_smoothing / input.shape[axis]
    return reduced(-p.times(logp if weight is None else weight.times(logp)).sum(axis), reduction)


@loss
def nll_loss(
    input: Accepted,
    target: Accepted,
    weight: Accepted | None = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """-input[target], for log-probabilities N x C, N x C x d1 x ... or C; for the arguments see :func:`cross_entropy`.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.nll_loss(tg.tensor([[-0.5, -1.0]]), tg.tensor([1])).item()
    1.0
    """
    axis = _class_axis(input)
    return _nll(input, axis, target, _class_weights(input, axis, weight), ignore_index, reduction, 0.0)


@loss
def multi_margin_loss(
    input: Accepted,
    target: Accepted,
    p: int = 1,
    margin: float = 1.0,
    weight: Accepted | None = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """1/C Σ_{i ≠ y} max(0, margin - x[y] + x[i])^p: every class is to be a margin below the right one.

    With p = 1 it is the loss of a support vector machine of several classes (Weston and Watkins, 1999).

    Args:
        input: scores x, N x C or C.
        target: class numbers y, N or a number.
        p: 1 or 2.
        weight: C; the weight of each class y.
        size_average, reduce: PyTorch's older forms of ``reduction``.

    Raises:
        ShapeError: shapes that do not match.
        DTypeError: class numbers that are not integers.
        IndexError: a class number out of range.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.multi_margin_loss(tg.tensor([[1.0, 1.5, -2.0]]), tg.tensor([0])).item()
    0.5
    """
    if p not in (1, 2):
        raise ValueError(f"p={p}{location()}: it must be 1 or 2.")
    if input.ndim not in (1, 2):
        raise ShapeError(f"input of shape {input.shape}{location()}: scores must be N x C, or C.")
    if input.ndim == target.ndim == 1:
        input = input.expand_dims(0)  # C with a list of one class number: a batch of one
    axis = _class_axis(input)
    weight = _class_weights(input, axis, weight)
    target = check_labels(input, axis, target)
    right = _one_hot(input, axis, target)
    of_right = right.where(input, 0.0).sum(axis, keepdims=True)
    short = (margin - (of_right - input)).relu()
    losses = right.where(0.0, short if p == 1 else short.square()).sum(axis) * (1.0 / input.shape[axis])
    return reduced(losses if weight is None else losses * right.where(weight, 0.0).sum(axis), reduction)


def _nll(
    logp: Tensor,
    axis: int,
    target: Tensor,
    weight: Tensor | None,
    ignore_index: int,
    reduction: Reduction,
    smoothing: float,
) -> Tensor:
    target = check_labels(logp, axis, target, ignore_index)
    hot = _one_hot(logp, axis, target)
    counted = target != ignore_index
    weighted = logp if weight is None else weight.times(logp)
    losses = -hot.where(weighted, 0.0).sum(axis)
    if smoothing:
        spread = -weighted.sum(axis) * (smoothing / logp.shape[axis])
        losses = losses * (1.0 - smoothing) + spread
    losses = counted.where(losses, 0.0)
    if reduction != "mean":
        return reduced(losses, reduction)
    counts = counted.astype(logp.dtype) if weight is None else hot.where(weight, 0.0).sum(axis)
    total = counted.where(counts, 0.0).sum()
    if not (total != 0).holds():
        cause = "the batch is empty" if target.size == 0 else "every label is ignored, or has weight 0"
        raise ShapeError(f"mean loss over nothing{location()}: {cause} (labels of shape {target.shape}).")
    return reduced(losses, reduction, total)


def _one_hot(scores: Tensor, axis: int, target: Tensor) -> Tensor:
    """Where a score is that of its example's class."""
    target = target.expand_dims(axis).expand(scores.shape)
    return iota(scores, scores.shape, (axis,), INT) == target


def _class_axis(input: Tensor) -> int:
    if input.ndim == 0:
        raise ShapeError(f"input of shape (){location()}: scores must be N x C, or N x C x d1 x ..., or C.")
    return 0 if input.ndim == 1 else 1


def _class_weights(input: Tensor, axis: int, weight: Tensor | None) -> Tensor | None:
    """C -> 1 x C x 1 x ... x 1; None stays None."""
    if weight is None:
        return None
    classes = input.shape[axis]
    if weight.shape != (classes,):
        raise ShapeError(
            f"weight of shape {weight.shape}, input of shape {input.shape}{location()}: it must be ({classes},), "
            "one for each class."
        )
    return weight.reshape(*(classes if i == axis else 1 for i in range(input.ndim)))


def check_labels(scores: Tensor, axis: int, target: Tensor, ignore_index: int | None = None) -> Tensor:
    """Class numbers for all axes of the scores but that of the classes, as int64, which holds every class number.

    Raises:
        DTypeError: they are not integers.
        ShapeError: their shape is not the scores', without the class axis.
        IndexError: one is out of range.
    """
    wanted = (*scores.shape[:axis], *scores.shape[axis + 1 :])
    if target.dtype.kind not in "iu":
        raise DTypeError(
            f"target of dtype {target.dtype} and shape {target.shape}{location()}: class numbers must be integers "
            "(.astype('int64')); class probabilities must be floats of the input's shape."
        )
    if target.shape != wanted:
        raise ShapeError(
            f"input of shape {scores.shape}, target of shape {target.shape}{location()}: it must be {wanted}."
        )
    classes = scores.shape[axis]
    right = (target >= 0) & (target < classes)
    if ignore_index is not None:
        right = right | (target == ignore_index)
    if not right.holds():
        or_ignored = "" if ignore_index is None else f", or ignore_index={ignore_index}"
        raise IndexError(
            f"class number {target.numpy()[~right.numpy()].flat[0]} with {classes} classes{location()}: class numbers "
            f"must be in [0, {classes}){or_ignored}."
        )
    return cast(target, INT)
