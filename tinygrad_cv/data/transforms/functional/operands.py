"""What functions of images take."""

from __future__ import annotations

from typing import Any

import numpy as np

PIXELS = (np.dtype("uint8"), np.dtype("float32"), np.dtype("float64"))
WHITE = 255  # of bytes; of floats it is 1


def operand(owner: str, image: Any) -> np.ndarray:
    """The image, if it is an array ... x H x W that is not empty.

    Raises:
        TypeError: it is no array of numbers.
        ValueError: it has fewer than two axes, or no pixels.
    """
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "buif":
        found = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"{owner}: image is {found}; it must be an array of numbers. An image of Pillow's: ToImage().")
    if image.ndim < 2 or image.size == 0:
        raise ValueError(f"{owner}: image has shape {image.shape}; it must be ... x H x W, at least one pixel.")
    return image


def pixels(owner: str, image: Any) -> np.ndarray:
    """The operand, if it is uint8 or float32 or float64.

    Raises:
        TypeError: it is not.
    """
    if operand(owner, image).dtype not in PIXELS:
        raise TypeError(
            f"{owner}: image is {image.dtype}; it must be uint8 (0 to 255), float32 or float64 (0 to 1). "
            "Use ToDtype(np.float32, scale=True) first."
        )
    return image


def colors(owner: str, image: Any) -> np.ndarray:
    """The pixels, if they are C x H x W and grey or RGB.

    Raises:
        ValueError: C is neither 1 nor 3.
    """
    if pixels(owner, image).ndim != 3 or len(image) not in (1, 3):
        raise ValueError(f"{owner}: image has shape {image.shape}; it must be C x H x W, grey (C = 1) or RGB (C = 3).")
    return image


def white(image: np.ndarray) -> int:
    """The largest value of a pixel."""
    return WHITE if image.dtype == np.uint8 else 1
