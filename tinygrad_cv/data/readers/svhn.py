"""Street View House Numbers, cropped digits: MATLAB's files, read by SciPy."""

from __future__ import annotations

import math
from os import PathLike
from pathlib import Path

import numpy as np

from ...core.annotations import explaining
from ..dataset import LabelledImages
from ..datasets import DIGITS, TrainTest
from . import failure
from .labels import checked, labelled

READER = "load_svhn"
FILES = ("train_32x32.mat", "test_32x32.mat")
DEFLATE = 1032  # no byte of a deflated file stands for more


@explaining
def load_svhn(folder: str | PathLike[str]) -> TrainTest:
    """Load SVHN's cropped digits from ``train_32x32.mat`` and ``test_32x32.mat``.

    73,257 and 26,032 images, uint8, N x 3 x 32 x 32. In the files the digit 0 has the label 10; here it has 0.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is damaged, has other arrays, or a label that is no digit.
        ModuleNotFoundError: SciPy is not installed.

    Source: Y. Netzer et al., "Reading Digits in Natural Images with Unsupervised Feature Learning", 2011.
    """
    place = failure.folder(READER, folder, f"Give the folder of {' and '.join(FILES)}.")
    return TrainTest(*(_part(place / name) for name in FILES))


def _part(path: Path) -> LabelledImages:
    try:
        from scipy.io import loadmat, whosmat
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(f"{READER} needs SciPy: pip install scipy") from error

    failure.file(READER, path, "Download the data set's format 2, cropped digits.")
    try:
        shapes = {name: shape for name, shape, _ in whosmat(str(path), appendmat=False)}
        _check(path, shapes)
        found = loadmat(str(path), appendmat=False, variable_names=["X", "y"])
        images, labels = found["X"], found["y"]
    except (MemoryError, ModuleNotFoundError):
        raise
    except Exception as error:  # SciPy's readers raise many kinds
        if isinstance(error, OSError) and error.errno is not None:
            raise
        if str(error).startswith(READER):
            raise
        raise failure.wrong(READER, path, f"is damaged, or no file of MATLAB's: {str(error)[:200]}") from None
    if images.dtype != np.uint8:
        raise failure.wrong(READER, path, f"has X of {images.dtype}; it must be uint8")
    if labels.dtype.kind == "f" and np.array_equal(labels, np.rint(labels)):  # MATLAB's numbers are doubles
        labels = labels.astype(np.int64)
    pixels = np.ascontiguousarray(images.transpose(3, 2, 0, 1))  # h w c n -> n c h w
    return labelled(READER, (path, path), pixels, (checked(READER, path, labels, 10, first=1) + 1) % 10, DIGITS)


def _check(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Refuse arrays that are others, or could not be in a file of this size, before they are read."""
    for name, dims in (("X", 4), ("y", 2)):
        shape = shapes.get(name)
        if shape is None or len(shape) != dims or (name == "X" and shape[:3] != (32, 32, 3)):
            raise failure.wrong(
                READER, path, f"has {f'{name} of shape {shape}' if shape else f'no {name}'}; it must have X of "
                "32 x 32 x 3 x N and y of N x 1",
            )  # fmt: skip
        if min(shape) < 0 or math.prod(shape) > DEFLATE * path.stat().st_size:
            raise failure.wrong(READER, path, f"is damaged: {name} of shape {shape} cannot be in it")
