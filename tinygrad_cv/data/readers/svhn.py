"""Street View House Numbers, cropped digits, in MATLAB's files."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from ...core.annotations import explaining
from ..dataset import LabelledImages
from ..datasets import DIGITS, TrainTest
from . import failure
from .labels import checked, labelled
from .matlab import read_mat

READER = "load_svhn"
FILES = ("train_32x32.mat", "test_32x32.mat")


@explaining
def load_svhn(folder: str | PathLike[str]) -> TrainTest:
    """Load SVHN's cropped digits from ``train_32x32.mat`` and ``test_32x32.mat``.

    73,257 and 26,032 images, uint8, N x 3 x 32 x 32. In the files the digit 0 has the label 10; here it has 0.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is damaged, has other arrays, or a label that is no digit.

    Source: Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011.
    """
    place = failure.folder(READER, folder, f"Give the folder of {' and '.join(FILES)}.")
    return TrainTest(*(_part(place / name) for name in FILES))


def _part(path: Path) -> LabelledImages:
    failure.file(READER, path, "Download the data set's format 2, cropped digits.")
    found = read_mat(READER, path, ("X", "y"))
    for name, dims in (("X", 4), ("y", 2)):
        array = found.get(name)
        if array is None or array.ndim != dims or (name == "X" and array.shape[:3] != (32, 32, 3)):
            what = f"no {name}" if array is None else f"{name} of shape {array.shape}"
            raise failure.wrong(READER, path, f"has {what}; it must have X of 32 x 32 x 3 x N and y of N x 1")
    images, labels = found["X"], found["y"]
    if images.dtype != np.uint8:
        raise failure.wrong(READER, path, f"has X of {images.dtype}; it must be uint8")
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):  # MATLAB's numbers are doubles
        labels = labels.astype(np.int64)
    pixels = np.ascontiguousarray(images.transpose(3, 2, 0, 1))  # h w c n -> n c h w
    numbers = checked(READER, path, labels, len(DIGITS), first=1) + 1  # 1 to 10
    return labelled(READER, (path, path), pixels, numbers % 10, DIGITS)
