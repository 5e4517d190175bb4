"""What a training of one kind of targets needs beside the network: labels of images, or masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ..data.readers.masks import VOID
from ..training import Metric, MulticlassAccuracy, MulticlassConfusionMatrix, MulticlassJaccardIndex


class Accuracy(MulticlassAccuracy):
    """The share of right answers; of labels that were mixed the greater part counts."""

    def update(self, preds: ArrayLike, target: ArrayLike) -> None:
        labels, scores = np.asarray(target), np.asarray(preds)
        super().update(scores, labels.argmax(1) if labels.dtype.kind == "f" else labels)


class Task(NamedTuple):
    """One kind of targets.

    Attributes:
        figure: the name of the figure that says how good a network is, and what it is called in print.
        metrics: (number of classes) -> the metrics of a training by name.
        score: (confusion matrix) -> that figure.
        ignored: the class of targets that are left out.
        unit: what is counted.
    """

    figure: str
    title: str
    metrics: Callable[[int], dict[str, Metric]]
    score: Callable[[np.ndarray], float]
    ignored: int
    unit: str

    def matrix(self, classes: int) -> MulticlassConfusionMatrix:
        """A confusion matrix without the targets that are left out."""
        return MulticlassConfusionMatrix(classes, ignore_index=self.ignored)


def overlap(counts: np.ndarray) -> np.ndarray:
    """The intersection over the union of predictions and targets of each class; NaN where there are neither.

    >>> overlap(np.array([[1, 1], [0, 2]])).round(2).tolist()
    [0.5, 0.67]
    """
    both = counts.diagonal()
    union = counts.sum(0) + counts.sum(1) - both
    return np.divide(both, union, out=np.full(len(both), np.nan), where=union > 0)


TASKS = {
    "classification": Task(
        "accuracy",
        "accuracy",
        lambda classes: {"accuracy": Accuracy(average="micro")},
        lambda counts: np.trace(counts) / counts.sum(),
        -100,
        "images",
    ),
    "segmentation": Task(
        "iou",
        "mean IoU",
        lambda classes: {
            "accuracy": Accuracy(average="micro", ignore_index=VOID),
            "iou": MulticlassJaccardIndex(classes, ignore_index=VOID),
        },
        lambda counts: float(np.nanmean(overlap(counts))),
        VOID,
        "pixels",
    ),
}
