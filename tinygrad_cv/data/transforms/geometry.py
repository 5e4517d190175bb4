"""Mirror images, resizing, rotations and affine maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from . import arguments
from .fill import FillValue, read_fill
from .functional import affine, horizontal_flip, resize, rotate, vertical_flip
from .functional.geometry import Sides
from .functional.resizing import Mode, resize_options, resized_size
from .functional.warping import SMALLEST
from .pillow import MOVING, resampling
from .transform import Params, RandomApplyTransform, Transform, between


class _Flip(RandomApplyTransform):
    """A mirror image with probability p."""

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The mirror image."""
        raise NotImplementedError

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The mirror image of the mask."""
        return self.transform(mask, params)

    def batch(self, images: np.ndarray, generators: Sequence[np.random.Generator] | None = None) -> np.ndarray:
        """Each image of N x C x H x W, or its mirror image."""
        with self.drawing(images, generators) as drawing:
            chosen = np.array([rng.random() < self.p for rng in drawing])
        return np.where(chosen[:, None, None, None], self.transform(images, {}), images)


class RandomHorizontalFlip(_Flip):
    """Mirror an image, left to right, with probability p.

    Not for images whose mirror image means something else, such as digits.
    """

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The mirror image."""
        return horizontal_flip(image)


class RandomVerticalFlip(_Flip):
    """Mirror an image, top to bottom, with probability p."""

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The mirror image."""
        return vertical_flip(image)


class Resize(Transform):
    """Resize an image; masks by nearest pixels. The arguments are those of :func:`functional.resize`.

    >>> Resize(4)(np.zeros((3, 8, 12), np.uint8)).shape
    (3, 4, 6)
    """

    def __init__(
        self,
        size: Sides | None,
        interpolation: Any = "bilinear",
        max_size: int | None = None,
        antialias: bool | None = True,
        *,
        mode: Mode | None = None,
    ):
        resized_size("Resize", (1, 1), size, max_size)
        self.size, self.max_size = size, max_size
        self.interpolation = resize_options("Resize", interpolation, antialias, mode)
        self.antialias, self.mode = antialias, mode

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The resized image."""
        return resize(image, self.size, self.interpolation, self.max_size, self.antialias, mode=self.mode)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The resized mask."""
        return resize(mask, self.size, "nearest", self.max_size)


class RandomRotation(Transform):
    """Rotate an image by an angle that is uniform in ``degrees``, counterclockwise; by Pillow.

    Args:
        degrees: (least, most), or one number d for (-d, d).
        interpolation: of the image, "nearest", "bilinear" or "bicubic"; masks are moved by nearest pixels.
        expand: make the result as large as the whole rotated image.
        center: (x, y) in pixels from the upper left corner; by default the middle.
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        interpolation: Any = "nearest",
        expand: bool = False,
        center: Sequence[float] | None = None,
        fill: FillValue | Mapping[str, FillValue] | None = 0,
    ):
        self.degrees = arguments.angles("RandomRotation", "degrees", degrees)
        self.interpolation = resampling("RandomRotation", interpolation, MOVING)
        self.expand = bool(expand)
        self.center = _center("RandomRotation", center)
        self.fill = read_fill("RandomRotation", fill)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The angle."""
        return {"angle": between(rng, self.degrees)}

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The rotated image."""
        return rotate(image, params["angle"], self.interpolation, self.expand, self.center, self.fill.image)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The rotated mask."""
        return rotate(mask, params["angle"], "nearest", self.expand, self.center, self.fill.of_mask())


class RandomAffine(Transform):
    """Rotate, move, scale and shear an image at random, around its middle; by Pillow. Each is uniform in its range.

    Args:
        degrees: of the rotation, clockwise: (least, most), or one number d for (-d, d).
        translate: the most that it moves, (a, b) for a W to the right or left and b H down or up, whole pixels.
        scale: (least, most).
        shear: degrees: d for x in (-d, d), (least, most) for x, or (least, most, least, most) for x and y.
        interpolation: of the image, "nearest", "bilinear" or "bicubic"; masks are moved by nearest pixels.
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``.
        center: (x, y) in pixels from the upper left corner; by default the middle.
    """

    def __init__(
        self,
        degrees: float | Sequence[float],
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: float | Sequence[float] | None = None,
        interpolation: Any = "nearest",
        fill: FillValue | Mapping[str, FillValue] | None = 0,
        center: Sequence[float] | None = None,
    ):
        name = "RandomAffine"
        self.degrees = arguments.angles(name, "degrees", degrees)
        self.translate = None if translate is None else arguments.pair(name, "translate", translate)
        if self.translate and not all(0 <= t <= 1 for t in self.translate):
            raise ValueError(f"{name}: translate is {translate}; both must be parts of the image, from 0 to 1.")
        self.scale = None if scale is None else arguments.interval(name, "scale", scale, SMALLEST)
        self.shear = None if shear is None else arguments.angles(name, "shear", shear, (2, 4))
        self.interpolation = resampling(name, interpolation, MOVING)
        self.fill = read_fill(name, fill)
        self.center = _center(name, center)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """Angle, translation in pixels, scale and shears."""
        h, w = image.shape[-2:]
        a, b = self.translate or (0.0, 0.0)
        shears = self.shear or (0.0, 0.0)
        return {
            "angle": between(rng, self.degrees),
            "translate": (round(rng.uniform(-a * w, a * w)), round(rng.uniform(-b * h, b * h))),
            "scale": between(rng, self.scale or (1.0, 1.0)),
            "shear": (between(rng, shears), between(rng, shears[2:] or (0.0, 0.0))),
        }

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The mapped image."""
        return affine(image, **params, interpolation=self.interpolation, fill=self.fill.image, center=self.center)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The mapped mask."""
        return affine(mask, **params, interpolation="nearest", fill=self.fill.of_mask(), center=self.center)


def _center(owner: str, value: Sequence[float] | None) -> tuple[float, float] | None:
    return None if value is None else arguments.pair(owner, "center", value)
