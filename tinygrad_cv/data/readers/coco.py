"""COCO's images with the class of each pixel, from polygons and run lengths in a JSON file."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..dataset import Dataset
from . import failure
from .masks import VOID
from .pixels import ImageReader

READER = "CocoSegmentation"
FINE = 5  # a pixel is divided in this many, as COCO's own tool does
Object = dict[str, Any]


class CocoSegmentation(Dataset[Any]):
    """Images and masks of COCO's form: a sample is (image 3 x H x W, mask H x W of classes, uint8).

    Class 0 is the background; the categories follow in the order of their ids. Pixels of several classes are 255, no
    class. Polygons and run lengths, compressed or not, cover the pixels that COCO's own tool gives them. Images without
    annotations are samples, too. Images are as they are stored, which masks are drawn on, whatever EXIF says.

    Args:
        root: the folder of the images.
        annFile: the JSON file.
        transforms: of image and mask together, such as those of ``data.transforms``.

    Attributes:
        classes: the names, with "background" first. ids: of the images.

    Raises:
        FileNotFoundError: the file is missing; when a sample is asked for, its image is.
        ValueError: the file is no JSON, or is not of this form. When a sample is asked for: its image is damaged or of
            another size, or a segmentation does not fit it.

    Source: T.-Y. Lin et al., "Microsoft COCO: Common Objects in Context", 2014.
    """

    def __init__(
        self,
        root: str | PathLike[str],
        annFile: str | PathLike[str],
        transforms: Callable[[Any, Any], Any] | None = None,
    ):
        self.root, self.transforms = os.fspath(root), transforms
        self.path = failure.file(READER, annFile, "Give the file of annotations.")
        content = _read(self.path)
        try:
            categories = sorted((int(c["id"]), str(c["name"])) for c in content["categories"])
            self._images = {
                int(i["id"]): (str(i["file_name"]), int(i["height"]), int(i["width"])) for i in content["images"]
            }
            self._objects: dict[int, list[Object]] = defaultdict(list)
            for found in content["annotations"]:
                self._objects[int(found["image_id"])].append(found)
            used = {int(found["category_id"]) for found in content["annotations"]}
        except (KeyError, TypeError, ValueError) as error:
            raise self._wrong(f"is not of COCO's form: {type(error).__name__} {error}") from None
        self.classes = ["background", *(name for _, name in categories)]
        self._labels = {key: n for n, (key, _) in enumerate(categories, 1)}
        for what, missing in (
            ("category", used - self._labels.keys()),
            ("image", self._objects.keys() - self._images.keys()),
        ):
            if missing:
                raise self._wrong(f"has annotations of {what} {min(missing)}, which it does not describe")
        if len(self.classes) > VOID or not self._images:
            raise self._wrong(
                f"has {len(self._labels)} categories and {len(self._images)} images; up to 254 fit, and an image"
            )
        self.ids = sorted(self._images)

    def _wrong(self, reason: str) -> ValueError:
        return failure.wrong(READER, self.path, reason)

    def __getitem__(self, index: Any) -> Any:
        key = self.ids[index]
        name, height, width = self._images[key]
        path = os.path.join(self.root, name)
        image = ImageReader(upright=False)(path)
        if image.shape[1:] != (height, width):
            raise self._wrong(f"says that {path} is {width} x {height}, and it is {image.shape[2]} x {image.shape[1]}")
        mask = np.zeros((height, width), np.uint8)
        for found in self._objects.get(key, ()):
            label = self._labels[found["category_id"]]
            try:
                covered = pixels(found["segmentation"], height, width)
            except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
                raise self._wrong(f"has a segmentation of {name} that does not fit it: {error}") from None
            mask[covered] = np.where((mask[covered] == 0) | (mask[covered] == label), label, VOID)
        return (image, mask) if self.transforms is None else self.transforms(image, mask)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"{READER}({os.fspath(self.path)!r}, {len(self)} samples)"


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise failure.wrong(READER, path, f"is no JSON: {error}") from None


def pixels(segmentation: Any, height: int, width: int) -> np.ndarray:
    """The pixels H x W (bool) that polygons, or run lengths, cover.

    >>> pixels({"size": [2, 3], "counts": [1, 2, 3]}, 2, 3).astype(int).tolist()
    [[0, 1, 0], [1, 0, 0]]
    """
    if isinstance(segmentation, list):
        covered = np.zeros((height, width), bool)
        for polygon in segmentation:
            covered |= _inside(np.asarray(polygon, np.float64), height, width)
        return covered
    if list(segmentation["size"]) != [height, width]:
        raise ValueError(f"size {segmentation['size']} of an image of {[height, width]}")
    counts = segmentation["counts"]
    runs = np.asarray(_decompressed(counts) if isinstance(counts, str) else counts, np.int64)
    if runs.ndim != 1 or (runs < 0).any() or (runs > height * width).any() or runs.sum() != height * width:
        raise ValueError(f"run lengths that are not {height * width} pixels together")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T  # (w h) -> h w


def _decompressed(text: str) -> list[int]:
    """Run lengths from text: five bits a character, the least first; from the third on less the last but one."""
    runs: list[int] = []
    value = shift = 0
    for character in text.encode("ascii"):
        bits = character - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError(f"the character {chr(character)!r} in run lengths")
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            if bits & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("run lengths that end too early")
    return runs


def _inside(polygon: np.ndarray, height: int, width: int) -> np.ndarray:
    """The pixels inside of a polygon x0 y0 x1 y1 ...: those before which their column crosses its border oddly often.

    The border is drawn on a grid of FINE x FINE points a pixel, and crosses a column of pixels where it steps from one
    column of the grid to the next at their centers.
    """
    if polygon.ndim != 1 or polygon.size % 2 or polygon.size < 6 or not (np.abs(polygon) < 1e6).all():
        raise ValueError(f"a polygon of {polygon.size} numbers; it must be three or more pairs, each below a million")
    corners = np.trunc(FINE * polygon.reshape(-1, 2) + 0.5).astype(np.int64)
    x, y = np.concatenate([_line(a, b) for a, b in zip(corners, np.roll(corners, -1, 0), strict=True)], 1)
    step = np.flatnonzero(np.diff(x))
    columns = (np.minimum(x[step], x[step + 1]) + 0.5) / FINE - 0.5
    rows = (np.minimum(y[step], y[step + 1]) + 0.5) / FINE - 0.5
    centers = (columns == np.floor(columns)) & (columns >= 0) & (columns <= width - 1)
    places = columns[centers].astype(np.int64) * height + np.ceil(np.clip(rows[centers], 0, height)).astype(np.int64)
    crossings = np.bincount(places, minlength=height * width + 1)[: height * width]
    return (np.cumsum(crossings) % 2 == 1).reshape(width, height).T  # (w h) -> h w


def _line(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The points of the grid from one corner to the next, 2 x n; the same, backwards, from the next to the one."""
    along = int(np.abs(end - start).argmax())
    flipped = start[along] > end[along]
    low, high = (end, start) if flipped else (start, end)
    length = high[along] - low[along]
    t = np.arange(length + 1)
    slope = (high[1 - along] - low[1 - along]) / length if length else 0.0
    points = np.empty((2, len(t)), np.int64)
    points[along] = low[along] + t
    points[1 - along] = np.trunc(low[1 - along] + slope * t + 0.5).astype(np.int64)
    return points[:, ::-1] if flipped else points
