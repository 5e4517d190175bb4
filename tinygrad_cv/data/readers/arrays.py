"""Images and labels in NumPy's files: one .npz, or a folder of .npy, which stay on the disk until they are used."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np

from ...core.annotations import explaining
from ...core.errors import CheckpointError
from ...files.tensors import load
from ..datasets import TrainTest, channels_first
from . import failure
from .labels import checked, labelled, numbered

READER = "load_arrays"
REMEDY = "Give another file, or save its arrays by numpy.savez."
NAMES = (  # of the arrays of images and labels, training and test: Keras', MedMNIST's, others'
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("X_train", "Y_train", "X_test", "Y_test"),
)


@explaining
def load_arrays(path: str | PathLike[str], classes: Sequence[str] | None = None) -> TrainTest:
    """Load images and labels from one .npz file, or from a folder of .npy files.

    The arrays are ``x_train``, ``y_train``, ``x_test``, ``y_test``, as in Keras' ``mnist.npz``; or ``train_images``,
    ``train_labels``, ``test_images``, ``test_labels``, as in MedMNIST's; or ``X_train``, ``Y_train`` and so on. Images
    are N x H x W, N x H x W x C or N x C x H x W; labels are N or N x 1. Those of .npy files are mapped, read-only, so
    that they take memory only where they are used.

    Args:
        classes: the names of the classes, in the order of their labels, from 0; by default the numbers up to the
            largest label.

    Raises:
        FileNotFoundError: there is no such file or folder, or no such array in it.
        ValueError: a file is damaged or holds Python objects, an array has another shape, or a label no class.
    """
    place = Path(path)
    found = _found(place)
    names = next((names for names in NAMES if all(name in found for name in names)), None)
    if names is None:
        listed = ", ".join(map(repr, found)) or "none"
        raise failure.missing(READER, place, f"{', '.join(NAMES[0])} in", f"The arrays in it are {listed}.")
    if classes is None:
        classes = numbered(READER, place, *(found[name] for name in names[1::2]))
    places = {name: f"{place}, {name}" for name in names}
    parts = []
    for x, y in (names[:2], names[2:]):
        images = found[x]
        if images.ndim not in (3, 4) or images.dtype.kind not in "uif":
            raise failure.wrong(
                READER, places[x], f"has shape {images.shape} and type {images.dtype}; it must be N x H x W, "
                "N x H x W x C or N x C x H x W, of numbers", "Give the array of images.",
            )  # fmt: skip
        labels = checked(READER, places[y], found[y], len(classes))
        parts.append(labelled(READER, (places[x], places[y]), channels_first(images), labels, classes))
    return TrainTest(*parts)


def _archive(path: Path) -> dict[str, np.ndarray]:
    found: Any = _loaded(path)
    if not isinstance(found, dict) or not all(isinstance(value, np.ndarray) for value in found.values()):
        raise failure.wrong(READER, path, "is no archive of arrays", "Give an .npz file, or a folder of .npy files.")
    return found


def _loaded(path: Path) -> Any:
    try:
        return load(path)
    except CheckpointError as error:
        reason = str(error).rpartition(f"{path}: ")[2]
        raise failure.wrong(READER, path, reason.removeprefix("it "), REMEDY) from None


def _folder(place: Path) -> dict[str, np.ndarray]:
    wanted = {name for names in NAMES for name in names}
    return {path.stem: _mapped(path) for path in sorted(place.glob("*.npy")) if path.stem in wanted}


def _mapped(path: Path) -> np.ndarray:
    try:
        array: np.memmap = np.load(path, mmap_mode="r", allow_pickle=False)
    except (
        ValueError,
        EOFError,
        TypeError,
        SyntaxError,
        OverflowError,
        TokenError,
    ) as error:  # of headers, and of maps too short
        raise failure.wrong(READER, path, f"is damaged, or holds no numbers: {str(error)[:200]}") from None
    if (end := array.offset + array.nbytes) != (size := path.stat().st_size):
        raise failure.wrong(READER, path, f"is damaged: it has {size:,} bytes, and its array ends after {end:,}")
    return array


def _found(place: Path) -> dict[str, np.ndarray]:
    if place.is_dir():
        return _folder(place)
    return _archive(failure.file(READER, place, "Give an .npz file, or a folder of .npy files."))
