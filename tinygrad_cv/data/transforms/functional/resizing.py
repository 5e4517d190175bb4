"""Resizing: by Pillow, which antialiases, and without by :func:`tinygrad_cv.functional.interpolate`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ....core.context import no_grad
from ....functional.resampling import interpolate
from .. import arguments
from ..pillow import NEAREST, RESIZING, Operation, filter_of, resample, resampling
from .geometry import Sides, crop
from .operands import operand, pixels

Mode = Literal["pillow", "float"]
MODES = ("pillow", "float")
PLAIN = ("bilinear", "bicubic")  # what can do without antialiasing


def resize(
    image: np.ndarray,
    size: Sides | None,
    interpolation: Any = "bilinear",
    max_size: int | None = None,
    antialias: bool | None = True,
    *,
    mode: Mode | None = None,
) -> np.ndarray:
    """Resize ... x H x W along both axes.

    Args:
        size: (height, width); or one integer, the length of the shorter edge, the other in proportion; or None.
        interpolation: "nearest" (the pixel in which a new one's center lies: "nearest-exact" is the same), "bilinear",
            "bicubic", "box", "hamming", "lanczos".
        max_size: of the longer edge, if the size is one integer; its length, if the size is None.
        antialias: without it (bilinear and bicubic only) a pixel is made of its four or sixteen neighbours, however
            much smaller the image becomes. Nearest pixels are never antialiased.
        mode: how sums are rounded. "pillow": as Pillow computes bytes, rounded and clipped to 0..255 after the rows and
            again after the columns; for antialiased uint8, and there the default. "float": as Pillow's mode F and
            PyTorch compute floats; bytes are rounded and clipped once, at the end. The two differ by 15 to 30 grey
            levels where the first pass leaves 0..255, as that of bicubic does on black and white pixels, and else by 1.

    Raises:
        TypeError: the image is neither uint8 nor floats, and the interpolation is not nearest.
        ValueError: a wrong argument, or two that exclude each other.

    >>> resize(np.array([[[0, 255]]], np.uint8), (1, 4))
    array([[[  0,  64, 191, 255]]], dtype=uint8)
    """
    name = resize_options("resize", interpolation, antialias, mode)
    wanted = resized_size("resize", operand("resize", image).shape[-2:], size, max_size)
    if name not in NEAREST:
        pixels("resize", image)
    if mode == "pillow" and image.dtype != np.uint8:
        raise ValueError(f'resize: mode is "pillow", which is for uint8, but the image is {image.dtype}. Leave it out.')
    if wanted == image.shape[-2:]:
        return image
    if name in NEAREST:
        rows, columns = (_centers(n, new) for n, new in zip(image.shape[-2:], wanted, strict=True))
        return image[..., rows[:, None], columns]
    black = np.zeros(1, image.dtype)
    if image.dtype == np.uint8 and antialias and mode != "float":
        return resample(image, name, _to(wanted, name), black)
    floats = image.astype(np.float32) if image.dtype == np.uint8 else image
    if antialias:
        resized = resample(floats, name, _to(wanted, name), black)
    else:
        with no_grad():
            planes = floats.reshape(1, -1, *floats.shape[-2:])
            resized = interpolate(planes, wanted, mode=name).numpy()  # type: ignore[arg-type]
        resized = resized.reshape(*floats.shape[:-2], *wanted)
    return resized if image.dtype != np.uint8 else np.clip(np.rint(resized), 0, 255).astype(np.uint8)


def resized_crop(
    image: np.ndarray,
    top: int,
    left: int,
    height: int,
    width: int,
    size: Sequence[int],
    interpolation: Any = "bilinear",
    antialias: bool | None = True,
    *,
    mode: Mode | None = None,
) -> np.ndarray:
    """:func:`crop`, then :func:`resize` to the size."""
    with arguments.reporting("resized_crop"):
        return resize(crop(image, top, left, height, width), size, interpolation, None, antialias, mode=mode)


def resize_options(owner: str, interpolation: Any, antialias: bool | None, mode: str | None) -> str:
    """The interpolation's name, after these three arguments are checked.

    Raises:
        ValueError: one is wrong, or two exclude each other.
    """
    name = resampling(owner, interpolation, RESIZING)
    if mode is not None:
        arguments.one_of(owner, "mode", mode, MODES)
    if not antialias and name not in (*NEAREST, *PLAIN):
        raise ValueError(f"{owner}: antialias is {antialias}; interpolation {name!r} has it always. Leave it True.")
    if not antialias and mode == "pillow":
        raise ValueError(f'{owner}: antialias is {antialias} and mode "pillow"; Pillow antialiases. Take mode="float".')
    return name


def resized_size(owner: str, shape: tuple[int, ...], size: Sides | None, max_size: int | None) -> tuple[int, int]:
    """(height, width) of H x W after resizing.

    Raises:
        TypeError, ValueError: size or max_size is wrong, or they exclude each other.
    """
    h, w = shape
    short, long = sorted(shape)
    if max_size is not None:
        arguments.whole(owner, "max_size", max_size, 1)
    if size is None:
        if max_size is None:
            raise ValueError(f"{owner}: size and max_size are None; give the shorter edge, both edges, or the longer.")
        a, b = int(max_size * short / long), max_size
    else:
        edges = arguments.size(owner, "size", size)
        if np.size(size) == 2:
            if max_size is not None:
                raise ValueError(f"{owner}: size is {size} and max_size {max_size}; with both edges, leave it out.")
            return edges
        a, b = edges[0], int(edges[0] * long / short)
        if max_size is not None:
            if max_size <= a:
                raise ValueError(f"{owner}: max_size is {max_size}, and size {a} the shorter edge; it must be less.")
            if b > max_size:
                a, b = int(max_size * a / b), max_size
    if a == 0:
        raise ValueError(f"{owner}: max_size is {max_size}; {h} x {w} would have an edge of 0. Crop the image first.")
    return (b, a) if w <= h else (a, b)


def _centers(n: int, new: int) -> np.ndarray:
    """The pixels of n in which the centers of ``new`` ones lie; of two between which one lies, the second."""
    return (2 * np.arange(new) + 1) * n // (2 * new)


def _to(wanted: tuple[int, int], name: str) -> Operation:
    chosen = filter_of(name)
    return lambda picture, _: picture.resize(wanted[::-1], chosen)
