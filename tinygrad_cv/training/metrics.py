"""Metrics that are added up over the batches of a pass. Names, arguments and results are torchmetrics'."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.annotations import explaining

Average: TypeAlias = Literal["micro", "macro", "weighted", "none"] | None
Result: TypeAlias = "float | NDArray[Any]"


class Metric(ABC):
    """A figure over many batches: ``update`` adds one, ``compute`` gives the figure so far, ``reset`` starts again.

    A subclass keeps what it adds up in NumPy arrays, and names them in ``sums``; they are its state.
    """

    sums: tuple[str, ...] = ()

    @abstractmethod
    def update(self, preds: ArrayLike, target: ArrayLike) -> None:
        """Add a batch."""

    @abstractmethod
    def compute(self) -> Result:
        """The figure of all batches since the last reset."""

    def reset(self) -> None:
        """Forget all batches."""
        for name in self.sums:
            setattr(self, name, np.zeros_like(getattr(self, name)))

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """What was added up so far."""
        return {name: getattr(self, name).copy() for name in self.sums}

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Go on from a state.

        Raises:
            ValueError: it is the state of another metric; nothing changes.
        """
        arrays = {name: np.asarray(value) for name, value in state.items()}
        mine = {name: getattr(self, name) for name in self.sums}
        if {name: array.shape for name, array in arrays.items()} != {name: array.shape for name, array in mine.items()}:
            raise ValueError(
                f"{type(self).__name__}.load_state_dict: the state has {', '.join(arrays) or 'nothing'}, and not the "
                f"{', '.join(mine)} of this metric in their shapes. Make the metric with the same arguments."
            )
        for name, array in arrays.items():
            setattr(self, name, array.astype(mine[name].dtype))


class MeanMetric(Metric):
    """The mean of numbers, by weight: sum(weight * value) / sum(weight); NaN before the first.

    >>> mean = MeanMetric()
    >>> mean.update(1.0, 3)
    >>> mean.update(5.0, 1)
    >>> mean.compute()
    2.0
    """

    sums = ("mean_value", "weight")

    def __init__(self) -> None:
        self.mean_value, self.weight = np.zeros(()), np.zeros(())

    @explaining
    def update(self, value: ArrayLike, weight: ArrayLike = 1.0) -> None:
        """Add numbers with their weights."""
        values, weights = np.broadcast_arrays(np.asarray(value, np.float64), np.asarray(weight, np.float64))
        self.mean_value = self.mean_value + (values * weights).sum()
        self.weight = self.weight + weights.sum()

    def compute(self) -> float:
        return float(self.mean_value / self.weight) if self.weight else float("nan")


class _OfClasses(Metric):
    """A metric of predictions of one of several classes."""

    def __init__(self, num_classes: int | None, ignore_index: int | None):
        if num_classes is not None and num_classes < 1:
            raise ValueError(f"{type(self).__name__}: num_classes is {num_classes}; there must be at least 1.")
        self.num_classes, self.ignore_index = num_classes, ignore_index

    def _read(self, preds: ArrayLike, target: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Scores M x C, or classes M, and M true classes: without the ignored ones.

        Args:
            preds: scores N x C x ..., or classes N x ...
            target: classes N x ...
        """
        scores, classes = np.asarray(preds), np.asarray(target)
        scored = scores.ndim == classes.ndim + 1
        if (
            classes.dtype.kind not in "iu"
            or (scores.shape[:1] + scores.shape[2:] if scored else scores.shape) != classes.shape
        ):
            raise ValueError(
                f"{type(self).__name__}: preds have shape {scores.shape}, target has {classes.shape} of "
                f"{classes.dtype}; target must be whole numbers N x ..., and preds their scores N x C x ... or N x ..."
            )
        count = scores.shape[1] if scored else self.num_classes
        if self.num_classes not in (None, count):
            raise ValueError(
                f"{type(self).__name__}: preds have scores of {count} classes; num_classes is {self.num_classes}."
            )
        flat: NDArray[Any] = np.moveaxis(scores, 1, -1).reshape(-1, scores.shape[1]) if scored else scores.reshape(-1)
        classes = classes.reshape(-1)
        if self.ignore_index is not None:
            taken = classes != self.ignore_index
            flat, classes = flat[taken], classes[taken]
        for name, numbers in (("preds", flat), ("target", classes)):
            outside: Any = numbers[(numbers < 0) | (numbers >= (count or np.inf))] if numbers.ndim == 1 else ()
            if len(outside):
                raise ValueError(
                    f"{type(self).__name__}: {name} has the class {outside[0]}; classes are from 0 to "
                    f"{count - 1 if count else 'the last'}."
                )
        return flat, classes


class MulticlassAccuracy(_OfClasses):
    """The share of targets that are among the ``top_k`` classes with the highest scores.

    Args:
        num_classes: C; may be None where the average is "micro".
        top_k: how many classes count as the prediction. Of equal scores the first classes are taken.
        average: "micro": over all targets; "macro": the mean over classes that occur, in targets or, where top_k is 1,
            predictions; "weighted": the same by the number of their targets; "none" or None: one number for each class.
        ignore_index: a class whose targets are left out.

    Raises:
        ValueError: an argument is out of range; in ``update``: shapes or classes do not fit.

    >>> accuracy = MulticlassAccuracy(3, average="none")
    >>> accuracy.update([0, 1, 1, 2], [0, 0, 1, 2])
    >>> accuracy.compute().tolist()
    [0.5, 1.0, 1.0]
    """

    sums = ("tp", "fp", "fn")

    @explaining
    def __init__(
        self,
        num_classes: int | None = None,
        top_k: int = 1,
        average: Average = "macro",
        ignore_index: int | None = None,
    ):
        super().__init__(num_classes, ignore_index)
        _check_average("MulticlassAccuracy", average)
        if num_classes is None and average != "micro":
            raise ValueError(f"MulticlassAccuracy: average={average!r} needs num_classes. Give it, or average='micro'.")
        if top_k < 1 or (num_classes is not None and top_k > num_classes):
            raise ValueError(f"MulticlassAccuracy: top_k is {top_k}; it must be from 1 to the number of classes.")
        self.top_k, self.average = top_k, average
        self.tp, self.fp, self.fn = (
            np.zeros(1 if average == "micro" else num_classes or 0, np.int64) for _ in range(3)
        )

    @explaining
    def update(self, preds: ArrayLike, target: ArrayLike) -> None:
        scores, classes = self._read(preds, target)
        if scores.ndim == 1 and self.top_k > 1:
            raise ValueError(f"MulticlassAccuracy: top_k={self.top_k} needs scores N x C x ..., not classes.")
        if scores.ndim == 1:
            best = scores
        elif self.top_k == 1:
            best = scores.argmax(1)
        else:
            best = np.argsort(-scores, 1, kind="stable")[:, : self.top_k]
            found = (best == classes[:, None]).any(1)
            best = np.where(found, classes, best[:, 0])
        right = best == classes
        if self.average == "micro":
            wrong = len(right) - np.count_nonzero(right)
            self.tp, self.fp, self.fn = self.tp + (len(right) - wrong), self.fp + wrong, self.fn + wrong
        else:
            counts = [
                np.bincount(which, minlength=len(self.tp)) for which in (classes[right], best[~right], classes[~right])
            ]
            self.tp, self.fp, self.fn = self.tp + counts[0], self.fp + counts[1], self.fn + counts[2]

    def compute(self) -> Result:
        targets = self.tp + self.fn
        occurs = targets + self.fp * (self.top_k == 1) > 0
        return _averaged(_share(self.tp, targets), self.average, targets, occurs)


class MulticlassConfusionMatrix(_OfClasses):
    """How many targets of class i were predicted as class j: C x C.

    Args:
        num_classes: C.
        ignore_index: a class whose targets are left out.
        normalize: "true": by the number of targets of a class, "pred": of predictions, "all": of all; a class without
            any has 0.

    >>> matrix = MulticlassConfusionMatrix(2)
    >>> matrix.update([0, 1, 1], [0, 0, 1])
    >>> matrix.compute().tolist()
    [[1, 1], [0, 1]]
    """

    sums = ("confmat",)

    @explaining
    def __init__(
        self,
        num_classes: int,
        ignore_index: int | None = None,
        normalize: Literal["true", "pred", "all", "none"] | None = None,
    ):
        super().__init__(num_classes, ignore_index)
        if normalize not in ("true", "pred", "all", "none", None):
            raise ValueError(
                f"{type(self).__name__}: normalize={normalize!r}; it must be 'true', 'pred', 'all', 'none' or None."
            )
        self.normalize = normalize
        self.confmat = np.zeros((num_classes, num_classes), np.int64)

    @explaining
    def update(self, preds: ArrayLike, target: ArrayLike) -> None:
        scores, classes = self._read(preds, target)
        best = scores.argmax(1) if scores.ndim == 2 else scores
        count = len(self.confmat)
        self.confmat = self.confmat + np.bincount(classes * count + best, minlength=count**2).reshape(count, count)

    def compute(self) -> Result:
        axis = {"true": 1, "pred": 0, "all": None}
        if self.normalize in axis:
            return _share(self.confmat, self.confmat.sum(axis[self.normalize], keepdims=True))
        return self.confmat


class MulticlassJaccardIndex(MulticlassConfusionMatrix):
    """The intersection of predictions and targets of a class over their union (IoU), averaged over classes.

    Args:
        num_classes: C.
        average: "macro": the mean over the classes that occur (mean IoU); "micro": of all classes together; "weighted":
            by the number of targets; "none" or None: one number for each class.
        ignore_index: a class whose targets are left out, such as the border of masks.

    >>> iou = MulticlassJaccardIndex(2)
    >>> iou.update([[0, 1], [1, 1]], [[0, 0], [1, 1]])
    >>> round(iou.compute(), 4)
    0.5833
    """

    @explaining
    def __init__(self, num_classes: int, average: Average = "macro", ignore_index: int | None = None):
        super().__init__(num_classes, ignore_index)
        _check_average("MulticlassJaccardIndex", average)
        self.average = average

    def compute(self) -> Result:
        counted = np.arange(len(self.confmat)) != self.ignore_index  # predictions of the ignored class count as wrong
        both, targets = self.confmat.diagonal() * counted, self.confmat.sum(1)
        predictions = self.confmat.sum(0) * counted
        union = targets + predictions - both
        if self.average == "micro":
            return float(_share(both.sum(), union.sum()))
        return _averaged(_share(both, union), self.average, targets, union > 0)


def check_metrics(op: str, metrics: Any) -> None:
    """Raise TypeError for what is neither None nor a dict of metrics."""
    if not isinstance(metrics, (Mapping, type(None))):
        raise TypeError(f"{op}: metrics={metrics!r}; it must be a dict of metrics by name, or None.")
    for name, metric in (metrics or {}).items():
        if not isinstance(metric, Metric):
            raise TypeError(f"{op}: metrics[{name!r}]={metric!r}; it must be a Metric.")


def _check_average(metric: str, average: Any) -> None:
    if average not in ("micro", "macro", "weighted", "none", None):
        raise ValueError(f"{metric}: average={average!r}; it must be 'micro', 'macro', 'weighted', 'none' or None.")


def _share(part: ArrayLike, whole: ArrayLike) -> NDArray[np.float64]:
    """part / whole, and 0 where there is nothing."""
    whole = np.asarray(whole)
    return np.asarray(part) / np.maximum(whole, 1)


def _averaged(scores: NDArray[np.float64], average: Average, targets: NDArray[Any], occurs: NDArray[Any]) -> Result:
    if average in ("none", None):
        return scores
    weights = targets if average == "weighted" else occurs
    return float((scores * weights).sum() / max(weights.sum(), 1))
