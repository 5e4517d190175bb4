"""COCO's and Pascal VOC's masks; polygons and run lengths beside what pycocotools 2.0.11 gave for them, once."""

import json
import re

import numpy as np
import pytest

from tinygrad_cv import data
from tinygrad_cv.data.readers.coco import pixels

Image = pytest.importorskip("PIL.Image")
pytestmark = pytest.mark.any_python

RECORDED = [  # a polygon; pycocotools' run lengths for it; its mask
    (
        [9.0, 11.9, 8.4, 0.6, 4.7, 8.2],
        "S2283L4M",
        [
            "00000000",
            "00000000",
            "00000001",
            "00000001",
            "00000001",
            "00000011",
            "00000011",
            "00000111",
            "00000111",
            "00000011",
            "00000001",
            "00000000",
        ],
    ),
    (
        [-1.1, 36.2, 2.5, 26.7, 9.5, 0.2, 36.1, 26.9],
        "e234?MH",
        [
            "00000000010",
            "00000000011",
            "00000000011",
            "00000000011",
            "00000000111",
            "00000000111",
            "00000000111",
            "00000000111",
            "00000001111",
            "00000001111",
            "00000001111",
        ],
    ),
    (
        [33.1, -1.3, 15.9, 36.8, 5.9, 37.6, -1.6, 3.5, 32.6, 6.1, 1.0, 22.1, 15.2, 9.2, -2.9, -3.4],
        "474001O1O00N",
        ["000111", "000011", "000000", "000000", "111111", "111111", "111111", "111111", "111111", "111111", "111111"],
    ),
    (
        [32.21, 3.31, 40.37, 3.73, -0.99, 20.25, 27.68, -0.59, -1.27, 4.21, 31.26, 26.82, 36.33, 8.83],
        "4191O1N101O1O001O0O100",
        [
            "00000000000",
            "00000000000",
            "00000000011",
            "00011111111",
            "11111111111",
            "01111111111",
            "00111111111",
            "00001111111",
            "00000111111",
            "00000001111",
        ],
    ),
    (
        [44.0, 29.0, -3.0, -3.0, -2.0, 35.0, 21.0, 44.0, -3.0, 40.0],
        "0d01E001O1O00",
        ["1100000", "1111000", "1111100", "1111111", "1111111", "1111111", "1111111", "1111111", "1111111", "1111111"],
    ),
    (
        [22.46, 23.59, 9.21, 35.96, 28.14, 9.2, 5.49, -3.02, 15.79, 35.62, -0.26, 10.42, 38.62, 39.11],
        "Z1164L2",
        ["000000111", "000000011", "000000011", "000000011", "000000011", "000000001", "000000001"],
    ),
]


@pytest.mark.parametrize("polygon, counts, rows", RECORDED)
def test_polygons_and_run_lengths_are_those_of_pycocotools(polygon, counts, rows):
    mask = np.array([[int(pixel) for pixel in row] for row in rows], bool)
    np.testing.assert_array_equal(pixels([polygon], *mask.shape), mask)
    np.testing.assert_array_equal(pixels({"size": list(mask.shape), "counts": counts}, *mask.shape), mask)


RECTANGLE = [1.0, 1.0, 4.0, 1.0, 4.0, 3.0, 1.0, 3.0]  # columns 1 to 3, rows 1 and 2
COLUMN = {"size": [5, 6], "counts": [15, 5, 10]}  # column 3
COLORS = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)


def coco(folder, **change):
    Image.fromarray(COLORS).save(folder / "a.png")
    Image.fromarray(255 - COLORS).save(folder / "b.png")
    content = {
        "images": [{"id": n, "file_name": f"{name}.png", "height": 5, "width": 6} for n, name in ((7, "b"), (3, "a"))],
        "categories": [{"id": 90, "name": "brush"}, {"id": 2, "name": "car"}],
        "annotations": [
            {"image_id": 3, "category_id": 90, "segmentation": [RECTANGLE]},
            {"image_id": 3, "category_id": 2, "segmentation": COLUMN},
            {"image_id": 3, "category_id": 2, "segmentation": COLUMN},
        ],
    }
    (folder / "instances.json").write_text(json.dumps({**content, **change}))
    return folder, folder / "instances.json"


def test_coco(tmp_path):
    found = data.CocoSegmentation(*coco(tmp_path))
    assert found.classes == ["background", "car", "brush"] and found.ids == [3, 7] and len(found) == 2
    image, mask = found[0]
    expected = np.zeros((5, 6), np.uint8)
    expected[1:3, 1:4] = 2
    expected[:, 3] = 1
    expected[1:3, 3] = 255
    np.testing.assert_array_equal(mask, expected, strict=True)
    np.testing.assert_array_equal(image, COLORS.transpose(2, 0, 1))
    assert not found[1][1].any()


def test_masks_are_of_pixels_as_they_are_stored(tmp_path):
    place, path = coco(tmp_path)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(COLORS).save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(data.CocoSegmentation(place, path)[0][0], COLORS.transpose(2, 0, 1))


def annotated(segmentation, **change):
    return {"annotations": [{"image_id": 3, "category_id": 2, "segmentation": segmentation, **change}]}


@pytest.mark.parametrize(
    "change, message",
    [
        ({"images": [{"id": 1}]}, "is not of COCO's form: KeyError 'file_name'"),
        ({"images": []}, "has annotations of image 3, which it does not describe"),
        (annotated([RECTANGLE], category_id=5), "has annotations of category 5, which it does not describe"),
        (annotated([[1, 2, 3, 4]]), r"segmentation of a\.png that does not fit it: a polygon of 4 numbers"),
        (annotated([[1e300, 2, 3, 4, 5, 6]]), "each below a million"),
        (annotated({"size": [6, 5], "counts": [30]}), r"size \[6, 5\] of an image of \[5, 6\]"),
        (annotated({"size": [5, 6], "counts": [29]}), "run lengths that are not 30 pixels together"),
        (annotated({"size": [5, 6], "counts": [-30, 60]}), "run lengths that are not 30 pixels"),
        (annotated({"size": [5, 6], "counts": [2**62, 2**62, 2**62, 2**62, 30]}), "run lengths that are not 30 pixels"),
        (annotated({"size": [5, 6], "counts": "o" * 40}), "the character 'o' in run lengths"),
        (annotated({"size": [5, 6], "counts": "Q"}), "run lengths that end too early"),
    ],
)
def test_wrong_annotations(tmp_path, change, message):
    place, path = coco(tmp_path, **change)
    with pytest.raises(ValueError, match=rf"CocoSegmentation: {re.escape(str(path))} .*{message}"):
        data.CocoSegmentation(place, path)[0]


def test_annotations_truncated_or_of_another_image(tmp_path):
    place, path = coco(tmp_path)
    content = path.read_text()
    for end in range(0, len(content), 53):
        path.write_text(content[:end])
        with pytest.raises(ValueError, match=r"instances\.json is no JSON"):
            data.CocoSegmentation(place, path)
    path.write_text(content)
    Image.fromarray(COLORS[:, :3]).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"says that .*a\.png is 6 x 5, and it is 3 x 5"):
        data.CocoSegmentation(place, path)[0]
    (tmp_path / "a.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"no file .*a\.png"):
        data.CocoSegmentation(place, path)[0]


CLASSES = np.array([[0, 1, 2, 20, 255, 15]] * 5, np.uint8)


@pytest.fixture
def voc(tmp_path):
    place = tmp_path / "VOCdevkit" / "VOC2012"
    for name in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        (place / name).mkdir(parents=True)
    Image.fromarray(COLORS).save(place / "JPEGImages" / "2007_01.jpg")
    mask = Image.fromarray(CLASSES, "P")
    mask.putpalette([level for n in range(256) for level in (n, 255 - n, n // 2)])
    mask.save(place / "SegmentationClass" / "2007_01.png")
    (place / "ImageSets" / "Segmentation" / "val.txt").write_text("2007_01\n")
    return place


def test_voc(voc, tmp_path):
    for root in (tmp_path, voc):
        found = data.VOCSegmentation(root, image_set="val")
        image, mask = found[0]
        np.testing.assert_array_equal(mask, CLASSES, strict=True)
        assert image.shape == (3, 5, 6) and len(found) == 1 and found.classes[20] == "tvmonitor"
    flipped = data.VOCSegmentation(voc, image_set="val", transforms=lambda x, y: (x[..., ::-1], y[..., ::-1]))[0]
    np.testing.assert_array_equal(flipped[0], image[..., ::-1])
    np.testing.assert_array_equal(flipped[1], CLASSES[:, ::-1])


def test_wrong_voc(voc):
    found = data.VOCSegmentation(voc, image_set="val", classes=["background", "one", "two"])
    path = voc / "SegmentationClass" / "2007_01.png"
    with pytest.raises(ValueError, match=rf"{path} has the class 20; it must be below 3, or 255 for none"):
        found[0]
    Image.fromarray(CLASSES[:, :4]).save(path)
    with pytest.raises(ValueError, match=rf"{path} is 4 x 5, and its image 6 x 5"):
        found[0]
    Image.fromarray(COLORS).save(path)
    with pytest.raises(ValueError, match=rf"{path} has Pillow's mode RGB; a mask has a palette"):
        found[0]
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(ValueError, match=rf"{path} is damaged or truncated"):
        found[0]
    path.unlink()
    with pytest.raises(FileNotFoundError, match=rf"no file {path}\. .*val\.txt lists it"):
        data.VOCSegmentation(voc, image_set="val")
    with pytest.raises(FileNotFoundError, match=r"no file .*train\.txt\. Give another image_set"):
        data.VOCSegmentation(voc)
    (voc / "ImageSets" / "Segmentation" / "val.txt").write_text("")
    with pytest.raises(ValueError, match=r"val\.txt lists no image"):
        data.VOCSegmentation(voc, image_set="val")
