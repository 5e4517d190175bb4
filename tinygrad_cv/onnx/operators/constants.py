"""Constants, shapes, and conversions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...frontend.tensor import Tensor
from ..errors import OnnxError
from ..registry import DType, Floats, Integers, Numbers, operator


@operator("Constant", since=1)
def constant(
    *,
    value: np.ndarray | None = None,
    value_float: float | None = None,
    value_floats: Floats | None = None,
    value_int: int | None = None,
    value_ints: Integers | None = None,
) -> np.ndarray:
    choices: list[tuple[Any, Any]] = [(value, None), (value_float, np.float32), (value_floats, np.float32)]
    choices += [(value_int, np.int64), (value_ints, np.int64)]
    given = [np.asarray(x, dtype) for x, dtype in choices if x is not None]
    if len(given) != 1:
        raise OnnxError(f"{len(given)} attributes with a value: there must be one.")
    return given[0]


@operator("ConstantOfShape", since=9, grows=True)
def constant_of_shape(shape: Numbers, *, value: np.ndarray | None = None) -> np.ndarray:
    sizes = tuple(map(int, shape.reshape(-1)))
    if min(sizes, default=0) < 0:
        raise OnnxError(f"shape {sizes}: no size may be below 0.")
    return np.full(sizes, np.float32(0) if value is None else value.reshape(()), None if value is None else value.dtype)


@operator("Shape", since=1)
def shape(x: Tensor, *, start: int = 0, end: int | None = None) -> np.ndarray:
    """The sizes of the axes, from one to another."""
    return np.array(x.shape[slice(_clamped(start, x.ndim), None if end is None else _clamped(end, x.ndim))], np.int64)


def _clamped(axis: int, ndim: int) -> int:
    return min(max(axis + ndim if axis < 0 else axis, 0), ndim)


@operator("Size", since=1)
def size(x: Tensor) -> np.ndarray:
    return np.array(math.prod(x.shape), np.int64)


@operator("Range", since=11, grows=True)
def arange(start: Numbers, limit: Numbers, delta: Numbers, *, stash_type: int = 1) -> np.ndarray:
    """start, start + delta, ... before the limit."""
    first, end, step = (x.reshape(()).item() for x in (start, limit, delta))
    if step == 0:
        raise OnnxError("delta is 0.")
    count = max(math.ceil((end - first) / step), 0)
    return (first + np.arange(count) * step).astype(start.dtype)


@operator("EyeLike", since=9)
def eye_like(x: Tensor, *, dtype: DType | None = None, k: int) -> np.ndarray:
    if x.ndim != 2:
        raise OnnxError(f"input of shape {x.shape}: it must be a matrix.")
    return np.eye(x.shape[0], x.shape[1], k=k, dtype=dtype or x.dtype)


@operator("Cast", since=6)
def cast(x: Tensor, *, to: DType, saturate: bool = True, round_mode: str = "up") -> Tensor:
    """x in another dtype; saturate and round_mode are for dtypes of 8 bits that there are not."""
    return converted(x, to)


@operator("CastLike", since=15)
def cast_like(x: Tensor, target: Tensor, *, saturate: bool = True, round_mode: str = "up") -> Tensor:
    return converted(x, target.dtype)


def converted(x: Tensor, dtype: np.dtype) -> Tensor:
    return x != 0 if dtype.kind == "b" != x.dtype.kind else x.astype(dtype)
