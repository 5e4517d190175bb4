"""Parts of images, at random or in the middle, and borders around them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from . import arguments
from .fill import FillValue, read_fill
from .functional import center_crop, crop, pad, resize
from .functional.geometry import PADDINGS, Sides
from .functional.resizing import Mode, resize_options
from .transform import Params, Transform, below

TRIES = 10  # to draw a rectangle that fits into the image


class Pad(Transform):
    """Put pixels around an image: see :func:`functional.pad`.

    Args:
        padding: on all sides; or (left and right, top and bottom); or (left, top, right, bottom).
        fill: with "constant": one value, one for each channel, or ``{"image": ..., "mask": ...}``.
        padding_mode: "constant", "edge", "reflect" or "symmetric".
    """

    def __init__(
        self,
        padding: Sides,
        fill: FillValue | Mapping[str, FillValue] | None = 0,
        padding_mode: str = "constant",
    ):
        self.padding = arguments.borders("Pad", "padding", padding)
        self.fill = read_fill("Pad", fill)
        self.padding_mode = arguments.one_of("Pad", "padding_mode", padding_mode, PADDINGS)

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The image with its border."""
        return pad(image, self.padding, self.fill.image, self.padding_mode)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The mask with its border."""
        return pad(mask, self.padding, self.fill.of_mask(), self.padding_mode)


class CenterCrop(Transform):
    """The rectangle of this size in the middle; a smaller image is padded with 0.

    Args:
        size: (height, width), or one number for both.
    """

    def __init__(self, size: Sides):
        self.size = arguments.size("CenterCrop", "size", size)

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The middle of the image."""
        return center_crop(image, self.size)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The middle of the mask."""
        return center_crop(mask, self.size)


class RandomCrop(Transform):
    """A rectangle of this size from anywhere in the image, or in the padded image; all places are equally likely.

    Args:
        size: (height, width), or one number for both.
        padding: around the image before; as of :class:`Pad`.
        pad_if_needed: where the image still is too small, pad it by what it lacks, on both sides.
        fill, padding_mode: as of :class:`Pad`.

    Raises:
        ValueError: a wrong argument; when called, the padded image is smaller than the size.

    >>> RandomCrop(28, padding=4)(np.zeros((1, 28, 28), np.uint8)).shape
    (1, 28, 28)
    """

    def __init__(
        self,
        size: Sides,
        padding: Sides | None = None,
        pad_if_needed: bool = False,
        fill: FillValue | Mapping[str, FillValue] | None = 0,
        padding_mode: str = "constant",
    ):
        self.size = arguments.size("RandomCrop", "size", size)
        self.padding = (0, 0, 0, 0) if padding is None else arguments.borders("RandomCrop", "padding", padding)
        self.pad_if_needed = bool(pad_if_needed)
        self.fill = read_fill("RandomCrop", fill)
        self.padding_mode = arguments.one_of("RandomCrop", "padding_mode", padding_mode, PADDINGS)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The padding of this image, and the row and column where the rectangle begins."""
        padding, rows, columns = self._room(image.shape[-2:])
        return {"padding": padding, "top": below(rows, rng), "left": below(columns, rng)}

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The rectangle of the padded image."""
        return self._cropped(image, params, self.fill.image)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The rectangle of the padded mask."""
        return self._cropped(mask, params, self.fill.of_mask())

    def batch(self, images: np.ndarray, generators: Sequence[np.random.Generator] | None = None) -> np.ndarray:
        """Each image of N x C x H x W by its own rectangle: padded at once, and cropped at once."""
        with self.drawing(images, generators) as drawing:
            padding, rows, columns = self._room(images.shape[-2:])
            places = np.array([(below(rows, rng), below(columns, rng)) for rng in drawing])
        windows = sliding_window_view(self._padded(images, padding, self.fill.image), self.size, axis=(2, 3))
        return windows[np.arange(len(images)), :, places[:, 0], places[:, 1]]  # n c i j h w -> n c h w

    def _room(self, shape: tuple[int, ...]) -> tuple[tuple[int, ...], int, int]:
        """The padding of an image of H x W, and the numbers of rows and columns where a rectangle may begin."""
        left, top, right, bottom = self.padding
        (h, w), (height, width) = shape, self.size
        h, w = h + top + bottom, w + left + right
        if self.pad_if_needed:
            more, wider = max(height - h, 0), max(width - w, 0)
            left, top, right, bottom = left + wider, top + more, right + wider, bottom + more
            h, w = h + 2 * more, w + 2 * wider
        if h < height or w < width:
            raise ValueError(
                f"RandomCrop: size is {height} x {width}, and the image with its padding {h} x {w}; it must not be "
                "smaller. Use pad_if_needed=True, or resize it first."
            )
        return (left, top, right, bottom), h - height + 1, w - width + 1

    def _padded(self, image: np.ndarray, padding: tuple[int, ...], fill: FillValue) -> np.ndarray:
        return pad(image, padding, fill, self.padding_mode) if any(padding) else image

    def _cropped(self, image: np.ndarray, params: Params, fill: FillValue) -> np.ndarray:
        padded = self._padded(image, params["padding"], fill)
        return crop(padded, params["top"], params["left"], *self.size)


class RandomResizedCrop(Transform):
    """A rectangle of random area and shape, resized to this size (Szegedy et al., 2015, section 6).

    Its area is uniform between ``scale`` times the image's, the logarithm of its width / height uniform between those
    of ``ratio``, and all places equally likely. If in ten draws none fits into the image, it is the largest in the
    middle whose ratio is in the range.

    Args:
        size: (height, width), or one number for both.
        interpolation, antialias, mode: as of :func:`functional.resize`.

    Raises:
        TypeError, ValueError: a wrong argument.
    """

    def __init__(
        self,
        size: Sides,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: Any = "bilinear",
        antialias: bool | None = True,
        *,
        mode: Mode | None = None,
    ):
        self.size = arguments.size("RandomResizedCrop", "size", size)
        self.scale = arguments.interval("RandomResizedCrop", "scale", scale, 0)
        self.ratio = arguments.interval("RandomResizedCrop", "ratio", ratio, SMALLEST)
        self.interpolation = resize_options("RandomResizedCrop", interpolation, antialias, mode)
        self.antialias, self.mode = antialias, mode

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The rectangle."""
        h, w = image.shape[-2:]
        for _ in range(TRIES):
            height, width = draw_rectangle(h * w, self.scale, [1 / r for r in reversed(self.ratio)], rng)
            if 0 < height <= h and 0 < width <= w:
                top, left = below(h - height + 1, rng), below(w - width + 1, rng)
                return {"top": top, "left": left, "height": height, "width": width}
        width, height = w, h
        if w / h < self.ratio[0]:
            height = max(round(w / self.ratio[0]), 1)
        elif w / h > self.ratio[1]:
            width = max(round(h * self.ratio[1]), 1)
        return {"top": (h - height) // 2, "left": (w - width) // 2, "height": height, "width": width}

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The resized rectangle of the image."""
        part = crop(image, **params)
        return resize(part, self.size, self.interpolation, None, self.antialias, mode=self.mode)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The resized rectangle of the mask."""
        return resize(crop(mask, **params), self.size, "nearest")


SMALLEST = 1e-6  # of a ratio, which divides


def draw_rectangle(
    area: float, scale: Sequence[float], ratio: Sequence[float], rng: np.random.Generator
) -> tuple[int, int]:
    """(height, width) of an area uniform in scale * area, and log(height / width) uniform in that of the ratio."""
    part = area * rng.uniform(scale[0], scale[1])
    tall = math.exp(rng.uniform(math.log(ratio[0]), math.log(ratio[1])))
    return round(math.sqrt(part * tall)), round(math.sqrt(part / tall))
