"""Colors of images C x H x W, grey or RGB, uint8 or floats in 0..1.

One formula serves both. Of bytes the results are those of Pillow's ``ImageEnhance``, fractions cut off, and so
torchvision's for Pillow's images; hue is the exception, which Pillow rounds to 256 angles.
"""

from __future__ import annotations

import numpy as np

from ..arguments import number, whole
from .operands import colors, white

LUMA = (19595, 38470, 7471)  # 0.299, 0.587, 0.114 times 2^16: ITU-R 601-2, as in Pillow's convert("L")


def rgb_to_grayscale(image: np.ndarray, num_output_channels: int = 1) -> np.ndarray:
    """0.299 R + 0.587 G + 0.114 B, 1 x H x W or three times the same; grey images as they are.

    Bytes are rounded as Pillow's ``convert("L")`` rounds them, bit for bit, so a data set is one whether it was
    converted here or when it was read. (A JPEG that is read by ``draft("L")`` is not: where colors are
    saturated it is 4 levels away, and more.)
    """
    grey = _luma(image)[None] if len(colors("rgb_to_grayscale", image)) == 3 else image
    several = number_of_channels("rgb_to_grayscale", num_output_channels) == 3
    return np.repeat(grey, 3, axis=0) if several else grey


def adjust_brightness(image: np.ndarray, brightness_factor: float) -> np.ndarray:
    """Blend with black: f x, cut off at white."""
    f = _factor("adjust_brightness", "brightness_factor", brightness_factor)
    return _blend(colors("adjust_brightness", image), np.zeros((), _real(image)), f)


def adjust_contrast(image: np.ndarray, contrast_factor: float) -> np.ndarray:
    """Blend with the mean grey m: m + f (x - m), cut off at black and white. Of bytes m is a whole number."""
    f = _factor("adjust_contrast", "contrast_factor", contrast_factor)
    mean = rgb_to_grayscale(colors("adjust_contrast", image)).mean(dtype=np.float64)
    return _blend(image, np.array(int(mean + 0.5) if image.dtype == np.uint8 else mean, _real(image)), f)


def adjust_saturation(image: np.ndarray, saturation_factor: float) -> np.ndarray:
    """Blend with grey: g + f (x - g), cut off at black and white; grey images as they are."""
    f = _factor("adjust_saturation", "saturation_factor", saturation_factor)
    if len(colors("adjust_saturation", image)) == 1:
        return image
    return _blend(image, rgb_to_grayscale(image).astype(_real(image)), f)


def adjust_sharpness(image: np.ndarray, sharpness_factor: float) -> np.ndarray:
    """Blend with the image smoothed by [[1, 1, 1], [1, 5, 1], [1, 1, 1]] / 13, but for its border, which stays."""
    f = _factor("adjust_sharpness", "sharpness_factor", sharpness_factor)
    x = colors("adjust_sharpness", image).astype(_real(image))
    if min(x.shape[-2:]) < 3:
        return image
    rows = x[..., :-2, :] + x[..., 1:-1, :] + x[..., 2:, :]
    smooth = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:] + 4 * x[..., 1:-1, 1:-1]) / 13
    x[..., 1:-1, 1:-1] = np.rint(smooth) if image.dtype == np.uint8 else smooth
    return _blend(image, x, f)


def adjust_hue(image: np.ndarray, hue_factor: float) -> np.ndarray:
    """Turn the hue by hue_factor of a circle, -0.5 to 0.5; value and saturation stay. Grey images as they are.

    With V the largest of R, G, B, c = V - the least, hue h in 0..6, a channel is V - c clip(min(k, 4 - k), 0, 1)
    with k = (n + h) mod 6, where n is 5 for R, 3 for G, 1 for B.
    """
    turn = 6 * number("adjust_hue", "hue_factor", hue_factor, -0.5, 0.5)
    if len(colors("adjust_hue", image)) == 1:
        return image
    x = image.astype(np.float32) if image.dtype == np.uint8 else image
    r, g, b = x
    value = x.max(0)
    chroma = value - x.min(0)
    divisor = np.where(chroma == 0, 1, chroma)
    h = np.where(value == r, (g - b) / divisor, np.where(value == g, (b - r) / divisor + 2, (r - g) / divisor + 4))
    h += turn
    turned = np.empty_like(x)
    for channel, n in zip(turned, (5, 3, 1), strict=True):
        k = (h + n) % 6
        channel[...] = value - chroma * np.clip(np.minimum(k, 4 - k), 0, 1)
    return turned if image.dtype != np.uint8 else np.rint(turned).astype(np.uint8)


def number_of_channels(owner: str, value: int) -> int:
    """The argument ``num_output_channels``.

    Raises:
        TypeError, ValueError: it is neither 1 nor 3.
    """
    if whole(owner, "num_output_channels", value) not in (1, 3):
        raise ValueError(f"{owner}: num_output_channels is {value}; it must be 1 or 3.")
    return value


def _luma(image: np.ndarray) -> np.ndarray:
    r, g, b = image
    if image.dtype == np.uint8:
        red, green, blue = (plane.astype(np.uint32) * weight for plane, weight in zip((r, g, b), LUMA, strict=True))
        return ((red + green + blue + (1 << 15)) >> 16).astype(np.uint8)
    return (r * 0.299 + g * 0.587 + b * 0.114).astype(image.dtype, copy=False)


def _factor(owner: str, name: str, value: float) -> float:
    return number(owner, name, value, 0)


def _real(image: np.ndarray) -> np.dtype[np.floating]:
    """The dtype in which an image is computed with."""
    return np.dtype(np.float32) if image.dtype == np.uint8 else image.dtype


def _blend(image: np.ndarray, other: np.ndarray, factor: float) -> np.ndarray:
    """other + f (image - other), cut off at black and white."""
    blended = other + (image.astype(other.dtype, copy=False) - other) * other.dtype.type(factor)
    return np.clip(blended, 0, white(image), out=blended).astype(image.dtype, copy=False)
