"""Conversions: from and to Pillow's images, dtypes, means and deviations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import arguments
from .fill import KINDS
from .functional import values
from .pillow import pillow
from .transform import Params, Transform

MODES = {"L": 1, "RGB": 3, "RGBA": 4, "I;16": 1, "F": 1}  # Pillow's, and their channels


class ToImage(Transform):
    """An image of Pillow's as an array C x H x W, a view of H x W x C; an array as it is. Masks likewise, H x W.

    Pillow's modes are L and RGB (uint8), RGBA (4 x H x W), I;16 (uint16) and F (float32).

    Raises:
        ValueError: another mode, in which numbers are no colors (P), or are other colors (CMYK, YCbCr).
    """

    def __call__(self, *inputs: Any, generator: Any = None) -> Any:
        image, *others = (self._array(value, n) for n, value in enumerate(inputs))
        return (image, *others) if others else image

    @staticmethod
    def _array(value: Any, n: int) -> Any:
        if not isinstance(value, pillow().Image):
            return value
        array = np.array(value)
        if n and value.mode in ("1", "L", "P", "I", "I;16"):  # a mask: the numbers of classes
            return array
        if value.mode not in MODES:
            raise ValueError(
                f'ToImage: image has Pillow\'s mode {value.mode}; it must be {", ".join(MODES)}. Use .convert("RGB").'
            )
        return array[np.newaxis] if array.ndim == 2 else array.transpose(2, 0, 1)  # h w c -> c h w


class ToDtype(Transform):
    """Another dtype of the image; with ``scale`` also its range, 0 to 255 or 0 to 1: see :func:`functional.to_dtype`.

    Args:
        dtype: of the image; or ``{"image": ..., "mask": ...}``, where None changes nothing. Masks are not scaled.

    >>> ToDtype(np.float32, scale=True)(np.full((1, 1, 2), 255, np.uint8))
    array([[[1., 1.]]], dtype=float32)
    """

    def __init__(self, dtype: DTypeLike | Mapping[str, DTypeLike], scale: bool = False):
        given: Mapping[str, Any] = dtype if isinstance(dtype, Mapping) else {"image": dtype}
        for key in given:
            arguments.one_of("ToDtype", "dtype", key, KINDS)
        if not isinstance(dtype, Mapping):
            values.numeric("ToDtype", dtype)
        self.dtype = {key: None if given.get(key) is None else values.numeric("ToDtype", given[key]) for key in KINDS}
        self.scale = bool(scale)

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The converted image."""
        kind = self.dtype["image"]
        return image if kind is None else values.to_dtype(image, kind, self.scale)

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """The converted mask."""
        kind = self.dtype["mask"]
        return mask if kind is None else mask.astype(kind, copy=False)

    def batch(self, images: np.ndarray, generators: Any = None) -> np.ndarray:
        """All images N x C x H x W at once."""
        self.check_batch(images, generators)
        return self.transform(images, {})

    def _dtypes(self) -> tuple[np.dtype[Any], ...]:
        return ()


class Normalize(Transform):
    """(x - mean) / std of each channel, for float images: see :func:`functional.normalize`.

    Args:
        mean, std: one number, or one for each channel; std is not 0.
        inplace: overwrite the image.
    """

    def __init__(self, mean: ArrayLike, std: ArrayLike, inplace: bool = False):
        self.mean, self.std = (_means(name, value) for name, value in (("mean", mean), ("std", std)))
        if not np.all(self.std):
            raise ValueError(f"Normalize: std is {std!r}; it divides, so it must not be 0.")
        self.inplace = bool(inplace)

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The normalized image."""
        return values.normalize(image, self.mean, self.std, self.inplace)

    def batch(self, images: np.ndarray, generators: Any = None) -> np.ndarray:
        """All images N x C x H x W at once."""
        self.check_batch(images, generators)
        return self.transform(images, {})


def _means(name: str, value: Any) -> Any:
    if np.ndim(value):
        return arguments.numbers("Normalize", name, value, (1, 2, 3, 4))
    return arguments.number("Normalize", name, value)
