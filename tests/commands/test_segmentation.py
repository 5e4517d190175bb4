"""``train``, ``evaluate`` and ``predict`` on masks."""

import argparse
import json

import numpy as np
import pytest

from tinygrad_cv import models
from tinygrad_cv.__main__ import main
from tinygrad_cv.commands import batches, datasets, tasks, train_options
from tinygrad_cv.commands.options import UsageError
from tinygrad_cv.data.randomness import sampling
from tinygrad_cv.training.pictures import save_mask

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")
SMALL = ["--model", "unet", "--model-args", "width=4", "depth=2", "--image-size", "16", "--no-jit"]


def scene(rng):
    """An image with a green and a blue square, and the mask of them; the lowest rows are of no class."""
    h, w = rng.integers(20, 30, 2)
    image, mask = rng.integers(60, 140, (h, w, 3)).astype(np.uint8), np.zeros((h, w), np.uint8)
    for label in (1, 2):
        y, x = rng.integers(0, [h - 12, w - 12])
        image[y : y + 9, x : x + 9, label] = 250
        mask[y : y + 9, x : x + 9] = label
    mask[-3:] = 255
    return image, mask


@pytest.fixture
def scenes(tmp_path):
    rng = np.random.default_rng(0)
    for part, n in (("train", 16), ("val", 4)):
        for i in range(n):
            for kind, pixels in zip(("images", "masks"), scene(rng), strict=True):
                (tmp_path / "scenes" / part / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(tmp_path / "scenes" / part / kind / f"{i}.png")
    return tmp_path / "scenes"


def test_masks_are_learned_measured_and_predicted(scenes, tmp_path, capsys):
    out, data = str(tmp_path / "run"), ["--data", str(scenes), "--classes", "sky", "leaf", "pond"]
    options = ["--augment", "flip", "rotate", "--epochs", "8", "--batch-size", "4", "--workers", "0"]
    assert main(["train", *SMALL, *data, *options, "--lr", "0.1", "--out", out]) == 0
    printed = capsys.readouterr().out
    assert "16 training and 4 test images of 3 x 16 x 16, 3 classes" in printed
    score = float(printed.split("test mean IoU ")[1].split(" %")[0])
    assert score > 60
    model = models.load(out)
    counts = np.zeros((3, 3), int)
    for path in sorted((scenes / "val" / "images").iterdir()):
        seen = model.prepare.read(path)
        with Image.open(scenes / "val" / "masks" / path.name) as image:  # as the image goes, by nearest pixels
            w, h = image.size
            scaled = image.resize((16 * w // min(w, h), 16 * h // min(w, h)), Image.Resampling.NEAREST)
            left, top = (round((side - 16) / 2) for side in scaled.size)
            mask = np.array(scaled.crop((left, top, left + 16, top + 16)))
        found = model(model.prepare(seen[None])).numpy()[0].argmax(0)
        for true, guess in zip(mask[mask != 255], found[mask != 255], strict=True):
            counts[true, guess] += 1
    each = [counts[k, k] / (counts[k].sum() + counts[:, k].sum() - counts[k, k]) for k in range(3)]
    assert 100 * np.mean(each) == pytest.approx(score, abs=0.006)
    assert main(["evaluate", out, "--data", str(scenes)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["class", "pixels", "recall", "%", "precision", "%", "IoU", "%"]
    for line, name, row, share in zip(printed[1:], ("sky", "leaf", "pond"), counts, each, strict=False):
        assert line.split()[:2] == [name, str(row.sum())] and float(line.split()[-1]) == pytest.approx(
            100 * share, abs=0.06
        )
    assert printed[-1].endswith(f"mean IoU {score:.2f} % of {counts.sum():,} pixels")
    assert main(["predict", out, str(scenes / "val" / "images" / "1.png")]) == 0
    printed = capsys.readouterr().out
    assert "sky" in printed and (tmp_path / "run" / "predictions" / "1.png").exists()
    with pytest.raises(SystemExit):
        main(["predict", out, str(scenes / "val" / "images" / "1.png"), "--class", "leaf"])
    assert "--class is for networks that give scores" in capsys.readouterr().err


def read(*words, classes=None):
    parser = argparse.ArgumentParser()
    train_options.add_arguments(parser)
    given = parser.parse_args(list(map(str, words)))
    parts = datasets.load(given, classes, 3)
    return batches.batches(given, parts, models.catalog.MODELS[given.model])


@pytest.mark.any_python
def test_images_and_masks_move_alike_and_what_comes_from_beyond_the_border_is_no_class(scenes):
    names = [name for name in batches.SINGLY if name != "erasing"]
    found = read(*SMALL, "--data", scenes, "--augment", *names, classes=["3"])
    change = batches.augmentation(["rotate", "flip"], found.prepare)
    white, mask = np.full((3, 16, 16), 255, np.uint8), np.ones((16, 16), np.uint8)
    for index in range(5):
        with sampling(0, 0, index):
            image, moved = change(white, mask)
        black = found.prepare.shown(image).max(0) < 0.2
        assert moved.dtype == np.int64 and set(np.unique(moved)) <= {1, 255}
        assert (moved[black] == 255).all() and (moved == 1).sum() > 150
    images, masks = next(iter(found.train))
    assert images.shape == (16, 3, 16, 16) and masks.shape == (16, 16, 16) and masks.dtype == np.int64


@pytest.mark.any_python
def test_masks_of_voc_and_of_coco(tmp_path):
    voc, coco = tmp_path / "voc", tmp_path / "coco"
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (voc / folder).mkdir(parents=True)
    (coco / "annotations").mkdir(parents=True)
    for n, part in enumerate(("train", "val")):
        Image.new("RGB", (20, 18)).save(voc / "JPEGImages" / f"{n}.jpg")
        Image.fromarray(np.full((18, 20), 15, np.uint8)).save(voc / "SegmentationClass" / f"{n}.png")
        (voc / "ImageSets" / "Segmentation" / f"{part}.txt").write_text(f"{n}\n")
        (coco / f"{part}2017").mkdir()
        Image.new("RGB", (20, 18)).save(coco / f"{part}2017" / f"{n}.jpg")
        corners = {"image_id": 1, "category_id": 7, "segmentation": [[0, 0, 20, 0, 20, 18, 0, 18]]}
        about = {"images": [{"id": 1, "file_name": f"{n}.jpg", "height": 18, "width": 20}], "annotations": [corners]}
        about["categories"] = [{"id": 7, "name": "owl"}]
        (coco / "annotations" / f"instances_{part}2017.json").write_text(json.dumps(about))
    for root, label in ((voc, 15), (coco, 1)):
        for loader in (found := read(*SMALL, "--data", root)).train, found.test:
            ((_, masks),) = loader
            assert masks.shape == (1, 16, 16) and (masks == label).all()


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--image-size", "8"],
            "--model convnet is for classification, and .*scenes has masks; take one of models.list",
        ),
        ([*SMALL, "--mixup", "1"], "--mixup is for labels of images, not for masks"),
        ([*SMALL, "--class-weights", "balanced"], "--class-weights is for labels of images, not for masks"),
        (SMALL[:5], "--image-size must be given where image files are read as they are asked for"),
    ],
)
def test_options_that_do_not_fit(words, message, scenes):
    with pytest.raises(UsageError, match=message):
        read(*words, "--data", scenes, classes=["sky", "leaf", "pond"])
    with pytest.raises(UsageError, match=r"has masks without names\. Give the names of all classes, or their number"):
        read(*words, "--data", scenes)


@pytest.mark.any_python
def test_arguments_of_the_network_are_checked(scenes, tmp_path, capsys):
    for word, message in (
        ("widht=4", "--model-args: 'widht=4' is no argument of unet; it has width"),
        ("width", "--model-args: 'width' is no argument of unet"),
        ("depth=99", "--model-args: unet: UNet: depth=99; it must be at most 16"),
    ):
        options = [
            "--model",
            "unet",
            "--model-args",
            word,
            "--image-size",
            "16",
            "--data",
            str(scenes),
            "--classes",
            "3",
        ]
        with pytest.raises(SystemExit):
            main(["train", *options, "--out", str(tmp_path / "run")])
        err = capsys.readouterr().err
        assert message in err and err.count("\n") == 1 and not (tmp_path / "run").exists()


@pytest.mark.any_python
def test_overlap_is_the_intersection_over_the_union():
    counts = np.array([[3, 1, 0], [2, 4, 0], [0, 0, 0]])
    np.testing.assert_allclose(tasks.overlap(counts), [3 / 6, 4 / 7, np.nan])
    assert tasks.TASKS["segmentation"].score(counts) == pytest.approx((3 / 6 + 4 / 7) / 2)


@pytest.mark.any_python
def test_the_picture_of_a_mask_shows_its_classes(tmp_path):
    mask = np.zeros((8, 8), int)
    mask[:, 4:] = 1
    save_mask(np.zeros((1, 8, 8), np.float32), mask, ["a $", "b", "c"], tmp_path / "mask.png", "title")
    with Image.open(tmp_path / "mask.png") as image:
        pixels = np.array(image.convert("RGB")).astype(int)
    blue, orange = (np.abs(pixels - np.array(c) * 0.6).sum(-1) < 12 for c in ((31, 119, 180), (255, 127, 14)))
    assert (
        blue.sum() == pytest.approx(orange.sum(), rel=0.1) and np.nonzero(blue)[1].max() <= np.nonzero(orange)[1].min()
    )
