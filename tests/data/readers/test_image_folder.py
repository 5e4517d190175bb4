"""Folders of classes, laid out as torchvision's; classes, labels and order are written out here."""

import os
import re

import numpy as np
import pytest

from tinygrad_cv.data import DataLoader, DatasetFolder, ImageFolder

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.any_python

PATHS = ["cat/10.png", "cat/9.PNG", "cat/b/1.jpg", "cat/a/2.webp", "dog/x.bmp", "ant/0.tiff"]
ORDER = [
    ("ant/0.tiff", 0),
    ("cat/10.png", 1),
    ("cat/9.PNG", 1),
    ("cat/a/2.webp", 1),
    ("cat/b/1.jpg", 1),
    ("dog/x.bmp", 2),
]


@pytest.fixture
def root(tmp_path):
    for level, name in enumerate(PATHS):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 3), (level,) * 3).save(path)
    (tmp_path / "cat" / "notes.txt").write_text("no image")
    (tmp_path / "readme.md").write_text("no class")
    return tmp_path


def relative(root, samples):
    return [(os.path.relpath(path, root), label) for path, label in samples]


def test_classes_and_samples(root):
    images = ImageFolder(root)
    assert images.classes == ["ant", "cat", "dog"]
    assert images.class_to_idx == {"ant": 0, "cat": 1, "dog": 2}
    assert relative(root, images.samples) == ORDER and images.imgs is images.samples
    assert images.targets == [label for _, label in ORDER] and len(images) == 6


def test_samples_are_the_pictures(root):
    for (image, label), (name, expected) in zip(ImageFolder(root), ORDER, strict=True):
        assert image.shape == (3, 3, 4) and image.dtype == np.uint8 and label == expected
        assert abs(int(image.max()) - PATHS.index(name)) <= 1  # JPEG and WebP lose a little
    assert ImageFolder(root, mode="L")[0][0].shape == (1, 3, 4)


def test_transforms_and_loader(root):
    images = ImageFolder(root, lambda x: x + 1, lambda y: -y, loader=lambda path: len(os.path.basename(path)))
    assert [images[i] for i in (0, -1)] == [(7, 0), (6, -2)]


def test_a_loader_of_batches_takes_them(root):
    ((images, labels),) = DataLoader(ImageFolder(root), 6)
    assert images.shape == (6, 3, 3, 4) and labels.tolist() == [0, 1, 1, 1, 1, 2]


def test_which_files_are_valid(root):
    found = ImageFolder(root, is_valid_file=lambda path: path.endswith((".txt", ".bmp", ".tiff")))
    assert relative(root, found.samples) == [("ant/0.tiff", 0), ("cat/notes.txt", 1), ("dog/x.bmp", 2)]
    texts = DatasetFolder(root, str, ".txt", allow_empty=True)
    assert relative(root, texts.samples) == [("cat/notes.txt", 1)] and len(texts.classes) == 3
    for extensions, valid in ((None, None), (".txt", bool)):
        with pytest.raises(ValueError, match=r"DatasetFolder: extensions are .*give one of them"):
            DatasetFolder(root, str, extensions, is_valid_file=valid)


def test_an_empty_class(root):
    (root / "bee").mkdir()
    with pytest.raises(
        FileNotFoundError, match=rf"ImageFolder: there is no file ending in \.jpg, .* in {root / 'bee'}\."
    ):
        ImageFolder(root)
    images = ImageFolder(root, allow_empty=True)
    assert images.classes == ["ant", "bee", "cat", "dog"] and set(images.targets) == {0, 2, 3}


def test_no_classes(root):
    with pytest.raises(FileNotFoundError, match=rf"there is no folder of a class in {root / 'dog'}\. Give a folder"):
        ImageFolder(root / "dog")
    with pytest.raises(FileNotFoundError, match=r"there is no folder .*elsewhere"):
        ImageFolder(root / "elsewhere")
    with pytest.raises(ValueError, match=r"readme\.md is a file, and should be a folder"):
        ImageFolder(root / "readme.md")


def test_links_are_followed_once(root):
    (root / "emu").symlink_to(root / "dog")
    (root / "dog" / "more").symlink_to(root / "cat" / "a")
    assert relative(root, ImageFolder(root).samples)[-4:] == [
        ("dog/x.bmp", 2),
        ("dog/more/2.webp", 2),
        ("emu/x.bmp", 3),
        ("emu/more/2.webp", 3),
    ]


@pytest.mark.parametrize("target", [".", "..", "../.."])
def test_a_loop_of_links(root, target):
    (root / "cat" / "a" / "loop").symlink_to(target)
    with pytest.raises(ValueError, match=r"cat/a/loop.* is a link to a folder that it is in, .*Remove the link\."):
        ImageFolder(root)


def test_a_link_to_nowhere(root):
    (root / "cat" / "gone.png").symlink_to("nothing.png")
    with pytest.raises(ValueError, match=r"gone\.png is a link that leads nowhere"):
        ImageFolder(root)


def test_a_damaged_image_is_named(root):
    path = root / "dog" / "x.bmp"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=rf"ImageReader: {re.escape(str(path))} is damaged or truncated"):
        ImageFolder(root)[5]


def test_a_class_may_find_classes_otherwise(root):
    class Pets(ImageFolder):
        def find_classes(self, directory):
            return ["dog", "cat"], {"dog": 0, "cat": 1}

    assert [label for _, label in Pets(root).samples] == [1, 1, 1, 1, 0]
