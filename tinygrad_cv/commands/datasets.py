"""The options that name a data set, and the data set that they name."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import (
    FASHION_MNIST_CLASSES,
    ImageFolder,
    LabelledImages,
    fashion_mnist,
    load_arrays,
    load_cifar10,
    load_cifar100,
    load_idx,
    load_stl10,
    load_svhn,
    locate,
)
from ..data.datasets import TrainTest
from ..data.readers.detect import FORMATS, TESTS, detect
from ..data.readers.locate import EMBEDDED
from ..data.transforms import CenterCrop, Compose, Resize
from .options import UsageError, positive

NAMED = {load_cifar10, load_cifar100, load_svhn, load_stl10}  # whose classes have names of their own
LOADERS: dict[str, Any] = {
    "arrays": load_arrays,
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
    "idx": load_idx,
    "stl10": load_stl10,
    "svhn": load_svhn,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data",
        type=Path,
        help="a folder with IDX files, CIFAR, SVHN, STL-10, or images by class in train/ and test/ or val/; an .npz "
        "file; or fashion-mnist, all of it where it is installed (default: the images that come with the package)",
    )
    parser.add_argument("--format", choices=FORMATS, help="of --data (default: as the names of its files say)")
    parser.add_argument(
        "--image-size",
        type=positive(int),
        metavar="N",
        help="with images by class: resize the shorter side to N, and crop to N x N (default: as they are)",
    )


def load(arguments: argparse.Namespace, classes: Sequence[str] | None, channels: int | None) -> TrainTest:
    """The data set that the options name.

    Args:
        classes: names, or one number, for formats without names of their own.
        channels: that the network takes; images by class are grey where it is 1.

    Raises:
        UsageError: there is none, it cannot be read, or the options do not fit it.
    """
    if arguments.data is None:
        for option, value in (("--classes", classes), ("--format", arguments.format)):
            if value:
                raise UsageError(f"{option} is for --data; the shipped images have their own.")
        return fashion_mnist()
    try:
        return _load(arguments, classes, channels)
    except (OSError, ValueError, ModuleNotFoundError) as error:
        raise UsageError(f"--data: {error}") from None


def place_of(data: Path | None) -> Path | None:
    """The path of ``--data`` for a file of options; a name of a data set stays one."""
    return data if data is None or is_name(data) else data.resolve()


def is_name(data: Path) -> bool:
    """Whether ``--data`` is the name of a data set, and not of a file or folder."""
    return str(data) in EMBEDDED and not data.exists()


def _load(arguments: argparse.Namespace, classes: Sequence[str] | None, channels: int | None) -> TrainTest:
    if is_name(arguments.data):
        parts = load_idx(locate(str(arguments.data)), classes or FASHION_MNIST_CLASSES)
        return TrainTest(*(replace(part, augment=("shift", "flip")) for part in parts))
    kind = arguments.format or detect(arguments.data)
    if kind == "folder":
        found = images_by_class(arguments.data, arguments.image_size, "L" if channels == 1 else "RGB")
    elif arguments.image_size:
        raise UsageError(f"--image-size is for images by class; {arguments.data} has the format {kind}.")
    elif LOADERS[kind] in NAMED:
        found = LOADERS[kind](arguments.data)
    elif kind == "idx":
        count = int(classes[0]) if classes and len(classes) == 1 and classes[0].isdecimal() else None
        return load_idx(arguments.data, count or classes)
    else:
        return TrainTest(*load_arrays(arguments.data, classes))
    if classes and tuple(classes) != found.train.classes:
        raise ValueError(
            f"{arguments.data} has classes of its own, {', '.join(found.train.classes[:5])} ...; they are not "
            f"{', '.join(classes[:5])} ... Leave --classes out, or take the data set of these classes."
        )
    return found


def images_by_class(root: Path, size: int | None, mode: str) -> TrainTest:
    """The images in ``train`` and in ``test`` or ``val``, in memory.

    Raises:
        FileNotFoundError, ValueError: as of ImageFolder; the two have other classes; or the sizes differ.
    """
    test = next((name for name in TESTS if (root / name).is_dir()), TESTS[0])
    resize = Compose([Resize(size), CenterCrop(size)]) if size else None
    folders = [ImageFolder(root / part, resize, mode=mode) for part in ("train", test)]
    if folders[0].classes != folders[1].classes:
        differing = sorted(set(folders[0].classes) ^ set(folders[1].classes))
        raise ValueError(f"{root}: train and {test} have other classes: {', '.join(differing[:10])} in one only.")
    train, tests = map(_gathered, folders)
    if train.images.shape[1:] != tests.images.shape[1:]:
        raise _sizes(folders[1].samples[0][0], tests.images.shape[1:], train.images.shape[1:])
    return TrainTest(train, tests)


def _gathered(folder: ImageFolder) -> LabelledImages:
    first = folder[0][0]
    images = np.empty((len(folder), *first.shape), np.uint8)
    for n, (path, _) in enumerate(folder.samples):
        image = folder[n][0]
        if image.shape != first.shape:
            raise _sizes(path, image.shape, first.shape)
        images[n] = image
    return LabelledImages(images, np.array(folder.targets, np.int64), tuple(folder.classes))


def _sizes(path: str, found: Sequence[int], wanted: Sequence[int]) -> ValueError:
    return ValueError(
        f"{path} is {found[2]} x {found[1]} pixels, and others are {wanted[2]} x {wanted[1]}; a network takes one "
        "size. Give --image-size."
    )
