"""Numbers in the dtype that was asked for: they fit, or it is an error."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from .errors import DTypeError


def fitted(op: str, numbers: Any, dtype: np.dtype) -> np.ndarray:
    """Numbers as an array of a dtype; as integers, floats are cut towards 0.

    Raises:
        DTypeError: an integer out of the dtype's range, NaN or an infinity as an integer, or a finite number that the
            float dtype could only take as infinite.
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
        f"{op}: {value} does not fit {dtype}, which goes from {info.min} to {info.max}. Use a wider dtype; "
        f"an explicit .astype({str(dtype)!r}) takes what is out of range as it can."
    )
