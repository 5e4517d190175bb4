"""Grey levels of images C x H x W: each value by its own, or by how often the channel's values occur.

Of bytes a channel is looked up in a table of 256.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..arguments import number, whole
from .operands import colors, pixels, white
from .values import to_dtype

LEVELS = np.arange(256)


def invert(image: np.ndarray) -> np.ndarray:
    """White - x."""
    return white(pixels("invert", image)) - image


def solarize(image: np.ndarray, threshold: float) -> np.ndarray:
    """:func:`invert` what is at least the threshold, which is at most white."""
    least = number("solarize", "threshold", threshold, high=white(pixels("solarize", image)))
    return np.where(image >= least, invert(image), image)


def posterize(image: np.ndarray, bits: int) -> np.ndarray:
    """Keep the highest bits of a byte, 0 to 8; floats are rounded down to multiples of 1 / 2^bits below 1."""
    bits = whole("posterize", "bits", bits, 0, 8)
    if pixels("posterize", image).dtype == np.uint8:
        return image & np.uint8(256 - (1 << (8 - bits)))
    levels = image.dtype.type(1 << bits)
    return np.clip(np.floor(image * levels), 0, levels - 1) / levels


def autocontrast(image: np.ndarray) -> np.ndarray:
    """Stretch each channel so that its least value is black and its largest white; a constant channel stays."""
    if colors("autocontrast", image).dtype == np.uint8:
        return _by_channel(image, _stretch)
    least, most = (end(image, axis=(-2, -1), keepdims=True) for end in (np.min, np.max))
    span = most - least
    return np.where(span == 0, image, np.clip((image - least) / np.where(span == 0, 1, span), 0, 1))


def equalize(image: np.ndarray) -> np.ndarray:
    """Map each channel's levels so that all occur about as often, by Pillow's rule; floats as bytes, and back."""
    if colors("equalize", image).dtype != np.uint8:
        return to_dtype(equalize(to_dtype(image, np.uint8, scale=True)), image.dtype, scale=True)
    return _by_channel(image, _even)


def _by_channel(image: np.ndarray, table: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Each channel looked up in the table that is made of its histogram."""
    channels = image.reshape(-1, *image.shape[-2:])
    mapped = [table(np.bincount(channel.ravel(), minlength=256))[channel] for channel in channels]
    return np.stack(mapped).reshape(image.shape)


def _stretch(histogram: np.ndarray) -> np.ndarray:
    low, high = np.flatnonzero(histogram)[[0, -1]]
    if low == high:
        return LEVELS.astype(np.uint8)
    scale = 255 / (high - low)
    return np.clip(LEVELS * scale - low * scale, 0, 255).astype(np.uint8)


def _even(histogram: np.ndarray) -> np.ndarray:
    occurring = histogram[histogram > 0]
    step = (occurring.sum() - occurring[-1]) // 255
    if len(occurring) < 2 or step == 0:
        return LEVELS.astype(np.uint8)
    below = np.cumsum(histogram) - histogram
    return np.minimum((step // 2 + below) // step, 255).astype(np.uint8)
