"""Data sets of labelled images: the shipped Fashion-MNIST subset, and any folder with four IDX files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ..core.annotations import explaining
from .dataset import LabelledImages
from .folder import class_names, find_files
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


class TrainTest(NamedTuple):
    """The two parts of a data set."""

    train: LabelledImages
    test: LabelledImages


def fashion_mnist() -> TrainTest:
    """Load the Fashion-MNIST subset that comes with the package: 5,000 training and 1,000 test images.

    Images are uint8, N x 1 x 28 x 28, with 500 training and 100 test images of each of the 10 classes.
    The whole set (60,000 and 10,000) loads from its four files with ``load_idx(folder, FASHION_MNIST_CLASSES)``.

    Raises:
        FileNotFoundError: the package was installed without its data files.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
    Algorithms", arXiv:1708.07747, MIT licence; how the subset was chosen: ``data/fashion-mnist/README.md``.

    >>> train, test = fashion_mnist()
    >>> train
    LabelledImages(5000 x 1 x 28 x 28 uint8, 10 classes)
    >>> test.classes[test.labels[0]]
    'Shirt'
    """
    parts = load_idx(FASHION_MNIST_FOLDER, FASHION_MNIST_CLASSES)
    return TrainTest(*(replace(part, augment=("shift", "flip")) for part in parts))


@explaining
def load_idx(
    folder: str | PathLike[str],
    classes: Sequence[str] | int | None = None,
    *,
    transpose: bool = False,
    label_column: int = 0,
) -> TrainTest:
    """Load a data set in the form of MNIST: four IDX files in one folder, each plain or gzip-compressed (``.gz``).

    The files are ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same two with ``t10k`` for ``train``.
    The names that EMNIST and QMNIST use (``emnist-letters-test-images-idx3-ubyte``) and those of unpackers
    (``train-images.idx3-ubyte``) are recognized too. If a folder holds several sets, name one of them:
    ``load_idx("folder/emnist-letters")``. Images of N x H x W become N x 1 x H x W; N x H x W x C with 1, 3 or 4
    channels become N x C x H x W; N x C x H x W stays. Values keep the file's type (see `normalize`). A label of QMNIST
    is eight numbers; the first of them is the class.

    Args:
        folder: where the four files are.
        classes: the name of each label, or the number of labels. Labels start at 0, or at 1 if all from 1 on occur.
            By default the classes are the labels that occur, named by the characters in EMNIST's
            ``emnist-...-mapping.txt`` if it is there, and otherwise by their numbers.
        transpose: exchange rows and columns of the images. EMNIST's are stored so that its letters lie on their sides.
        label_column: which of QMNIST's eight numbers is the label: 0 the class, 1 the series, 2 the writer, 3 the
            writer's image, 4 the class in NIST's numbering, 5 the place in NIST's files.

    Raises:
        FileNotFoundError: the folder or one of the files is missing.
        ValueError: a file is damaged, has the wrong number of dimensions, no images, values that are not finite, or a
            label without a class; the two parts differ; or a part has different numbers of images and labels.

    >>> load_idx(FASHION_MNIST_FOLDER).train.classes
    ('0', '1', '2', '3', '4', '5', '6', '7', '8', '9')
    """
    name, files = find_files(Path(folder))
    images = [_images(files[part, "image"]) for part in ("train", "t10k")]
    if transpose:
        images = [np.ascontiguousarray(part.swapaxes(2, 3)) for part in images]  # n c w h -> n c h w
    labels = [_labels(files[part, "label"], label_column) for part in ("train", "t10k")]
    for part, x, y in zip(("train", "t10k"), images, labels, strict=True):
        if len(x) != len(y):
            raise ValueError(
                f"load_idx: {files[part, 'image']} has {len(x)} images but {files[part, 'label']} has {len(y)} labels; "
                "there must be one label for each image. Take both files from the same data set."
            )
    train, test = images
    if (train.shape[1:], train.dtype) != (test.shape[1:], test.dtype):
        raise ValueError(
            f"load_idx: images of {files['train', 'image']} are C x H x W = {train.shape[1:]}, {train.dtype}, and "
            f"those of {files['t10k', 'image']} are {test.shape[1:]}, {test.dtype}; they must be equal. "
            "Take both files from the same data set."
        )
    known = class_names(Path(folder), name) if classes is None else {}
    names, values = _classes([files[part, "label"] for part in ("train", "t10k")], labels, classes, known)
    return TrainTest(
        *(
            LabelledImages(x, np.searchsorted(values, y).astype(np.int64), names)
            for x, y in zip(images, labels, strict=True)
        )
    )


def channels_first(images: np.ndarray) -> np.ndarray:
    """N x H x W and N x H x W x C as N x C x H x W; N x C x H x W as it is.

    Channels are last where that dimension is 1, 3 or 4, the second is larger than 4, and the last two are not equal,
    as those of square images would be.

    >>> [channels_first(np.zeros(shape)).shape for shape in ((5, 28, 28), (5, 32, 48, 3), (5, 3, 32, 48))]
    [(5, 1, 28, 28), (5, 3, 32, 48), (5, 3, 32, 48)]
    """
    if images.ndim == 3:
        return images[:, np.newaxis]  # n h w -> n c h w
    _, second, third, last = images.shape
    if last in (1, 3, 4) and second > 4 and third != last:
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # n h w c -> n c h w
    return images


def _images(file: Path) -> np.ndarray:
    images = read_idx(file)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"load_idx: {file} has dimensions {images.shape}; "
            "images must be N x H x W, N x C x H x W or N x H x W x C. Check that it is the file of images."
        )
    if 0 in images.shape:
        raise ValueError(
            f"load_idx: {file} has dimensions {images.shape}: there is no image in it. "
            "Take the data set's own file, with at least one image."
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise ValueError(
            f"load_idx: {file} holds {np.count_nonzero(~np.isfinite(images))} values that are NaN or infinite; "
            "training needs finite values. Write the file again without them."
        )
    return channels_first(images)


def _labels(file: Path, column: int) -> np.ndarray:
    labels = read_idx(file)
    if labels.dtype == np.int32 and labels.ndim == 2 and labels.shape[1] == 8:  # QMNIST
        if not 0 <= column < 8:
            raise ValueError(f"load_idx: label_column is {column}; {file} has the columns 0 to 7.")
        labels = labels[:, column]
    elif column:
        raise ValueError(
            f"load_idx: label_column is {column}, but {file} has dimensions {labels.shape}; only QMNIST's labels, "
            "N x 8 of int32, have columns. Leave it out."
        )
    if labels.ndim != 1 or labels.dtype.kind not in "ui":
        raise ValueError(
            f"load_idx: {file} has dimensions {labels.shape} and type {labels.dtype}; labels must be N whole numbers "
            "(or N x 8 of int32, as QMNIST's). Check that it is the file of labels."
        )
    if labels.size and labels.min() < 0:
        raise ValueError(
            f"load_idx: {file} has the label {labels.min()}, but labels count from 0, or from 1. "
            "Leave out images without a label."
        )
    return labels


def _classes(
    files: list[Path], labels: list[np.ndarray], classes: Sequence[str] | int | None, known: dict[int, str]
) -> tuple[tuple[str, ...], np.ndarray]:
    """The name of each class, and its label in the files."""
    values = np.unique(np.concatenate(labels))
    if classes is None:
        return tuple(known.get(int(value), str(value)) for value in values), values
    count = classes if isinstance(classes, int) else len(classes)
    first = int(np.array_equal(values, np.arange(1, count + 1)))
    for file, part in zip(files, labels, strict=True):
        if part.max() >= first + count:
            raise ValueError(
                f"load_idx: {file} has the label {part.max()}, but there are {count} classes; a label must be from 0 "
                f"to {count - 1} (or each from 1 to {count}); here they are {values[0]} to {values[-1]}. Give the "
                "names of all classes, or none (classes, or --classes of the train command): then they are the labels "
                "that occur."
            )
    numbers = np.arange(first, first + count)
    return tuple(map(str, numbers if isinstance(classes, int) else classes)), numbers
