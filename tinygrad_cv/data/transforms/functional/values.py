"""Values of images: their dtype and range, their mean and deviation, rectangles set to a value."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from ..arguments import array, held, number, numbers, whole
from .operands import operand

ALMOST_ONE = 1 - 1e-3  # that the interval of each integer is equally wide, and 1.0 is the largest


def to_dtype(image: np.ndarray, dtype: DTypeLike = np.float32, scale: bool = False) -> np.ndarray:
    """Another dtype; with ``scale`` also its range: integers from 0 to their largest, floats from 0 to 1.

    Floats become integers by ⌊x (largest + 1 - 1e-3)⌋, after they are cut off at 0 and 1; integers become others by
    shifting bits.

    Raises:
        TypeError: not a dtype of numbers.
        ValueError: a NaN cannot become an integer; a float has not the digits of the integer's bits.

    >>> to_dtype(np.array([[0, 255]], np.uint8), scale=True)
    array([[0., 1.]], dtype=float32)
    """
    kind = numeric("to_dtype", dtype)
    source = operand("to_dtype", image).dtype
    if source == kind:
        return image
    if not scale or "b" in (source.kind, kind.kind) or source.kind == kind.kind == "f":
        return image.astype(kind)
    if kind.kind == "f":
        return image.astype(kind) / kind.type(np.iinfo(source).max)
    if source.kind == "f":
        return _quantized(image, kind)
    shift = _bits(source) - _bits(kind)
    return (image >> shift).astype(kind) if shift > 0 else image.astype(kind) << -shift


def normalize(image: np.ndarray, mean: ArrayLike, std: ArrayLike, inplace: bool = False) -> np.ndarray:
    """(x - mean) / std of each channel of C x H x W, floats.

    Args:
        mean, std: one number, or C of them; std is not 0.
        inplace: overwrite the image.

    Raises:
        TypeError: the image is not of floats, as :func:`to_dtype` makes it.
        ValueError: another number of means or deviations, or a deviation of 0.
    """
    if operand("normalize", image).dtype.kind != "f":
        raise TypeError(
            f"normalize: image is {image.dtype}; it must be of floats. Use ToDtype(np.float32, scale=True) first."
        )
    center, deviation = (
        _per_channel(image, name, value).astype(image.dtype) for name, value in (("mean", mean), ("std", std))
    )
    if not deviation.all():
        raise ValueError(f"normalize: std is {std!r}; it divides, so it must not be 0.")
    result = np.subtract(image, center, out=image if inplace else None)
    result /= deviation
    return result


def erase(image: np.ndarray, i: int, j: int, h: int, w: int, v: ArrayLike, inplace: bool = False) -> np.ndarray:
    """Set the rectangle of h x w from row i and column j on to v, which is broadcast to C x h x w.

    Args:
        inplace: overwrite the image.
    """
    operand("erase", image)
    i, j, h, w = (whole("erase", name, value) for name, value in (("i", i), ("j", j), ("h", h), ("w", w)))
    erased = image if inplace else image.copy()
    part = erased[..., i : i + h, j : j + w]
    value = held("erase", "v", array("erase", "v", v), image.dtype)
    try:
        part[...] = value
    except ValueError:
        raise ValueError(f"erase: v has shape {value.shape}; it must be one that broadcasts to {part.shape}.") from None
    return erased


def numeric(owner: str, dtype: DTypeLike | None) -> np.dtype[Any]:
    """The dtype, if it is one of numbers.

    Raises:
        TypeError: it is not.
    """
    try:
        kind = np.dtype(dtype) if dtype is not None else None
    except TypeError:
        kind = None
    if kind is None or kind.kind not in "buif":
        raise TypeError(f'{owner}: dtype is {dtype!r}; it must be a dtype of numbers, such as np.float32 or "uint8".')
    return kind


def _quantized(image: np.ndarray, kind: np.dtype[Any]) -> np.ndarray:
    if _bits(kind) > np.finfo(image.dtype).nmant + 1:
        raise ValueError(
            f"to_dtype: {image.dtype} has {np.finfo(image.dtype).nmant + 1} bits of digits and dtype {kind} "
            f"{_bits(kind)}; scale=True cannot fill them. Take a smaller integer."
        )
    if np.isnan(image).any():
        raise ValueError(f"to_dtype: image holds NaN, which dtype {kind} does not. Replace it first, by np.nan_to_num.")
    most = np.iinfo(kind).max
    return (np.clip(image, 0, 1) * image.dtype.type(most + ALMOST_ONE)).astype(kind)


def _bits(kind: np.dtype[Any]) -> int:
    return int(np.iinfo(kind).max).bit_length()


def _per_channel(image: np.ndarray, name: str, value: ArrayLike) -> np.ndarray:
    channels = image.shape[-3] if image.ndim > 2 else 1
    given = np.atleast_1d(np.asarray(value))
    if np.ndim(value) == 0:
        number("normalize", name, value)
    elif given.shape != (channels,) and given.shape != (1,):
        raise ValueError(
            f"normalize: {name} has shape {given.shape} for {channels} channels; give one number, or {channels}."
        )
    else:
        numbers("normalize", name, value, (1, channels))
    return given.reshape(-1, 1, 1)
