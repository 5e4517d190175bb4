"""The images that the panels embed, as the page reads them: gzip of all labels, and then of all pixels."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np

import tinygrad_cv.data
from tinygrad_cv.data import fashion_mnist

from .digits import digits

TRAIN, TEST, DIGITS = 100, 20, 12  # of each class


def write_images(folder: Path) -> None:
    """Clothing to train with and to test with, under its licence, and digits."""
    licence = Path(tinygrad_cv.data.__file__).parent / "fashion-mnist" / "LICENSE"
    shutil.copyfile(licence, folder / "fashion-mnist.LICENSE.txt")
    clothing = fashion_mnist()
    _write(folder / "clothing_train.images", *_some(clothing.train.images, clothing.train.labels, TRAIN))
    _write(folder / "clothing_test.images", *_some(clothing.test.images, clothing.test.labels, TEST))
    _write(folder / "digits.images", *digits(DIGITS, seed=1))


def _some(images: np.ndarray, labels: np.ndarray, each: int) -> tuple[np.ndarray, np.ndarray]:
    """The first images of each class, in turn one of each."""
    chosen = np.stack([np.flatnonzero(labels == label)[:each] for label in range(10)], 1).reshape(-1)
    return images[chosen], labels[chosen]


def _write(path: Path, images: np.ndarray, labels: np.ndarray) -> None:
    path.write_bytes(gzip.compress(labels.astype(np.uint8).tobytes() + images.tobytes(), 9, mtime=0))
