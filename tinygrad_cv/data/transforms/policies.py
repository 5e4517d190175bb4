"""Augmentation by operations drawn at random: RandAugment and TrivialAugment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from . import arguments
from .fill import Fill, FillValue, read_fill
from .functional import affine, color, levels, rotate
from .functional.operands import white
from .pillow import MOVING, resampling
from .transform import Params, Transform, below

Recolor = Callable[[np.ndarray, float], np.ndarray]  # (image, magnitude)
Move = Callable[[np.ndarray, float, str, FillValue], np.ndarray]  # and interpolation, fill
Ranges = dict[str, tuple[float, float]]  # of the magnitudes of each operation: those of the first and of the last bin

MOVES: dict[str, Move] = {  # masks are moved, too
    "ShearX": lambda x, m, how, fill: affine(x, 0, (0, 0), 1, (_degrees(m), 0), how, fill, (0, 0)),
    "ShearY": lambda x, m, how, fill: affine(x, 0, (0, 0), 1, (0, _degrees(m)), how, fill, (0, 0)),
    "TranslateX": lambda x, m, how, fill: affine(x, 0, (int(m), 0), 1, 0, how, fill),
    "TranslateY": lambda x, m, how, fill: affine(x, 0, (0, int(m)), 1, 0, how, fill),
    "Rotate": lambda x, m, how, fill: rotate(x, m, how, fill=fill),
}
RECOLORS: dict[str, Recolor] = {
    "Identity": lambda x, m: x,
    "Brightness": lambda x, m: color.adjust_brightness(x, 1 + m),
    "Color": lambda x, m: color.adjust_saturation(x, 1 + m),
    "Contrast": lambda x, m: color.adjust_contrast(x, 1 + m),
    "Sharpness": lambda x, m: color.adjust_sharpness(x, 1 + m),
    "Posterize": lambda x, m: levels.posterize(x, round(m)),
    "Solarize": lambda x, m: levels.solarize(x, m * white(x)),
    "AutoContrast": lambda x, m: levels.autocontrast(x),
    "Equalize": lambda x, m: levels.equalize(x),
}
EITHER_WAY = (*MOVES, "Brightness", "Color", "Contrast", "Sharpness")  # the sign of the magnitude is drawn


def _ranges(shear: float, right: float, down: float, turn: float, change: float, bits: int) -> Ranges:
    """From nothing to so much: of shears, pixels, degrees, factors beside 1, and bits that are lost."""
    still = (0.0, 0.0)
    return {
        "Identity": still,
        "ShearX": (0, shear),
        "ShearY": (0, shear),
        "TranslateX": (0, right),
        "TranslateY": (0, down),
        "Rotate": (0, turn),
        "Brightness": (0, change),
        "Color": (0, change),
        "Contrast": (0, change),
        "Sharpness": (0, change),
        "Posterize": (8, 8 - bits),
        "Solarize": (1, 0),
        "AutoContrast": still,
        "Equalize": still,
    }


def _degrees(slope: float) -> float:
    return math.degrees(math.atan(slope))


class _Policy(Transform):
    """Operations drawn from a space. Masks are moved with the image, by nearest pixels, and not recoloured.

    Args:
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``; None is 0.
    """

    num_magnitude_bins: int
    interpolation: str
    fill: Fill

    def _read(self, num_magnitude_bins: Any, interpolation: Any, fill: Any) -> None:
        name = type(self).__name__
        self.num_magnitude_bins = arguments.whole(name, "num_magnitude_bins", num_magnitude_bins, 2)
        self.interpolation = resampling(name, interpolation, MOVING)
        self.fill = read_fill(name, fill)

    def ranges(self, h: int, w: int) -> Ranges:
        """The magnitudes of each operation on images of H x W."""
        raise NotImplementedError

    def draw(self, image: np.ndarray, rng: np.random.Generator, bin: int | None) -> tuple[str, float]:
        """One operation and its magnitude, of the given bin, or of any."""
        ranges = self.ranges(*image.shape[-2:])
        name = list(ranges)[below(len(ranges), rng)]
        first, last = ranges[name]
        place = below(self.num_magnitude_bins, rng) if bin is None else bin
        magnitude = first + (last - first) * place / (self.num_magnitude_bins - 1)
        return name, -magnitude if name in EITHER_WAY and rng.random() < 0.5 else magnitude

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The image after all operations."""
        for name, magnitude in params["operations"]:
            if name in MOVES:
                image = MOVES[name](image, magnitude, self.interpolation, self.fill.image)
            else:
                image = RECOLORS[name](image, magnitude)
        return image

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The mask after those that move pixels."""
        for name, magnitude in params["operations"]:
            if name in MOVES:
                mask = MOVES[name](mask, magnitude, "nearest", self.fill.of_mask())
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
        return {"operations": [self.draw(image, rng, self.magnitude) for _ in range(self.num_ops)]}

    def ranges(self, h: int, w: int) -> Ranges:
        """Translations are up to 150 of 331 pixels, the side of images in the paper."""
        return _ranges(0.3, 150 / 331 * w, 150 / 331 * h, 30, 0.9, 4)


class TrivialAugmentWide(_Policy):
    """One operation, drawn from 14, of a magnitude drawn from all, up to large ones (Müller and Hutter, 2021).

    Args:
        num_magnitude_bins: how many magnitudes there are.
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: beyond the border: one value, one for each channel, or ``{"image": ..., "mask": ...}``; None is 0.

    Raises:
        TypeError, ValueError: a wrong argument.
    """

    def __init__(
        self,
        num_magnitude_bins: int = 31,
        interpolation: Any = "nearest",
        fill: FillValue | Mapping[str, FillValue] | None = None,
    ):
        self._read(num_magnitude_bins, interpolation, fill)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The operation and its magnitude."""
        return {"operations": [self.draw(image, rng, None)]}

    def ranges(self, h: int, w: int) -> Ranges:
        """The same for every size."""
        return _ranges(0.99, 32, 32, 135, 0.99, 6)
