"""STL-10, its binary form. Images stay on the disk until they are asked for."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

import numpy as np

from ...core.annotations import explaining
from ..dataset import LabelledImages
from ..datasets import TrainTest
from . import failure
from .labels import checked, labelled

FOLDER = "stl10_binary"
NAMES = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")
SIDE = 96
RECORD = 3 * SIDE * SIDE


@explaining
def load_stl10(folder: str | PathLike[str]) -> TrainTest:
    """Load STL-10 from ``train_X.bin``, ``train_y.bin``, ``test_X.bin`` and ``test_y.bin``.

    5,000 and 8,000 images, uint8, N x 3 x 96 x 96, in 10 classes. Images are mapped from their files, read-only.

    Args:
        folder: of the files, or the one that holds ``stl10_binary``.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is truncated, has a label that is not from 1 to 10, or the numbers differ.

    Source: A. Coates, H. Lee, A. Y. Ng, "An Analysis of Single Layer Networks in Unsupervised Feature Learning", 2011.
    """
    place = failure.folder("load_stl10", folder, f"Give the folder {FOLDER}.")
    if (place / FOLDER).is_dir():
        place = place / FOLDER
    return TrainTest(_part(place, "train"), _part(place, "test"))


@explaining
def read_stl10(path: str | PathLike[str]) -> np.ndarray:
    """The images of one of STL-10's files, such as the 100,000 of ``unlabeled_X.bin``: N x 3 x 96 x 96, uint8.

    They are mapped from the file, read-only, so that they take memory only where they are used.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it does not hold whole images.
    """
    return _images("read_stl10", failure.file("read_stl10", path, "Give a file of images."))


def _images(reader: str, path: Path) -> np.ndarray:
    size = path.stat().st_size
    if size % RECORD or not size:
        raise failure.wrong(
            reader, path, f"has {size:,} bytes, which are {size / RECORD:.3f} images of {RECORD:,}: it is truncated, "
            "or something else",
        )  # fmt: skip
    return np.memmap(path, np.uint8, "r").reshape(-1, 3, SIDE, SIDE).transpose(0, 1, 3, 2)  # n c w h -> n c h w


def _part(place: Path, part: str) -> LabelledImages:
    remedy = "Unpack the whole archive again."
    x, y = (failure.file("load_stl10", place / f"{part}_{kind}.bin", remedy) for kind in "Xy")
    labels = checked("load_stl10", y, np.fromfile(y, np.uint8), len(NAMES), first=1)
    return labelled("load_stl10", (x, y), _images("load_stl10", x), labels, NAMES)
