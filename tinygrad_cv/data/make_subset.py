"""Make the Fashion-MNIST subset that comes with the package.

    python -m tinygrad_cv.data.make_subset --source /usr/share/datasets/fashion-mnist --out FOLDER

The rule: for the classes 0 to 9 in turn, permute the positions of the class's images with one generator
``numpy.random.RandomState(0)`` and choose the first 500 (training files) or 100 (test files, with a generator of their
own). The chosen images keep the order of the source. NumPy guarantees that RandomState's numbers never change, so the
choice is the same everywhere; the compressed bytes are the same for versions of zlib that compress alike.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import struct
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files import replacing
from .datasets import FASHION_MNIST_CLASSES, load_idx

SOURCE = Path("/usr/share/datasets/fashion-mnist")  # Debian's package dataset-fashion-mnist
SEED = 0
PER_CLASS = {"train": 500, "t10k": 100}


def choose(labels: np.ndarray, per_class: int, seed: int = SEED) -> NDArray[np.intp]:
    """Choose `per_class` positions of each of the 10 classes by the rule above, in ascending order.

    Raises:
        ValueError: a class has too few images.

    >>> choose(np.repeat(np.arange(10), 3), per_class=1).size
    10
    """
    rng = np.random.RandomState(seed)
    chosen = []
    for label in range(len(FASHION_MNIST_CLASSES)):
        positions = np.flatnonzero(labels == label)
        if len(positions) < per_class:
            raise ValueError(
                f"make_subset: class {label} has {len(positions)} images, {per_class} are to be chosen. "
                "Give the whole data set as --source."
            )
        chosen.append(rng.permutation(positions)[:per_class])
    return np.sort(np.concatenate(chosen))


def make_subset(source: str | PathLike[str], out: str | PathLike[str]) -> list[Path]:
    """Write the four files of the subset of `source` into the folder `out`, which is made if missing.

    Raises:
        FileNotFoundError: one of the source's four files is missing.
        ValueError: a source file is damaged, or a class has too few images.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    written = []
    parts = load_idx(source, FASHION_MNIST_CLASSES)
    for (part, per_class), full in zip(PER_CLASS.items(), parts, strict=True):
        chosen = choose(full.labels, per_class)
        images, labels = full.images[chosen, 0], full.labels[chosen].astype(np.uint8)
        for name, array in ((f"{part}-images-idx3-ubyte.gz", images), (f"{part}-labels-idx1-ubyte.gz", labels)):
            _write_idx(out / name, array)
            written.append(out / name)
    return written


def _write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 0x08, array.ndim, *array.shape)
    # No file name and no time in the gzip header: the same entries give the same bytes.
    with replacing(path) as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(header + array.tobytes())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and print the sha256 of each file written, as sha256sum does."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_cv.data.make_subset", description="Make the shipped subset."
    )
    parser.add_argument("--source", type=Path, default=SOURCE, help="folder of the whole set (default %(default)s)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the four files into")
    options = parser.parse_args(arguments)
    for path in make_subset(options.source, options.out):
        print(hashlib.sha256(path.read_bytes()).hexdigest(), path, sep="  ")


if __name__ == "__main__":
    main()
