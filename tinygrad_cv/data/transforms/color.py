"""Colors at random. Masks stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import arguments
from .functional import color
from .functional.color import number_of_channels
from .transform import Params, RandomApplyTransform, Transform, between

Jitter = float | Sequence[float] | None
ADJUSTMENTS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "brightness": color.adjust_brightness,
    "contrast": color.adjust_contrast,
    "saturation": color.adjust_saturation,
    "hue": color.adjust_hue,
}


class Grayscale(Transform):
    """The image in grey, with 1 or 3 channels: see :func:`functional.rgb_to_grayscale`."""

    def __init__(self, num_output_channels: int = 1):
        self.num_output_channels = number_of_channels("Grayscale", num_output_channels)

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The grey image."""
        return color.rgb_to_grayscale(image, self.num_output_channels)


class RandomGrayscale(RandomApplyTransform):
    """The image in grey with probability p, with as many channels as it has."""

    def __init__(self, p: float = 0.1):
        super().__init__(p)

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The grey image."""
        return color.rgb_to_grayscale(image, image.shape[0])


class ColorJitter(Transform):
    """Change brightness, contrast, saturation and hue at random, in an order drawn anew for each image.

    Args:
        brightness, contrast, saturation: one number d for factors uniform in (max(0, 1 - d), 1 + d), or (least, most),
            at least 0; a factor of 1 changes nothing, 0 gives black, the mean grey, or a grey image.
        hue: one number d for turns uniform in (-d, d), or (least, most), from -0.5 to 0.5 of a circle.

    Raises:
        TypeError, ValueError: a wrong argument.
    """

    def __init__(
        self, brightness: Jitter = None, contrast: Jitter = None, saturation: Jitter = None, hue: Jitter = None
    ):
        ends = (1.0, 0.0, np.inf)
        self.brightness = arguments.factors("ColorJitter", "brightness", brightness, *ends)
        self.contrast = arguments.factors("ColorJitter", "contrast", contrast, *ends)
        self.saturation = arguments.factors("ColorJitter", "saturation", saturation, *ends)
        self.hue = arguments.factors("ColorJitter", "hue", hue, 0.0, -0.5, 0.5)

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """The factors by name, in the order in which they are applied."""
        names = [name for name in ADJUSTMENTS if getattr(self, name) is not None]
        drawn = {name: between(rng, getattr(self, name)) for name in names}
        return {names[i]: drawn[names[i]] for i in rng.permutation(len(names))}

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The image with these factors."""
        for name, factor in params.items():
            image = ADJUSTMENTS[name](image, factor)
        return image
