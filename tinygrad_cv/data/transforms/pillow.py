"""Arrays through Pillow, which interpolates pixels: bytes as its modes RGB and L, floats as its mode F.

Only the nearest pixel is found otherwise, and for every dtype alike: Pillow moves an image of indices.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..extras import pillow
from .arguments import one_of

if TYPE_CHECKING:
    from PIL.Image import Image

Operation = Callable[["Image", Any], "Image"]  # of an image and the value beyond its border

# Pillow's names of filters by torchvision's of interpolations. Pillow has one nearest, at the centers of pixels.
FILTERS = {
    "nearest": "NEAREST",
    "nearest-exact": "NEAREST",
    "bilinear": "BILINEAR",
    "bicubic": "BICUBIC",
    "box": "BOX",
    "hamming": "HAMMING",
    "lanczos": "LANCZOS",
}
RESIZING = tuple(FILTERS)
MOVING = ("nearest", "nearest-exact", "bilinear", "bicubic")  # those of rotations and affine maps
NEAREST = MOVING[:2]


def resampling(owner: str, value: Any, choices: tuple[str, ...]) -> str:
    """The argument ``interpolation``: a name, or a member of Pillow's ``Image.Resampling`` (or its number).

    Raises:
        ValueError: it is another one.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        names = {int(getattr(pillow().Resampling, theirs)): ours for ours, theirs in reversed(FILTERS.items())}
        value = names.get(int(value), value)
    return one_of(owner, "interpolation", getattr(value, "value", value), choices)


def filter_of(name: str) -> Any:
    """Pillow's filter of this name."""
    return getattr(pillow().Resampling, FILTERS[name])


def resample(array: np.ndarray, interpolation: str, operation: Operation, fill: np.ndarray) -> np.ndarray:
    """Apply an operation of Pillow's to an array ... x H x W.

    Args:
        array: uint8, float32 or float64; where the nearest pixel is taken, anything. float64 is computed as float32.
        fill: one value, or one for each channel of C x H x W.
    """
    if interpolation in NEAREST:
        return _nearest(array, operation, fill)
    image = pillow()
    shape = array.shape[-2:]
    if array.dtype == np.uint8 and array.shape[:-2] == (3,):
        picture = image.fromarray(array.transpose(1, 2, 0))  # c h w -> h w c
        return np.array(operation(picture, tuple(map(int, np.broadcast_to(fill, 3))))).transpose(2, 0, 1)  # -> c h w
    planes = array.reshape(-1, *shape).astype(np.uint8 if array.dtype == np.uint8 else np.float32, copy=False)
    values = np.broadcast_to(fill, len(planes)).tolist()
    moved = [np.asarray(operation(image.fromarray(plane), v)) for plane, v in zip(planes, values, strict=True)]
    return np.stack(moved).reshape(*array.shape[:-2], *moved[0].shape).astype(array.dtype, copy=False)


def _nearest(array: np.ndarray, operation: Operation, fill: np.ndarray) -> np.ndarray:
    h, w = array.shape[-2:]
    places = np.arange(h * w, dtype=np.int32).reshape(h, w)
    chosen = np.asarray(operation(pillow().fromarray(places), -1))
    pixels = array.reshape(*array.shape[:-2], h * w)[..., np.maximum(chosen, 0)]  # ... (h w) -> ... h' w'
    return np.where(chosen < 0, fill.reshape(-1, 1, 1) if fill.size > 1 else fill[0], pixels)
