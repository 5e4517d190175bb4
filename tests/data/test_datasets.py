"""The shipped subset, and folders of four IDX files."""

import gzip
import hashlib
import re
import struct

import numpy as np
import pytest

from tinygrad_cv import data
from tinygrad_cv.data.datasets import FASHION_MNIST_FOLDER

pytestmark = pytest.mark.any_python

FILES = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]


@pytest.fixture(scope="module")
def subset():
    return data.fashion_mnist()


@pytest.mark.parametrize("name", FILES)
def test_shipped_files_are_those_of_the_readme(name):
    readme = (FASHION_MNIST_FOLDER / "README.md").read_text(encoding="utf-8").split("| source file")[0]
    size, sha256 = re.search(rf"\| {name}\.gz \| (\d+) \| ([0-9a-f]{{64}}) \|", readme).groups()
    content = (FASHION_MNIST_FOLDER / f"{name}.gz").read_bytes()
    assert len(content) == int(size) and hashlib.sha256(content).hexdigest() == sha256


def test_licence_is_shipped():
    licence = (FASHION_MNIST_FOLDER / "LICENSE").read_text(encoding="utf-8")
    assert "Copyright (c) 2017 Zalando SE" in licence and "WITHOUT WARRANTY OF ANY KIND" in licence


@pytest.mark.parametrize("part, per_class", [("train", 500), ("test", 100)])
def test_subset_is_balanced(subset, part, per_class):
    found = getattr(subset, part)
    assert found.images.shape == (10 * per_class, 1, 28, 28) and found.images.dtype == np.uint8
    assert found.labels.dtype == np.int64 and len(found) == 10 * per_class
    assert np.bincount(found.labels).tolist() == [per_class] * 10
    assert found.classes == data.FASHION_MNIST_CLASSES and len(found.classes) == 10


def test_classes_are_mixed_along_the_file(subset):
    for part in subset:
        assert set(part.labels[:100]) == set(range(10))


def test_no_image_occurs_twice(subset):
    train, test = ({image.tobytes() for image in part.images} for part in subset)
    assert (len(train), len(test), len(train & test)) == (5000, 1000, 0)


def test_no_test_image_is_nearly_a_training_image(subset):
    train, test = (part.images.reshape(len(part), -1).astype(np.float64) for part in subset)
    squared = (test**2).sum(1)[:, None] + (train**2).sum(1) - 2 * test @ train.T
    assert round(np.sqrt(squared.min() / 784), 1) == 15.1  # the README says so


def idx(array, code=8):
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path):
    images, labels = np.arange(24, dtype=np.uint8).reshape(2, 3, 4), np.array([1, 9], np.uint8)
    for name in FILES:
        (tmp_path / name).write_bytes(idx(images if "images" in name else labels))
    return tmp_path


def test_load_idx(folder):
    packed = folder / "t10k-images-idx3-ubyte"
    (folder / f"{packed.name}.gz").write_bytes(gzip.compress(packed.read_bytes()))
    packed.unlink()
    for part in data.load_idx(str(folder)):
        assert part.images.shape == (2, 1, 3, 4) and part.images.ravel().tolist() == list(range(24))
        assert part.labels.tolist() == [0, 1] and part.classes == ("1", "9")
        assert repr(part) == "LabelledImages(2 x 1 x 3 x 4 uint8, 2 classes)"


def test_load_idx_with_channels_and_own_classes(folder):
    names = [f"class {i}" for i in range(12)]
    for name in FILES[::2]:
        (folder / name).write_bytes(idx(np.zeros((2, 3, 4, 5), np.uint8)))
    (folder / FILES[1]).write_bytes(idx(np.array([0, 11], np.uint8)))
    train, _ = data.load_idx(folder, names)
    assert train.images.shape == (2, 3, 4, 5) and train.classes == tuple(names)


def test_missing_folder_and_file(folder):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere.*four IDX files"):
        data.load_idx(folder / "nowhere")
    (folder / FILES[3]).unlink()
    with pytest.raises(FileNotFoundError, match=rf"neither {FILES[3]} nor {FILES[3]}\.gz.*add the missing one"):
        data.load_idx(folder)


@pytest.mark.parametrize(
    "name, array, code, message",
    [
        (FILES[0], np.zeros((2, 3), np.uint8), 8, r"train-images.* has dimensions \(2, 3\).*must be N x H x W"),
        (FILES[1], np.zeros((2, 1), np.uint8), 8, r"train-labels.* has dimensions \(2, 1\).*whole numbers"),
        (FILES[1], np.zeros(2, ">f4"), 0x0D, r"train-labels.* type float32.*whole numbers"),
        (FILES[3], np.zeros(3, np.uint8), 8, r"t10k-images.* has 2 images but .*t10k-labels.* has 3 labels"),
        (FILES[3], np.array([4, 10], np.uint8), 8, r"t10k-labels.* label 10, but .* 10 classes.*from 0 to 9"),
        (FILES[3], np.array([4, -1], np.int8), 9, r"t10k-labels.* label -1, but"),
    ],
)
def test_wrong_files(folder, name, array, code, message):
    (folder / name).write_bytes(idx(array, code))
    with pytest.raises(ValueError, match=message):
        data.load_idx(folder, data.DIGITS)


def test_images_that_lie_on_their_sides(folder):
    upright = data.load_idx(folder, transpose=True).train.images
    np.testing.assert_array_equal(upright, np.arange(24).reshape(2, 1, 3, 4).transpose(0, 1, 3, 2))
    assert upright.flags.c_contiguous


def test_columns_of_wide_labels(folder):
    with pytest.raises(ValueError, match=r"label_column is 2, but .*train-labels.* only QMNIST's labels"):
        data.load_idx(folder, label_column=2)
    wide = np.arange(16, dtype=">i4").reshape(2, 8)
    for name in FILES[1::2]:
        (folder / name).write_bytes(idx(wide, 0x0C))
    assert data.load_idx(folder).train.classes == ("0", "8")
    assert data.load_idx(folder, label_column=2).train.classes == ("2", "10")
    with pytest.raises(ValueError, match=r"label_column is 8; .* has the columns 0 to 7"):
        data.load_idx(folder, label_column=8)
