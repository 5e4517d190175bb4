"""Where a data set is looked for, and in which format."""

import importlib
import re

import pytest

from tinygrad_cv import data
from tinygrad_cv.data.datasets import FASHION_MNIST_FOLDER
from tinygrad_cv.data.readers.detect import FORMATS, detect

module = importlib.import_module("tinygrad_cv.data.readers.locate")  # the function has the name
pytestmark = pytest.mark.any_python


def test_the_order_of_places(tmp_path, monkeypatch):
    given, own, debian = (tmp_path / name for name in ("given", "own", "debian"))
    for place in (given, own / "fashion-mnist", debian / "fashion-mnist"):
        place.mkdir(parents=True)
    monkeypatch.setattr(module, "DEBIAN", debian)
    monkeypatch.setenv("TGCV_DATA", str(own))
    assert data.locate("fashion-mnist", given) == given
    assert data.locate("fashion-mnist") == own / "fashion-mnist"
    (own / "fashion-mnist").rmdir()
    assert data.locate("fashion-mnist") == debian / "fashion-mnist"
    monkeypatch.delenv("TGCV_DATA")
    assert data.locate("fashion-mnist") == debian / "fashion-mnist"
    (debian / "fashion-mnist").rmdir()
    assert data.locate("fashion-mnist") == FASHION_MNIST_FOLDER


def test_what_is_nowhere(tmp_path, monkeypatch):
    monkeypatch.setenv("TGCV_DATA", str(tmp_path))
    with pytest.raises(
        FileNotFoundError, match=rf"no data set faces\. Looked for: {tmp_path}/faces, .*Nothing is downl"
    ):
        data.locate("faces")
    with pytest.raises(FileNotFoundError, match=r"no file or folder .*nowhere"):
        data.locate("fashion-mnist", tmp_path / "nowhere")
    for name in ("../faces", "a/b", 3):
        with pytest.raises(ValueError, match=rf"locate: name is {re.escape(repr(name))}; it must be a name"):
            data.locate(name)


LAYOUTS = {
    "cifar10": ["cifar-10-batches-py/data_batch_1"],
    "cifar100": ["train", "test", "meta"],
    "svhn": ["train_32x32.mat", "test_32x32.mat"],
    "stl10": ["stl10_binary/train_X.bin"],
    "arrays": ["x_train.npy", "y_train.npy"],
    "folder": ["train/cat/1.png", "val/cat/2.png"],
    "table": ["train.csv", "val.csv", "photos/1.png"],
    "hdf5": ["camelyonpatch_level_2_split_train_x.h5"],
    "voc": ["JPEGImages/1.jpg", "ImageSets/Segmentation/train.txt"],
    "coco": ["train2017/1.jpg", "annotations/instances_train2017.json"],
    "masks": ["train/images/1.jpg", "train/masks/1.png", "val/images/1.jpg"],
    "idx": ["train-images-idx3-ubyte"],
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_formats_show_in_names(tmp_path, kind):
    for name in LAYOUTS[kind]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert detect(tmp_path) == kind and sorted(LAYOUTS) == sorted(FORMATS)


def test_several_formats_in_one_folder(tmp_path):
    for name in ("train_32x32.mat", "data_batch_1"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"holds data of several formats, cifar10, svhn\. Say which"):
        detect(tmp_path)
    for name, kind in (("set.npz", "arrays"), ("list.CSV", "table"), ("set.gz", "idx")):
        (tmp_path / name).touch()
        assert detect(tmp_path / name) == kind


def test_folders_of_images_without_parts(tmp_path):
    for name in ("cat/notes.txt", "dog/1.JPEG"):
        assert detect(tmp_path) == "idx"
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert detect(tmp_path) == "folder"
    (tmp_path / "train-images.idx3-ubyte").touch()  # beside which a run has left pictures
    assert detect(tmp_path) == "idx"
