"""``train --data`` and ``evaluate --data`` with each format; the files are made by the formats' own libraries."""

import argparse
from pathlib import Path

import numpy as np
import pytest

from tinygrad_cv.__main__ import main
from tinygrad_cv.commands import datasets, train_options
from tinygrad_cv.commands.batches import batches
from tinygrad_cv.commands.options import UsageError
from tinygrad_cv.data.datasets import FASHION_MNIST_FOLDER
from tinygrad_cv.models.catalog import Entry

Image = pytest.importorskip("PIL.Image")
TRAIN = ("--epochs", "1", "--batch-size", "4", "--no-jit")
rng = np.random.default_rng(0)


def images_by_class(root, sizes=((12, 10),)):
    for part in ("train", "val"):
        for label, name in enumerate(("cat", "dog")):
            (root / part / name).mkdir(parents=True)
            for n in range(4):
                h, w = sizes[n % len(sizes)]
                pixels = rng.integers(120 * label, 120 * label + 100, (h, w, 3), np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{n}.png")
    return root


def arrays(root):
    x, y = rng.integers(0, 256, (8, 8, 8), np.uint8), np.arange(8) % 2
    np.savez(root / "set.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    return root / "set.npz"


def test_train_and_evaluate_on_images_by_class(tmp_path, capsys):
    root, out = images_by_class(tmp_path / "pets", ((12, 10), (9, 20))), str(tmp_path / "run")
    data = ["--data", str(root)]
    assert main(["train", *data, "--image-size", "8", *TRAIN, "--out", out]) == 0
    assert "8 training and 8 test images of 3 x 8 x 8, 2 classes" in capsys.readouterr().out
    assert main(["evaluate", out, *data]) == 0
    assert "of 8 images" in capsys.readouterr().out
    assert f'data = "{root}"' in (tmp_path / "run" / "config.toml").read_text()


def test_train_on_arrays(tmp_path, capsys):
    assert main(["train", "--data", str(arrays(tmp_path)), *TRAIN, "--out", str(tmp_path / "run")]) == 0
    assert "8 test images of 1 x 8 x 8, 2 classes" in capsys.readouterr().out


def options(*words):
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    return parser.parse_args(list(map(str, words)))


def read(*words, classes=None, channels=None):
    """The data set of the options of train, and its batches."""
    given = options(*words)
    parts = datasets.load(given, classes, channels)
    return parts, batches(given, parts, Entry(None, channels, None, None, "classification", 2))


@pytest.mark.any_python
def test_a_name_is_located_and_stays_a_name(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "fashion-mnist").symlink_to(FASHION_MNIST_FOLDER)
    monkeypatch.setenv("TGCV_DATA", str(tmp_path / "own"))
    monkeypatch.chdir(tmp_path)
    found = datasets.load(options("--data", "fashion-mnist"), None, None)
    assert len(found.train) == 5000 and found.test.classes[9] == "Ankle boot" and found.train.augment
    assert datasets.place_of(Path("fashion-mnist")) == Path("fashion-mnist")
    (tmp_path / "fashion-mnist").mkdir()  # now it is a path
    assert datasets.place_of(Path("fashion-mnist")) == tmp_path / "fashion-mnist"
    with pytest.raises(UsageError, match=r"--data: load_idx: fashion-mnist has neither"):
        datasets.load(options("--data", "fashion-mnist"), None, None)


@pytest.mark.any_python
def test_images_by_class_are_grey_for_networks_of_one_channel(tmp_path):
    root = images_by_class(tmp_path)
    assert read("--data", root, channels=1)[1].prepare.shape == (1, 12, 10)
    parts, found = read("--data", root)
    assert found.in_memory and found.prepare.shape == (3, 12, 10) and found.labels.tolist() == [0] * 4 + [1] * 4
    with Image.open(root / "train" / "dog" / "2.png") as image:
        pixels = np.array(image).transpose(2, 0, 1)
    np.testing.assert_array_equal(parts.train[6][0], pixels)
    np.testing.assert_array_equal(found.train.dataset[6][0], found.prepare(pixels[None])[0])


@pytest.mark.any_python
@pytest.mark.parametrize(
    "words, classes, message",
    [
        (["--format", "idx"], None, "--format is for --data"),
        ([], ["a", "b"], "--classes is for --data"),
        (["--data", "PETS"], None, r"1\.png is 20 x 9 pixels, and others are 10 x 12; .*Give --image-size"),
        (["--data", "PETS", "--format", "svhn"], None, r"there is no file .*train_32x32\.mat"),
        (["--data", "PETS", "--image-size", "8"], ["a", "b"], "has classes of its own, cat, dog .* not a, b"),
        (["--data", "ARRAYS", "--image-size", "8"], None, r"--image-size is for image files; .*set\.npz have one size"),
        (["--data", "ARRAYS", "--mixup", "1", "--cutmix", "1"], None, "--mixup and --cutmix both mix .* one of them"),
        (["--data", "PETS", "--workers", "0"], None, "--image-size must be given where image files are read as"),
        (["--data", "PETS", "--augment", "color"], None, "--image-size must be given where image files are read as"),
        (["--data", "ARRAYS"], ["a"], "has the label 1 of image 1; it must be from 0 to 0"),
    ],
)
def test_options_that_do_not_fit(tmp_path, words, classes, message):
    places = {"PETS": images_by_class(tmp_path / "pets", ((12, 10), (9, 20))), "ARRAYS": arrays(tmp_path)}
    with pytest.raises(UsageError, match=message):
        read(*(places.get(word, word) for word in words), classes=classes)


@pytest.mark.any_python
def test_evaluation_sees_the_middle_of_more_where_training_cuts_at_random(tmp_path):
    root = images_by_class(tmp_path / "pets", ((40, 30), (30, 52)))
    size = "--data", root, "--image-size", 28, "--workers", 0
    assert read(*size, "--augment", "flip")[1].prepare.resize == 28
    parts, found = read(*size, "--augment", "crop", "flip")
    assert found.prepare.resize == 32 and found.prepare.shape == (3, 28, 28) and found.train.num_workers == 0
    seen = np.stack([found.test.dataset[n][0] for n in range(8)])
    for n in (0, 3):
        expected = found.prepare(found.prepare.resized(parts.test[n][0])[None])[0]
        np.testing.assert_array_equal(seen[n], expected)
    trained = np.stack([found.prepare(found.prepare.resized(parts.train[n][0])[None])[0] for n in range(8)])
    assert trained.mean() == pytest.approx(0, abs=1e-3) and trained.std() == pytest.approx(1, abs=1e-3)


@pytest.mark.any_python
def test_of_a_set_without_parts_every_fifth_image_of_a_class_is_for_the_test(tmp_path):
    root = tmp_path / "photos"
    for name, n in (("cat", 11), ("dog", 3)):
        (root / name).mkdir(parents=True)
        for i in range(n):
            Image.new("RGB", (8, 8), (i, 0, 0)).save(root / name / f"{i:02}.jpg")
    rows = sorted(path.relative_to(tmp_path) for path in root.rglob("*.jpg"))
    (tmp_path / "all.csv").write_text("path,label\n" + "".join(f"{path},{path.parent.name}\n" for path in rows))
    for data in (root, tmp_path / "all.csv"):
        train, test = datasets.load(options("--data", data), None, None)
        names = [[str(Path(path).relative_to(root)) for path, _ in part.samples] for part in (train, test)]
        assert names[1] == ["cat/04.jpg", "cat/09.jpg", "dog/02.jpg"] and len(train) == 11
        assert sorted(names[0] + names[1]) == [f"{path.parent.name}/{path.name}" for path in rows]
        assert list(test.classes) == ["cat", "dog"] and test.targets == [0, 0, 1] == datasets.labels(test).tolist()
    (root / "emu").mkdir()
    Image.new("RGB", (8, 8)).save(root / "emu" / "1.png")
    with pytest.raises(UsageError, match="class 'emu' has 1 image; one of each class is kept for the test"):
        datasets.load(options("--data", root), None, None)


@pytest.mark.any_python
def test_parts_of_other_classes(tmp_path):
    root = images_by_class(tmp_path)
    (root / "val" / "dog").rename(root / "val" / "emu")
    with pytest.raises(UsageError, match="train and val have other classes: dog, emu in one only"):
        datasets.load(options("--data", root), None, None)
