"""The options that name a data set, and the data set that they name."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np

from ..data import (
    FASHION_MNIST_CLASSES,
    CocoSegmentation,
    HDF5Images,
    ImageFolder,
    ImageTable,
    LabelledImages,
    MaskFolder,
    VOCSegmentation,
    fashion_mnist,
    load_arrays,
    load_cifar10,
    load_cifar100,
    load_idx,
    load_pcam,
    load_stl10,
    load_svhn,
    locate,
)
from ..data.readers.detect import FORMATS, TESTS, detect
from ..data.readers.locate import EMBEDDED
from .options import UsageError

Masked: TypeAlias = VOCSegmentation | CocoSegmentation | MaskFolder  # with the class of each pixel
Listed: TypeAlias = ImageFolder | ImageTable | HDF5Images | Masked  # images on the disk, read when they are asked for
MASKED = ("voc", "coco", "masks")  # formats
NAMED = {load_cifar10, load_cifar100, load_svhn, load_stl10}  # whose classes have names of their own
LOADERS: dict[str, Any] = {
    "arrays": load_arrays,
    "cifar10": load_cifar10,
    "cifar100": load_cifar100,
    "idx": load_idx,
    "stl10": load_stl10,
    "svhn": load_svhn,
}
COLUMNS = ("path", "label")
FIFTH = 5  # of the images of a class one in so many is kept for the test, where the data set has one part
Listing = TypeVar("Listing", ImageFolder, ImageTable)


class Parts(NamedTuple):
    """The two parts of a data set: in memory, or listed."""

    train: LabelledImages | Listed
    test: LabelledImages | Listed


def add_arguments(parser: Any) -> None:
    """Declare the options, of a parser or of a group of them."""
    parser.add_argument(
        "--data",
        type=Path,
        help="a folder of images in a folder for each class, of which every fifth is for the test, or in train/ and "
        "test/ or val/; a table .csv, or a folder with train.csv and test.csv or val.csv; train.h5 and test.h5 or "
        "val.h5; masks as of Pascal VOC or COCO, or in train/images and train/masks; a folder with IDX files, CIFAR, "
        "SVHN, STL-10 or PatchCamelyon; an .npz file; or fashion-mnist, all of it where it is installed (default: the "
        "images that come with the package)",
    )
    parser.add_argument("--format", choices=FORMATS, help="of --data (default: as the names of its files say)")
    parser.add_argument(
        "--columns",
        nargs=2,
        default=list(COLUMNS),
        metavar=("IMAGE", "LABEL"),
        help="of tables: the names of the columns (default: path label)",
    )


def load(arguments: argparse.Namespace, classes: Sequence[str] | None, channels: int | None) -> Parts:
    """The data set that the options name.

    Args:
        classes: names, or one number, for formats without names of their own.
        channels: that the network takes; image files are read in grey where it is 1.

    Raises:
        UsageError: there is none, it cannot be read, or the options do not fit it.
    """
    if arguments.data is None:
        for option, value in (("--classes", classes), ("--format", arguments.format)):
            if value:
                raise UsageError(f"{option} is for --data; the shipped images have their own.")
        return Parts(*fashion_mnist())
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


def labels(part: LabelledImages | Listed) -> np.ndarray | None:
    """The label of each image; None where each pixel has one."""
    if isinstance(part, Masked):
        return None
    return part.labels if isinstance(part, LabelledImages) else np.asarray(part.targets, np.int64)


def _load(arguments: argparse.Namespace, classes: Sequence[str] | None, channels: int | None) -> Parts:
    if is_name(arguments.data):
        parts = load_idx(locate(str(arguments.data)), classes or FASHION_MNIST_CLASSES)
        return Parts(*(replace(part, augment=("shift", "flip")) for part in parts))
    kind = arguments.format or detect(arguments.data)
    if kind == "idx":
        count = int(classes[0]) if classes and len(classes) == 1 and classes[0].isdecimal() else None
        return Parts(*load_idx(arguments.data, count or classes))
    if kind == "arrays":
        return Parts(*load_arrays(arguments.data, classes))
    mode = "L" if channels == 1 else "RGB"
    if kind == "masks":
        return _masks(arguments.data, classes, mode)
    if kind == "voc" and classes:
        return Parts(*(VOCSegmentation(arguments.data, image_set=part, classes=classes) for part in ("train", "val")))
    if kind == "voc":
        found = Parts(*(VOCSegmentation(arguments.data, image_set=part) for part in ("train", "val")))
    elif kind == "coco":
        found = _coco(arguments.data)
    elif kind == "folder":
        found = _images_by_class(arguments.data, mode)
    elif kind == "table":
        found = _tables(arguments.data, arguments.columns, mode)
    elif kind == "hdf5":
        found = _hdf5(arguments.data)
    else:
        found = Parts(*LOADERS[kind](arguments.data))
    if classes and tuple(classes) != tuple(found.train.classes):
        raise ValueError(
            f"{arguments.data} has classes of its own, {', '.join(found.train.classes[:5])} ...; they are not "
            f"{', '.join(classes[:5])} ... Leave --classes out, or take the data set of these classes."
        )
    return found


def _images_by_class(root: Path, mode: str) -> Parts:
    if not (root / "train").is_dir():
        return Parts(*(_part(ImageFolder(root, mode=mode), number) for number in range(2)))
    test = _test(root, "", Path.is_dir)
    folders = Parts(*(ImageFolder(root / part, mode=mode) for part in ("train", test)))
    if folders.train.classes != folders.test.classes:
        differing = sorted(set(folders.train.classes) ^ set(folders.test.classes))
        raise ValueError(f"{root}: train and {test} have other classes: {', '.join(differing[:10])} in one only.")
    return folders


def _tables(root: Path, columns: Sequence[str], mode: str) -> Parts:
    image, label = columns
    if not root.is_dir():
        return Parts(*(_part(ImageTable(root, image, label, mode=mode), number) for number in range(2)))
    train = ImageTable(root / "train.csv", image, label, mode=mode)
    test = root / _test(root, ".csv", Path.is_file)
    return Parts(train, ImageTable(test, image, label, mode=mode, classes=train.classes))


def _masks(root: Path, classes: Sequence[str] | None, mode: str) -> Parts:
    if not classes:
        raise ValueError(
            f"{root} has masks without names. Give the names of all classes, or their number, as --classes."
        )
    given = int(classes[0]) if len(classes) == 1 and classes[0].isdecimal() else classes
    return Parts(*(MaskFolder(root / part, given, mode=mode) for part in ("train", _test(root, "", Path.is_dir))))


def _coco(root: Path) -> Parts:
    places = root / "annotations"
    year = "2017" if (places / "instances_train2017.json").exists() else ""
    return Parts(
        *(
            CocoSegmentation(root / f"{part}{year}", places / f"instances_{part}{year}.json")
            for part in ("train", "val")
        )
    )


def _part(listed: Listing, number: int) -> Listing:
    """Of a list that has no parts the training images (0) or the others (1): of each class every fifth one.

    Raises:
        ValueError: a class has one image only.
    """
    targets = np.array(listed.targets)
    for_test = np.zeros(len(targets), bool)
    for label, name in enumerate(listed.classes):
        places = np.flatnonzero(targets == label)
        if len(places) < 2:
            raise ValueError(
                f"{listed!r}: class {name!r} has {len(places)} image; one of each class is kept for the test, so there "
                "must be two. Add some, or make parts: train and test."
            )
        for_test[places[FIFTH - 1 :: FIFTH] if len(places) >= FIFTH else places[-1:]] = True
    listed.samples = [listed.samples[place] for place in np.flatnonzero(for_test == bool(number)).tolist()]
    listed.targets = [label for _, label in listed.samples]
    return listed


def _hdf5(root: Path) -> Parts:
    if not (root / "train.h5").exists():
        pcam = load_pcam(root)
        return Parts(pcam.train, pcam.test)
    train = HDF5Images(root / "train.h5")
    return Parts(train, HDF5Images(root / _test(root, ".h5", Path.is_file), classes=train.classes))


def _test(root: Path, suffix: str, there: Callable[[Path], bool]) -> str:
    """The name of the part that is no training images: the first that there is."""
    return next((name for name in (f"{test}{suffix}" for test in TESTS) if there(root / name)), f"{TESTS[0]}{suffix}")
