"""Labels beside images: one for each, and each of a class."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from ..dataset import LabelledImages
from . import failure

MOST = 1 << 20  # classes, where their names are not given
Place = str | PathLike[str]


def checked(reader: str, place: Place, labels: np.ndarray, count: int, first: int = 0) -> NDArray[np.int64]:
    """Labels of one dimension that count from 0; in the file from ``first``.

    Raises:
        ValueError: they are no whole numbers, or one is not of ``count`` classes.
    """
    labels = np.asarray(labels)
    if labels.ndim > 1 and labels.size == len(labels):
        labels = labels.reshape(-1)  # n 1 ... -> n
    if labels.ndim != 1 or labels.dtype.kind not in "uib":
        raise failure.wrong(
            reader, place, f"has labels of shape {labels.shape} and type {labels.dtype}; they must be N whole numbers",
            "Give the file of labels.",
        )  # fmt: skip
    outside = np.flatnonzero((labels < first) | (labels >= first + count))
    if outside.size:
        n = int(outside[0])
        raise failure.wrong(
            reader, place, f"has the label {labels[n]} of image {n}; it must be from {first} to {first + count - 1}"
        )
    return labels.astype(np.int64) - first


def numbered(reader: str, place: Place, *labels: np.ndarray) -> tuple[str, ...]:
    """The numbers from 0 to the largest label as names of classes.

    Raises:
        ValueError: it is so large that it cannot be a class.
    """
    largest = max((int(np.max(part, initial=0)) for part in labels if part.dtype.kind in "uib"), default=0)
    if largest >= MOST:
        raise failure.wrong(reader, place, f"has the label {largest:,}; classes count from 0, up to {MOST:,}")
    return tuple(map(str, range(largest + 1)))


def labelled(
    reader: str, places: tuple[Place, Place], images: np.ndarray, labels: NDArray[np.int64], classes: Sequence[str]
) -> LabelledImages:
    """Images and as many labels.

    Args:
        places: the files of images and of labels.

    Raises:
        ValueError: the numbers differ, or are 0.
    """
    if len(images) != len(labels):
        raise failure.wrong(
            reader, places[0], f"has {len(images):,} images, and {places[1]} has {len(labels):,} labels",
            "There must be one label for each image. Take both from the same data set.",
        )  # fmt: skip
    if not len(images):
        raise failure.wrong(reader, places[0], "has no image", "Take the data set's own file.")
    return LabelledImages(images, labels, tuple(classes))
