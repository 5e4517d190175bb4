"""Places of pixels that are not interpolated: mirror images, padding, cropping. Arrays ... x H x W of any dtype."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..arguments import borders, one_of, size, whole
from ..fill import FillValue, fill_of
from .operands import operand

PADDINGS = ("constant", "edge", "reflect", "symmetric")
Sides = int | Sequence[int]


def horizontal_flip(image: np.ndarray) -> np.ndarray:
    """The mirror image, left to right: y[..., h, w] = x[..., h, W - 1 - w], a view.

    >>> horizontal_flip(np.array([[[1, 2, 3]]]))
    array([[[3, 2, 1]]])
    """
    return operand("horizontal_flip", image)[..., ::-1]


def vertical_flip(image: np.ndarray) -> np.ndarray:
    """The mirror image, top to bottom: y[..., h, w] = x[..., H - 1 - h, w], a view."""
    return operand("vertical_flip", image)[..., ::-1, :]


def pad(image: np.ndarray, padding: Sides, fill: FillValue | None = 0, padding_mode: str = "constant") -> np.ndarray:
    """Put pixels around an image.

    Args:
        padding: on all sides; or (left and right, top and bottom); or (left, top, right, bottom).
        fill: with "constant", one value, or one for each channel.
        padding_mode: "constant"; "edge", the border's pixels; "reflect", mirrored at the centers of the border's
            pixels; "symmetric", mirrored at their outer edges.

    >>> pad(np.array([[[1, 2, 3]]]), (2, 0), padding_mode="reflect")
    array([[[3, 2, 1, 2, 3, 2, 1]]])
    """
    left, top, right, bottom = borders("pad", "padding", padding)
    mode = one_of("pad", "padding_mode", padding_mode, PADDINGS)
    h, w = operand("pad", image).shape[-2:]
    if mode != "constant":
        widths = ((0, 0),) * (image.ndim - 2) + ((top, bottom), (left, right))
        return np.pad(image, widths, mode)  # type: ignore[call-overload]
    value = fill_of("pad", image, fill)
    padded = np.empty((*image.shape[:-2], top + h + bottom, left + w + right), image.dtype)
    padded[...] = value.reshape(-1, 1, 1) if value.size > 1 else value[0]
    padded[..., top : top + h, left : left + w] = image
    return padded


def crop(image: np.ndarray, top: int, left: int, height: int, width: int) -> np.ndarray:
    """The rectangle of height x width from row ``top`` and column ``left`` on; beyond the image it is 0.

    A view where the rectangle is within the image.
    """
    operand("crop", image)
    top, left = (whole("crop", name, v, -(2**31)) for name, v in (("top", top), ("left", left)))
    height, width = (whole("crop", name, v, 1) for name, v in (("height", height), ("width", width)))
    inside = image[..., max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if inside.shape[-2:] == (height, width):
        return inside
    cropped = np.zeros((*image.shape[:-2], height, width), image.dtype)
    i, j = max(-top, 0), max(-left, 0)
    if inside.size:
        cropped[..., i : i + inside.shape[-2], j : j + inside.shape[-1]] = inside
    return cropped


def center_crop(image: np.ndarray, output_size: Sides) -> np.ndarray:
    """The rectangle of output_size in the middle; a smaller image is first padded with 0.

    An odd difference leaves out, or adds, one pixel more at the bottom or at the right; one of 3, 7, ... pixels that
    are left out, at the top or at the left (Python's rounding to even, as in torchvision).
    """
    height, width = size("center_crop", "output_size", output_size)
    h, w = operand("center_crop", image).shape[-2:]
    top, left = (_before(n, wanted) for n, wanted in ((h, height), (w, width)))
    return crop(image, top, left, height, width)


def _before(n: int, wanted: int) -> int:
    return round((n - wanted) / 2) if wanted <= n else -((wanted - n) // 2)
