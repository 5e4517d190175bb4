"""CIFAR-10 and CIFAR-100, in the forms that their authors publish: for Python, and binary."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import explaining
from ..dataset import LabelledImages
from ..datasets import TrainTest
from . import failure
from .array_pickle import read_dict
from .labels import checked, labelled

SHAPE = (3, 32, 32)
PIXELS = 3072


class Form(NamedTuple):
    """One of the forms: the names of its files."""

    folder: str  # of its archive
    train: tuple[str, ...]
    test: str
    names: str  # the file of the names of the classes


class Version(NamedTuple):
    """One of the data sets."""

    reader: str
    python: Form
    binary: Form
    images: tuple[int, int]  # in a file of the training part, and of the test part
    column: int  # of the bytes before the pixels, that which is the label
    columns: int
    labels: str  # the same in the form for Python, and the key of the names
    names: str
    classes: int


BATCHES = tuple(f"data_batch_{n}" for n in range(1, 6))
CIFAR10 = Version(
    "load_cifar10",
    Form("cifar-10-batches-py", BATCHES, "test_batch", "batches.meta"),
    Form("cifar-10-batches-bin", tuple(f"{name}.bin" for name in BATCHES), "test_batch.bin", "batches.meta.txt"),
    (10_000, 10_000),
    0,
    1,
    "labels",
    "label_names",
    10,
)
CIFAR100 = Version(
    "load_cifar100",
    Form("cifar-100-python", ("train",), "test", "meta"),
    Form("cifar-100-binary", ("train.bin",), "test.bin", "fine_label_names.txt"),
    (50_000, 10_000),
    1,
    2,
    "fine_labels",
    "fine_label_names",
    100,
)
COARSE = CIFAR100._replace(
    binary=CIFAR100.binary._replace(names="coarse_label_names.txt"),
    column=0,
    labels="coarse_labels",
    names="coarse_label_names",
    classes=20,
)


@explaining
def load_cifar10(folder: str | PathLike[str], *, partial: bool = False) -> TrainTest:
    """Load CIFAR-10 from its folder ``cifar-10-batches-py`` or ``cifar-10-batches-bin``, or the folder that holds one.

    50,000 and 10,000 images, uint8, N x 3 x 32 x 32, in 10 classes. The pickles of the form for Python are read without
    running what they name.

    Args:
        partial: also take files of another number of images than the data set's.

    Raises:
        FileNotFoundError: the folder or a file is missing.
        ValueError: a file is damaged, has another number of images, or a label without a class.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    return _load(CIFAR10, folder, partial)


@explaining
def load_cifar100(folder: str | PathLike[str], *, coarse: bool = False, partial: bool = False) -> TrainTest:
    """Load CIFAR-100 from its folder ``cifar-100-python`` or ``cifar-100-binary``, or the folder that holds one.

    50,000 and 10,000 images, uint8, N x 3 x 32 x 32.

    Args:
        coarse: the 20 superclasses instead of the 100 classes.
        partial: also take files of another number of images than the data set's.

    Raises:
        FileNotFoundError, ValueError: as of load_cifar10.
    """
    return _load(COARSE if coarse else CIFAR100, folder, partial)


def _load(version: Version, folder: str | PathLike[str], partial: bool) -> TrainTest:
    place, form = _find(version, folder)
    read = _python if form is version.python else _binary
    names = _names(version, form, place)
    parts = []
    for files, count in zip((form.train, (form.test,)), version.images, strict=True):
        pieces = []
        for name in files:
            path = failure.file(version.reader, place / name, "Unpack the whole archive again.")
            images, labels = read(version, path)
            found = checked(version.reader, path, labels, version.classes)
            piece = labelled(version.reader, (path, path), images, found, names)
            if len(piece) != count and not partial:
                raise failure.wrong(
                    version.reader, path, f"has {len(piece):,} images, and the data set's own has {count:,}",
                    f"{failure.DAMAGED} If it is a part of the data set, give partial=True.",
                )  # fmt: skip
            pieces.append(piece)
        parts.append(pieces[0] if len(pieces) == 1 else _joined(pieces))
    return TrainTest(*parts)


def _find(version: Version, folder: str | PathLike[str]) -> tuple[Path, Form]:
    given = failure.folder(version.reader, folder, "Give the folder that the archive unpacks to.")
    for form in (version.python, version.binary):
        for place in (given, given / form.folder):
            if any((place / name).exists() for name in (*form.train, form.test)):
                return place, form
    raise failure.missing(
        version.reader, given, f"file {version.python.train[0]} or {version.binary.train[0]} in",
        f"Give the folder {version.python.folder} or {version.binary.folder}.",
    )  # fmt: skip


def _python(version: Version, path: Path) -> tuple[np.ndarray, np.ndarray]:
    found = read_dict(version.reader, path)
    data, labels = found.get("data"), found.get(version.labels)
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.ndim != 2 or data.shape[1] != PIXELS:
        other = f"; it has {data.shape} of {data.dtype}" if isinstance(data, np.ndarray) else ""
        raise failure.wrong(version.reader, path, f"has no 'data' of N x {PIXELS} bytes{other}")
    if type(labels) is list and all(type(label) is int and abs(label) < 1 << 40 for label in labels):
        labels = np.array(labels, np.int64)
    if not isinstance(labels, np.ndarray):
        raise failure.wrong(version.reader, path, f"has no {version.labels!r}, a list of whole numbers")
    return data.reshape(-1, *SHAPE), labels


def _binary(version: Version, path: Path) -> tuple[np.ndarray, np.ndarray]:
    record, size = version.columns + PIXELS, path.stat().st_size
    if size % record or not size:
        raise failure.wrong(
            version.reader, path, f"has {size:,} bytes, which are {size / record:.3f} records of {record:,}: it is "
            "truncated, or something else",
        )  # fmt: skip
    records = np.memmap(path, np.uint8, "r").reshape(-1, record)
    return records[:, version.columns :].reshape(-1, *SHAPE), np.array(records[:, version.column])


def _names(version: Version, form: Form, place: Path) -> tuple[str, ...]:
    path = place / form.names
    if not path.is_file():
        return tuple(map(str, range(version.classes)))
    if form is version.python:
        found: Any = read_dict(version.reader, path).get(version.names)
        names = [n.decode("latin-1") if isinstance(n, bytes) else str(n) for n in found] if type(found) is list else []
    else:
        names = path.read_text("utf-8", errors="replace").split()
    if len(names) != version.classes:
        raise failure.wrong(version.reader, path, f"names {len(names)} classes, and there are {version.classes}")
    return tuple(names)


def _joined(pieces: Sequence[LabelledImages]) -> LabelledImages:
    images, labels = (np.concatenate([getattr(piece, part) for piece in pieces]) for part in ("images", "labels"))
    return LabelledImages(images, labels, pieces[0].classes)
