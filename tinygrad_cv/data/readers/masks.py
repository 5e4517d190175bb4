"""One mask file as an array: the class of each pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import failure
from .pixels import decoded, opened

VOID = 255  # no class


def read_mask(reader: str, path: str | Path, classes: int, shape: tuple[int, ...]) -> np.ndarray:
    """The classes of a palette's or a grey image's pixels.

    Raises:
        ValueError: the file is damaged or of another kind or size, or a class is none.
    """
    with opened(reader, path) as image:
        pixels = decoded(reader, path, image, upright=False)
        if pixels.mode not in ("P", "L"):
            raise failure.wrong(
                reader, path, f"has Pillow's mode {pixels.mode}; a mask has a palette (P) or is grey (L)", ""
            )
        mask = np.array(pixels)
    if mask.shape != shape:
        raise failure.wrong(
            reader, path, f"is {mask.shape[1]} x {mask.shape[0]}, and its image {shape[1]} x {shape[0]}"
        )
    outside = mask[(mask >= classes) & (mask != VOID)]
    if outside.size:
        raise failure.wrong(
            reader, path, f"has the class {outside[0]}; it must be below {classes}, or {VOID} for none", ""
        )
    return mask
