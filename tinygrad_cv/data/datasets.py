"""Sets of labelled images: the shipped Fashion-MNIST subset, and any folder with four IDX files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .idx import read_idx

DIGITS = tuple("0123456789")

FASHION_MNIST_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# The hyphen keeps the folder from being importable, and so from hiding the function fashion_mnist.
FASHION_MNIST_FOLDER = Path(__file__).parent / "fashion-mnist"


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Images N x C x H x W, their N labels (int64), and the class name that each label stands for."""

    images: NDArray[Any]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.images.shape))
        return f"Dataset({shape} {self.images.dtype}, {len(self.classes)} classes)"


class TrainTest(NamedTuple):
    """The two parts of a data set."""

    train: Dataset
    test: Dataset


def fashion_mnist() -> TrainTest:
    """Load the Fashion-MNIST subset that comes with the package: 5,000 training and 1,000 test images.

    Images are uint8, N x 1 x 28 x 28, with 500 training and 100 test images of each of the 10 classes.
    The whole set (60,000 and 10,000) loads from its four files with ``load_idx(folder, FASHION_MNIST_CLASSES)``.

    Raises:
        FileNotFoundError: the package was installed without its data files.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", arXiv:1708.07747, MIT licence; how the subset was taken: ``data/fashion-mnist/README.md``.

    >>> train, test = fashion_mnist()
    >>> train
    Dataset(5000 x 1 x 28 x 28 uint8, 10 classes)
    >>> test.classes[test.labels[0]]
    'Shirt'
    """
    return load_idx(FASHION_MNIST_FOLDER, FASHION_MNIST_CLASSES)


def load_idx(folder: str | PathLike[str], classes: Sequence[str] = DIGITS) -> TrainTest:
    """Load a data set kept as MNIST is: four IDX files in one folder, each plain or with ``.gz`` at its end.

    The files are ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same two with ``t10k`` for ``train``.
    Images of N x H x W become N x 1 x H x W; N x C x H x W stays. Values keep the file's type (see `normalize`).

    Args:
        folder: where the four files are.
        classes: the name of each label; '0' to '9' unless given.

    Raises:
        FileNotFoundError: the folder or one of the files is missing.
        ValueError: a file is damaged, has the wrong number of dimensions, or holds a label without a class;
            or a part has not as many images as labels.

    >>> load_idx(FASHION_MNIST_FOLDER).train.classes
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"load_idx: there is no folder {folder}. Give the folder with the four IDX files.")
    return TrainTest(*(_load_part(folder, part, tuple(classes)) for part in ("train", "t10k")))


def _load_part(folder: Path, part: str, classes: tuple[str, ...]) -> Dataset:
    image_file = _find(folder, f"{part}-images-idx3-ubyte")
    label_file = _find(folder, f"{part}-labels-idx1-ubyte")
    images, labels = read_idx(image_file), read_idx(label_file)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"load_idx: {image_file} has dimensions {images.shape}; "
            "images must be N x H x W or N x C x H x W. Check that it is the file of images."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise ValueError(
            f"load_idx: {label_file} has dimensions {labels.shape} and type {labels.dtype}; "
            "labels must be N whole numbers. Check that it is the file of labels."
        )
    if len(images) != len(labels):
        raise ValueError(
            f"load_idx: {image_file} has {len(images)} images but {label_file} has {len(labels)} labels; "
            "there must be one label an image. Take both files from the same data set."
        )
    wrong = labels[(labels < 0) | (labels >= len(classes))]
    if wrong.size:
        raise ValueError(
            f"load_idx: {label_file} has the label {wrong[0]}, but there are {len(classes)} classes; a label must be "
            f"from 0 to {len(classes) - 1}. Give the names of all classes: load_idx(folder, classes)."
        )
    if images.ndim == 3:
        images = images[:, np.newaxis]  # n h w -> n c h w
    return Dataset(images, labels.astype(np.int64), classes)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / f"{name}.gz"):
        if path.exists():
            return path
    raise FileNotFoundError(
        f"load_idx: {folder} has neither {name} nor {name}.gz. A data set is four files, train-images-idx3-ubyte, "
        "train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte, each with or without .gz: "
        "add the missing one, or rename it."
    )
