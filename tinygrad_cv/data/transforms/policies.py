"""Augmentation by operations drawn at random: RandAugment and TrivialAugment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import arguments
from .fill import Fill, FillValue, read_fill
from .functional import affine, color, levels, rotate
from .pillow import MOVING, resampling
from .transform import Params, Transform

Magnitudes = Callable[[int, int], tuple[float, float]]  # (first, last) of the bins, for an image of H x W
Moved = Callable[..., np.ndarray]

# What moves pixels, with masks: (magnitude m) -> the arguments of affine, or the angle of a rotation
MOVES: dict[str, Callable[[float], dict[str, Any]]] = {
    "ShearX": lambda m: {"shear": (math.degrees(math.atan(m)), 0.0), "center": (0, 0)},
    "ShearY": lambda m: {"shear": (0.0, math.degrees(math.atan(m))), "center": (0, 0)},
    "TranslateX": lambda m: {"translate": (int(m), 0)},
    "TranslateY": lambda m: {"translate": (0, int(m))},
    "Rotate": lambda m: {"rotate": m},
}
STILL = {"angle": 0.0, "translate": (0, 0), "scale": 1.0, "shear": (0.0, 0.0)}

# What changes levels: (image, magnitude m) -> image. White is 1 in units of m.
RECOLORS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "Identity": lambda x, m: x,
    "Brightness": lambda x, m: color.adjust_brightness(x, 1 + m),
    "Color": lambda x, m: color.adjust_saturation(x, 1 + m),
    "Contrast": lambda x, m: color.adjust_contrast(x, 1 + m),
    "Sharpness": lambda x, m: color.adjust_sharpness(x, 1 + m),
    "Posterize": lambda x, m: levels.posterize(x, round(m)),
    "Solarize": lambda x, m: levels.solarize(x, m * (255 if x.dtype == np.uint8 else 1)),
    "AutoContrast": lambda x, m: levels.autocontrast(x),
    "Equalize": lambda x, m: levels.equalize(x),
}
EITHER_WAY = (*MOVES, "Brightness", "Color", "Contrast", "Sharpness")  # the magnitude's sign is drawn


def _space(
    move: float, right: Magnitudes, down: Magnitudes, turn: float, change: float, bits: int
) -> dict[str, Magnitudes]:
    """The range of magnitudes of each operation, in an order of its own."""

    def fixed(first: float, last: float) -> Magnitudes:
        return lambda h, w: (first, last)

    return {
        "Identity": fixed(0, 0),
        "ShearX": fixed(0, move),
        "ShearY": fixed(0, move),
        "TranslateX": right,
        "TranslateY": down,
        "Rotate": fixed(0, turn),
        "Brightness": fixed(0, change),
        "Color": fixed(0, change),
        "Contrast": fixed(0, change),
        "Sharpness": fixed(0, change),
        "Posterize": fixed(8, 8 - bits),
        "Solarize": fixed(1, 0),
        "AutoContrast": fixed(0, 0),
        "Equalize": fixed(0, 0),
    }


class _Policy(Transform):
    """Operations drawn from a space. Masks are moved with the image, by nearest pixels, and not recoloured.

    Args:
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``; None is 0.
    """

    SPACE: Mapping[str, Magnitudes]
    num_magnitude_bins: int
    interpolation: str
    fill: Fill

    def _read(self, num_magnitude_bins: Any, interpolation: Any, fill: Any) -> None:
        name = type(self).__name__
        self.num_magnitude_bins = arguments.whole(name, "num_magnitude_bins", num_magnitude_bins, 2)
        self.interpolation = resampling(name, interpolation, MOVING)
        self.fill = read_fill(name, fill)

    def draw(self, shape: tuple[int, ...], rng: np.random.Generator, bin: int | None) -> tuple[str, float]:
        """One operation and its magnitude, of the given bin, or of any."""
        name = list(self.SPACE)[rng.integers(len(self.SPACE))]
        first, last = self.SPACE[name](*shape)
        place = int(rng.integers(self.num_magnitude_bins)) if bin is None else bin
        magnitude = first + (last - first) * place / (self.num_magnitude_bins - 1)
        return name, -magnitude if name in EITHER_WAY and rng.random() < 0.5 else magnitude

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The image after all operations."""
        for name, magnitude in params["operations"]:
            image = apply(image, name, magnitude, self.interpolation, self.fill.image)
        return image

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The mask after those that move pixels."""
        for name, magnitude in params["operations"]:
            if name in MOVES:
                mask = apply(mask, name, magnitude, "nearest", self.fill.of_mask())
        return mask


class RandAugment(_Policy):
    """``num_ops`` operations, each drawn from 14, all of one magnitude (Cubuk et al., 2020).

    Args:
        num_ops: how many, one after the other.
        magnitude: of all, from 0, nothing, to ``num_magnitude_bins`` - 1.
        num_magnitude_bins: how many steps there are.
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``; None is 0.

    Raises:
        TypeError, ValueError: a wrong argument.
    """

    SPACE = _space(0.3, lambda h, w: (0, 150 / 331 * w), lambda h, w: (0, 150 / 331 * h), 30, 0.9, 4)

    def __init__(
        self,
        num_ops: int = 2,
        magnitude: int = 9,
        num_magnitude_bins: int = 31,
        interpolation: Any = "nearest",
        fill: FillValue | Mapping[str, FillValue] | None = None,
    ):
        self._read(num_magnitude_bins, interpolation, fill)
        self.num_ops = arguments.whole("RandAugment", "num_ops", num_ops)
        self.magnitude = arguments.whole("RandAugment", "magnitude", magnitude, 0, self.num_magnitude_bins - 1)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The operations and their magnitudes."""
        return {"operations": [self.draw(image.shape[-2:], rng, self.magnitude) for _ in range(self.num_ops)]}


class TrivialAugmentWide(_Policy):
    """One operation, drawn from 14, of a magnitude drawn from all, up to large ones (Müller and Hutter, 2021).

    Args:
        num_magnitude_bins: how many magnitudes there are.
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``; None is 0.

    Raises:
        TypeError, ValueError: a wrong argument.
    """

    SPACE = _space(0.99, lambda h, w: (0, 32), lambda h, w: (0, 32), 135, 0.99, 6)

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: Any = "nearest",
        fill: FillValue | Mapping[str, FillValue] | None = None,
    ):
        self._read(num_magnitude_bins, interpolation, fill)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The operation and its magnitude."""
        return {"operations": [self.draw(image.shape[-2:], rng, None)]}


def apply(image: np.ndarray, name: str, magnitude: float, interpolation: str, fill: FillValue) -> np.ndarray:
    """One operation on an image, or one of those that move pixels on a mask."""
    if name in RECOLORS:
        return RECOLORS[name](image, magnitude)
    given = MOVES[name](magnitude)
    if "rotate" in given:
        return rotate(image, given["rotate"], interpolation, fill=fill)
    return affine(image, **{**STILL, **given}, interpolation=interpolation, fill=fill)
