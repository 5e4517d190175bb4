"""The script that made the shipped subset."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from tinygrad_cv.data import fashion_mnist, load_idx
from tinygrad_cv.data.datasets import FASHION_MNIST_FOLDER
from tinygrad_cv.data.make_subset import SOURCE, choose, main, make_subset


@pytest.fixture
def source(tmp_path):
    """12,000 images of 1 x 2, each with its own position in it; the labels go round."""
    folder = tmp_path / "source"
    folder.mkdir()
    positions = np.arange(12000, dtype=">u2")
    for part in ("train", "t10k"):
        images = struct.pack(">BBBB3I", 0, 0, 8, 3, 12000, 1, 2) + positions.tobytes()
        labels = struct.pack(">BBBBI", 0, 0, 8, 1, 12000) + (positions % 10).astype(np.uint8).tobytes()
        (folder / f"{part}-images-idx3-ubyte").write_bytes(images)
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(labels)
    return folder


@pytest.mark.any_python
def test_choice_is_balanced_ascending_and_fixed():
    labels = np.tile(np.arange(10), 7)
    chosen = choose(labels, 3)
    assert np.bincount(labels[chosen]).tolist() == [3] * 10
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, choose(labels, 3))
    assert chosen.tolist() != choose(labels, 3, seed=1).tolist()


@pytest.mark.any_python
def test_too_few_images():
    with pytest.raises(ValueError, match=r"class 9 has 2 images, 3 are to be chosen.*whole data set"):
        choose(np.arange(29) % 10, 3)


@pytest.mark.any_python
def test_subset_of_a_made_up_source(source, tmp_path):
    written = make_subset(source, tmp_path / "out")
    assert sorted(path.name for path in written) == sorted(path.name for path in FASHION_MNIST_FOLDER.glob("*.gz"))
    for part, count in zip(load_idx(tmp_path / "out"), (5000, 1000), strict=True):
        positions = part.images.reshape(-1, 2) @ np.array([256, 1])
        assert len(part) == count and (np.diff(positions) > 0).all()
        np.testing.assert_array_equal(part.labels, positions % 10)


@pytest.mark.any_python
def test_same_bytes_each_time_and_printed_sums(source, tmp_path, capsys):
    for name in ("one", "two"):
        main(["--source", str(source), "--out", str(tmp_path / name)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    for one, two in zip(lines[:4], lines[4:], strict=True):
        sha256, path = one.split("  ")
        with open(path, "rb") as file:
            assert hashlib.sha256(file.read()).hexdigest() == sha256 == two.split("  ")[0]


@pytest.mark.skipif(not SOURCE.is_dir(), reason=f"needs {SOURCE} (Debian: apt install dataset-fashion-mnist)")
def test_the_shipped_subset_is_what_the_script_makes(tmp_path):
    for path in make_subset(SOURCE, tmp_path):
        assert gzip.decompress(path.read_bytes()) == gzip.decompress((FASHION_MNIST_FOLDER / path.name).read_bytes())
        assert path.read_bytes()[:10] == (FASHION_MNIST_FOLDER / path.name).read_bytes()[:10]


@pytest.mark.skipif(not SOURCE.is_dir(), reason=f"needs {SOURCE} (Debian: apt install dataset-fashion-mnist)")
def test_each_part_comes_from_its_own_source_part():
    for part, full in zip(fashion_mnist(), load_idx(SOURCE), strict=True):
        labels = {image.tobytes(): label for image, label in zip(full.images, full.labels, strict=True)}
        assert len(labels) == len(full)
        assert all(labels[image.tobytes()] == label for image, label in zip(part.images, part.labels, strict=True))
