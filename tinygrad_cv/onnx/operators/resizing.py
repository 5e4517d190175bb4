"""Resizing along any axes: each by a table of places and weights, which follow from the attributes alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...frontend.tensor import Tensor
from ...functional.resampling import cubic
from ...functional.taps import Taps
from ..errors import OnnxError
from ..registry import Floats, Integers, Numbers, operator


class Kernel(NamedTuple):
    """What is read at a position: the mode of interpolation and its options."""

    mode: str
    nearest_mode: str = "round_prefer_floor"
    coefficient: float = -0.75  # of cubic convolution
    exclude_outside: bool = False
    antialias: bool = False


class Axis(NamedTuple):
    """From n elements to m along an axis, by a factor that m / n is near to; and the part of it that is cut out."""

    n: int
    m: int
    scale: float
    start: float = 0.0
    end: float = 1.0


def _aligned(a: Axis, i: np.ndarray) -> np.ndarray:
    length = a.scale * a.n
    return i * 0.0 if length == 1 else i * (a.n - 1) / (length - 1)


def _cut_out(a: Axis, i: np.ndarray) -> np.ndarray:
    span, length = (a.end - a.start) * (a.n - 1), a.scale * a.n
    return a.start * (a.n - 1) + (i * 0.0 + span / 2 if length == 1 else i * span / (length - 1))


def _half_pixel(a: Axis, i: np.ndarray) -> np.ndarray:
    return (i + 0.5) / a.scale - 0.5


POSITIONS: dict[str, Callable[[Axis, np.ndarray], np.ndarray]] = {  # in the input, of the output's elements
    "half_pixel": _half_pixel,
    "half_pixel_symmetric": lambda a, i: a.n / 2 * (1 - a.m / (a.scale * a.n)) + _half_pixel(a, i),
    "pytorch_half_pixel": lambda a, i: _half_pixel(a, i) if a.m > 1 else i * 0.0,
    "tf_half_pixel_for_nn": lambda a, i: (i + 0.5) / a.scale,
    "align_corners": _aligned,
    "asymmetric": lambda a, i: i / a.scale,
    "tf_crop_and_resize": _cut_out,
}
NEAREST: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "round_prefer_floor": lambda x: np.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: np.floor(x + 0.5),
    "floor": np.floor,
    "ceil": np.ceil,
}


@lru_cache(256)
def _taps(axis: Axis, kernel: Kernel, coordinates: str) -> Taps:
    """The map along an axis."""
    position = POSITIONS[coordinates](axis, np.arange(axis.m))
    if kernel.mode == "nearest":
        places = NEAREST[kernel.nearest_mode](position)[:, None]
        weights = np.ones(places.shape)
    else:
        reach = 1 if kernel.mode == "linear" else 2
        width = max(1.0 / axis.scale, 1.0) if kernel.antialias else 1.0
        below = (
            math.ceil(reach * width) - 1
        )  # the neighbours of a position between 0 and 1 are from -below to 1 + below
        floor = np.ceil(position) - 1
        places = floor[:, None] + np.arange(-below, below + 2)
        distance = np.abs(places - position[:, None]) / width
        linear = kernel.mode == "linear"
        weights = np.maximum(1.0 - distance, 0.0) if linear else cubic(distance, kernel.coefficient)
        if kernel.antialias:
            weights = weights / weights.sum(1, keepdims=True)
    if kernel.exclude_outside:
        weights = np.where((places < 0) | (places >= axis.n), 0.0, weights)
        total = weights.sum(1, keepdims=True)
        weights = weights / np.where(total == 0, 1.0, total)
    return Taps(axis.n, np.clip(places, 0, axis.n - 1).astype(int), weights)


def resized(
    x: Tensor, axes: Sequence[tuple[int, Axis]], kernel: Kernel, coordinates: str, outside: float = 0.0
) -> Tensor:
    """x resized along axes; what shrinks most comes first."""
    if coordinates not in POSITIONS:
        raise OnnxError(f"coordinate_transformation_mode={coordinates!r}: it must be one of {', '.join(POSITIONS)}.")
    if kernel.nearest_mode not in NEAREST:
        raise OnnxError(f"nearest_mode={kernel.nearest_mode!r}: it must be one of {', '.join(NEAREST)}.")
    if kernel.mode not in ("nearest", "linear", "cubic"):
        raise OnnxError(f"mode={kernel.mode!r}: it must be nearest, linear or cubic.")
    if kernel.antialias and kernel.mode == "nearest":
        raise OnnxError("antialias=1, mode='nearest': there is no antialiasing of single elements.")
    whole = kernel.mode == "nearest" or x.dtype in (np.float32, np.float64)
    y = x if whole else x.astype(np.float32)
    cut = coordinates == "tf_crop_and_resize"
    for place, axis in sorted(axes, key=lambda entry: entry[1].m / max(entry[1].n, 1)):
        if axis.m == axis.n and axis.scale == 1.0 and (not cut or (axis.start, axis.end) == (0.0, 1.0)):
            continue
        if axis.m < 1 or axis.n < 1:
            raise OnnxError(f"axis {place} from size {axis.n} to {axis.m}: both must be at least 1.")
        y = _taps(axis, kernel, coordinates).along(place, y)
        if cut:
            position = _cut_out(axis, np.arange(axis.m))
            beyond = (position < 0) | (position > axis.n - 1)
            y = y._new(beyond.reshape(-1, *(1,) * (y.ndim - place - 1))).where(outside, y)
    return _rounded(y, x.dtype)


def _rounded(y: Tensor, dtype: np.dtype) -> Tensor:
    """y in a dtype; integers are rounded, and those out of its range its ends."""
    if y.dtype == dtype:
        return y
    if dtype.kind == "f":
        return y.astype(dtype)
    limits = np.iinfo(dtype)
    return y.round().clip(float(limits.min), float(limits.max)).astype(dtype)


def _by_scales(x: Tensor, scales: Sequence[float], mode: str) -> Tensor:
    """x resized along all axes by factors, as before opset 11.

    Positions begin at the first element; the nearest is the one before, or, of what shrinks, the one after.
    """
    if len(scales) != x.ndim or min(scales, default=1) <= 0:
        raise OnnxError(f"input of shape {x.shape}, scales={tuple(scales)}: there must be one above 0 for each axis.")
    for i, (n, s) in enumerate(zip(x.shape, scales, strict=True)):
        kernel = Kernel(mode.replace("bilinear", "linear"), "ceil" if s < 1 else "floor")
        x = resized(x, [(i, Axis(n, int(n * s), s))], kernel, "asymmetric")
    return x


def _floats(x: Numbers | None) -> tuple[float, ...] | None:
    """Known numbers as a tuple; None where there are none. float32 means the shortest decimal near it."""
    return None if x is None or x.size == 0 else tuple(float(str(number)) for number in x.reshape(-1))


@operator("Upsample", since=7, grows=True)
def upsample_by(x: Tensor, *, mode: str, scales: Floats) -> Tensor:
    return _by_scales(x, _floats(np.array(scales, np.float32)) or (), mode)


@operator("Upsample", since=9, grows=True)
def upsample(x: Tensor, scales: Numbers, *, mode: str) -> Tensor:
    return _by_scales(x, _floats(scales) or (), mode)


@operator("Resize", since=10, grows=True)
def resize_by(x: Tensor, scales: Numbers, *, mode: str) -> Tensor:
    return _by_scales(x, _floats(scales) or (), mode)


@operator("Resize", since=11, grows=True)
def resize(
    x: Tensor,
    roi: Numbers | None = None,
    scales: Numbers | None = None,
    sizes: Numbers | None = None,
    *,
    mode: str,
    nearest_mode: str,
    coordinate_transformation_mode: str,
    cubic_coeff_a: float,
    exclude_outside: bool,
    extrapolation_value: float,
    antialias: bool = False,
    axes: Integers | None = None,
    keep_aspect_ratio_policy: str = "stretch",
) -> Tensor:
    places = tuple(range(x.ndim)) if axes is None else tuple(axis % x.ndim for axis in axes)
    old = [x.shape[place] for place in places]
    factors, wanted = _floats(scales), _floats(sizes)
    if (factors is None) == (wanted is None) or len(factors or wanted or ()) != len(places):
        raise OnnxError(f"scales={factors}, sizes={wanted}: one of the two must have {len(places)} numbers.")
    if wanted is not None:
        factors, new = _by_sizes(old, wanted, keep_aspect_ratio_policy)
    else:
        assert factors is not None
        new = [int(n * s) for n, s in zip(old, factors, strict=True)]
    cut: tuple[float, ...] = (0.0,) * len(places) + (1.0,) * len(places)
    if coordinate_transformation_mode == "tf_crop_and_resize":
        cut = _floats(roi) or ()
    if len(cut) != 2 * len(places):
        raise OnnxError(f"roi={cut}: there must be {2 * len(places)} numbers, first the starts of all axes.")
    along = [Axis(n, m, s, *cut[i :: len(places)]) for i, (n, m, s) in enumerate(zip(old, new, factors, strict=True))]
    kernel = Kernel(mode, nearest_mode, cubic_coeff_a, exclude_outside, antialias)
    return resized(
        x, list(zip(places, along, strict=True)), kernel, coordinate_transformation_mode, extrapolation_value
    )


def _by_sizes(old: Sequence[int], wanted: Sequence[float], policy: str) -> tuple[tuple[float, ...], list[int]]:
    """Factors and new sizes; all axes have one factor unless the policy is to stretch."""
    factors = tuple(m / n for n, m in zip(old, wanted, strict=True))
    if policy == "stretch":
        return factors, list(map(int, wanted))
    if policy not in ("not_larger", "not_smaller"):
        raise OnnxError(f"keep_aspect_ratio_policy={policy!r}: it must be stretch, not_larger or not_smaller.")
    scale = min(factors) if policy == "not_larger" else max(factors)
    return (scale,) * len(factors), [int(scale * n + 0.5) for n in old]
