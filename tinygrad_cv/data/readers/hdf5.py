"""Images and labels in HDF5 files, read when they are asked for; PatchCamelyon is published so."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import explaining
from ..dataset import Dataset
from ..datasets import channels_first
from . import failure
from .labels import checked, numbered

LARGEST = 1 << 28  # values of one image
PCAM = "camelyonpatch_level_2_split_{}_{}.h5"
PCAM_CLASSES = ("no tumor", "tumor")


class HDF5Images(Dataset[tuple[Any, Any]]):
    """Images in a dataset of an HDF5 file, and their labels in the same or another file: (image C x H x W, label).

    Labels are read at once, images when they are asked for, a batch by one reading. Each process opens the file itself.

    Args:
        images: the file of images, N x H x W, N x H x W x C or N x C x H x W.
        labels: that of labels, N whole numbers (or N x 1 x 1 x 1); by default the same.
        image_key, label_key: the names of the datasets.
        classes: the names of the classes; by default the labels that there are, up to the largest.
        transform, target_transform: of an image, and of its label.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file is no HDF5, is damaged, has no such dataset, or one of another shape; the numbers of images
            and labels differ; or a label is of no class.
        ModuleNotFoundError: h5py is not installed.
    """

    def __init__(
        self,
        images: str | PathLike[str],
        labels: str | PathLike[str] | None = None,
        *,
        image_key: str = "x",
        label_key: str = "y",
        classes: Sequence[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
    ):
        self.images, self.image_key = os.fspath(images), image_key
        self.transform, self.target_transform = transform, target_transform
        self._opened: tuple[int, Any] | None = None
        shape = self._stored().shape
        if len(shape) not in (3, 4) or 0 in shape:
            raise self._wrong(
                f"has {image_key!r} of shape {shape}; it must be N x H x W or N x H x W x C, of one or more"
            )
        if math.prod(shape[1:]) > LARGEST:
            raise self._wrong(f"has images of {' x '.join(map(str, shape[1:]))}; {LARGEST:,} values are the most")
        place = self.images if labels is None else os.fspath(labels)
        values = self._labels(place, label_key, shape[0])
        if classes is None:
            classes = numbered("HDF5Images", place, values)
        self.classes = tuple(classes)
        self.targets = checked("HDF5Images", place, values, len(self.classes))

    def _wrong(self, reason: str) -> ValueError:
        return failure.wrong("HDF5Images", self.images, reason, "Take both from the same data set.")

    def _stored(self) -> Any:
        """The dataset of images, of a file that this process has opened."""
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), _dataset(_file(self.images), self.images, self.image_key)
        return self._opened[1]

    def _labels(self, place: str, key: str, count: int) -> np.ndarray:
        with _file(place) as file:
            stored = _dataset(file, place, key)
            if len(stored.shape) == 0 or stored.size != stored.shape[0] or stored.size != count:
                raise self._wrong(f"has {count:,} images, and {place} has labels of shape {stored.shape}")
            return _read("HDF5Images", place, key, lambda: stored[()])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[tuple[Any, Any]]:
        chosen = np.asarray(indices, np.intp)
        if chosen.size and not (-len(self) <= chosen.min() and chosen.max() < len(self)):
            raise IndexError(f"HDF5Images: indices {chosen.min()} to {chosen.max()} of {len(self)} samples.")
        places, which = np.unique(chosen % len(self), return_inverse=True)  # h5py takes them in order, each once
        stored = self._stored()
        found = channels_first(_read("HDF5Images", self.images, self.image_key, lambda: stored[places]))[which]
        return [
            (
                image if self.transform is None else self.transform(image),
                label if self.target_transform is None else self.target_transform(label),
            )
            for image, label in zip(found, self.targets[chosen].tolist(), strict=True)
        ]

    def __repr__(self) -> str:
        return f"HDF5Images({self.images!r}, {len(self)} samples, {len(self.classes)} classes)"


class PCam(NamedTuple):
    """The three parts of PatchCamelyon."""

    train: HDF5Images
    valid: HDF5Images
    test: HDF5Images


@explaining
def load_pcam(folder: str | PathLike[str], transform: Callable[[Any], Any] | None = None) -> PCam:
    """Open PatchCamelyon: ``camelyonpatch_level_2_split_train_x.h5`` and the other five files, unpacked.

    262,144, 32,768 and 32,768 images, uint8, 3 x 96 x 96, in 2 classes; 9 GB, of which only what is asked for is read.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is damaged; see HDF5Images.

    Source: B. S. Veeling et al., "Rotation Equivariant CNNs for Digital Pathology", 2018.
    """
    place = failure.folder("load_pcam", folder, "Give the folder of its six files.")
    return PCam(
        *(
            HDF5Images(*(place / PCAM.format(part, kind) for kind in "xy"), classes=PCAM_CLASSES, transform=transform)
            for part in PCam._fields
        )
    )


def _file(place: str) -> Any:
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("HDF5Images needs h5py: pip install h5py") from error
    path = failure.file("HDF5Images", place, "Unpack it if it is packed (gunzip).")
    return _read("HDF5Images", place, "the file", lambda: h5py.File(path, "r"))


def _dataset(file: Any, place: str, key: str) -> Any:
    found = _read("HDF5Images", place, key, lambda: file.get(key))
    if found is None or not hasattr(found, "shape") or found.dtype.kind not in "uifb":
        keys = ", ".join(map(repr, _read("HDF5Images", place, "names", lambda: list(file))[:10])) or "nothing"
        raise failure.wrong("HDF5Images", place, f"has no array of numbers {key!r}; it has {keys}", "Give its name.")
    return found


def _read(reader: str, place: str, what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (OSError, RuntimeError, ValueError, KeyError) as error:  # as HDF5's library finds damage
        if isinstance(error, PermissionError):
            raise
        raise failure.wrong(reader, place, f"is damaged, or no HDF5: {what}: {str(error)[:200]}") from None
