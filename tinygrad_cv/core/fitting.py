"""Checked conversion to a dtype: numbers that do not fit raise."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from .errors import DTypeError


def fitted(op: str, numbers: Any, dtype: np.dtype) -> np.ndarray:
    """Numbers as an array of a dtype; floats become integers by rounding towards 0.

    Raises:
        DTypeError: an integer out of the dtype's range, a NaN or infinity for an integer dtype, or a finite number that
            overflows the float dtype.
    """
    array = np.asarray(numbers)
    if array.dtype == dtype or dtype.kind == "b" or np.can_cast(array.dtype, dtype):
        return array.astype(dtype, copy=False)
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        if array.dtype.kind == "f":
            array = array.astype(np.float64)  # float16 does not hold the limits
            fits = (array > float(limits.min) - 1) | (array == limits.min)
            fits &= array < 2.0 ** int(limits.max).bit_length()
        else:
            fits = (array >= limits.min) & (array <= limits.max)
        if not np.all(fits):
            raise _unfit(op, array, ~np.asarray(fits, bool), dtype)
        return array.astype(dtype)
    try:
        with np.errstate(over="ignore"):
            result = array.astype(dtype)
    except OverflowError:  # an integer beyond every float
        result = np.full(array.shape, np.inf, dtype)
    large = np.isinf(result)
    if large.any():
        large &= np.ones(array.shape, bool) if array.dtype.kind == "O" else np.isfinite(array)
        if large.any():
            raise _unfit(op, array, large, dtype)
    return result


def _unfit(op: str, array: np.ndarray, wrong: np.ndarray, dtype: np.dtype) -> DTypeError:
    info = np.iinfo(dtype) if dtype.kind in "iu" else np.finfo(dtype)
    value = reprlib.repr(array[wrong].flat[0].item() if array.dtype.kind != "O" else array[wrong].flat[0])
    return DTypeError(
        f"{op}: {value} does not fit {dtype}, which has the range {info.min} to {info.max}. Use a wider "
        f"dtype, or .astype({str(dtype)!r}), which saturates or overflows."
    )
