"""The format of a data set, by the names of its files."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from . import failure
from .pixels import SUFFIXES as IMAGES

TESTS = ("test", "val", "valid")
MARKS = {  # format -> names of files, of which one in the folder shows it; a folder of the archive's name shows it, too
    "cifar10": ("data_batch_1", "data_batch_1.bin", "cifar-10-batches-py", "cifar-10-batches-bin"),
    "cifar100": ("fine_label_names.txt", "meta", "cifar-100-python", "cifar-100-binary"),
    "svhn": ("train_32x32.mat",),
    "stl10": ("train_X.bin", "stl10_binary"),
    "arrays": ("x_train.npy", "train_images.npy", "X_train.npy"),
    "table": ("train.csv",),
    "hdf5": ("train.h5", "camelyonpatch_level_2_split_train_x.h5"),
    "voc": ("VOCdevkit", "ImageSets/Segmentation"),
    "coco": ("annotations/instances_train2017.json", "annotations/instances_train.json"),
    "masks": ("train/masks",),
}
FORMATS = (*MARKS, "folder", "idx")
SUFFIXES = {".npz": "arrays", ".csv": "table"}


def detect(path: str | PathLike[str]) -> str:
    """The format of what is at a path.

    "arrays": .npz, or a folder of .npy; "cifar10", "cifar100", "svhn", "stl10"; "table": a .csv file, or ``train.csv``
    and another; "hdf5": ``train.h5`` and another, or PatchCamelyon; "folder": ``train`` and ``test`` or ``val``, each
    with a folder of images for each class, or such folders themselves; masks: "voc", "coco" (``annotations`` and the
    folders of images), "masks" (``train`` and another, each with ``images`` and ``masks``); and otherwise "idx".

    Raises:
        ValueError: several formats have files there.
    """
    place = Path(path)
    if place.is_file():
        return SUFFIXES.get(place.suffix.lower(), "idx")
    found = [name for name, marks in MARKS.items() if any((place / mark).exists() for mark in marks)]
    if "masks" not in found and (place / "train").is_dir() and any((place / name).is_dir() for name in TESTS):
        found.append("folder")
    if not found and place.is_dir():
        inside = list(place.iterdir())
        if not any("idx" in path.name for path in inside) and any(map(_has_images, inside)):
            found.append("folder")
    if len(found) > 1:
        raise failure.wrong("detect", place, f"holds data of several formats, {', '.join(found)}", "Say which.")
    return found[0] if found else "idx"


def _has_images(place: Path) -> bool:
    return place.is_dir() and any(path.suffix.lower() in IMAGES for path in place.iterdir())
