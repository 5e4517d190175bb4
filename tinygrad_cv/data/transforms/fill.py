"""What images and masks are filled with beyond their borders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import arguments

FillValue = float | Sequence[float]  # one number, or one for each channel
KINDS = ("image", "mask")


@dataclass(frozen=True)
class Fill:
    """The value beyond the border of an image, one number or one for each channel, and that of a mask."""

    image: FillValue
    mask: float | None  # None where the image's has several numbers, so that a mask's cannot be guessed

    def of_mask(self) -> float:
        """The value of a mask.

        Raises:
            ValueError: it was not given.
        """
        if self.mask is None:
            raise ValueError(
                f'fill is {self.image}, one number for each channel, which a mask has not. Give fill={{"image": '
                f'{self.image}, "mask": 0}}.'
            )
        return self.mask


def read_fill(owner: str, value: FillValue | Mapping[str, FillValue] | None) -> Fill:
    """The argument ``fill``: a number, one for each channel, a dict of both kinds, or None for 0.

    Raises:
        TypeError, ValueError: it is none of these, or a key is neither "image" nor "mask".

    >>> read_fill("Pad", {"image": (124, 116, 104), "mask": 255})
    Fill(image=(124.0, 116.0, 104.0), mask=255.0)
    """
    if isinstance(value, Mapping):
        unknown = [key for key in value if key not in KINDS]
        if unknown:
            raise ValueError(f'{owner}: fill has the key {unknown[0]!r}; the keys are "image" and "mask".')
        return Fill(_numbers(owner, value.get("image", 0)), arguments.number(owner, "fill", value.get("mask", 0)))
    given = _numbers(owner, 0 if value is None else value)
    return Fill(given, None if isinstance(given, tuple) else given)


def fill_of(owner: str, array: np.ndarray, value: FillValue | None, name: str = "fill") -> np.ndarray:
    """The value for each channel of C x H x W, or one for all, in the array's dtype; a fraction is cut off of integers.

    Raises:
        ValueError: not one number nor C, or one that the dtype does not hold.
    """
    given = np.atleast_1d(_numbers(owner, 0 if value is None else value, name))
    channels = array.shape[-3] if array.ndim > 2 else 1
    if given.size not in (1, channels):
        raise ValueError(f"{owner}: {name} has {given.size} numbers for {channels} channels; give one, or {channels}.")
    return arguments.held(owner, name, given, array.dtype)


def _numbers(owner: str, value: Any, name: str = "fill") -> float | tuple[float, ...]:
    if isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str):
        return arguments.numbers(owner, name, value, (1, 2, 3, 4))
    return arguments.number(owner, name, value)
