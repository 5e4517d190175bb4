"""Where in memory an array's elements are, and memory that begins at a cache line."""

from __future__ import annotations

import ctypes

import numpy as np

from ..core.floor import uses
from .schedule.layout import ALIGNMENT

HEAD = object.__basicsize__  # bytes of the header of an object


def pointer(array: np.ndarray) -> int:
    """The address of an array's elements: ``array.ctypes.data``, in a fraction of its time.

    By NumPy's C interface the pointer to the elements follows the header that every object has.
    """
    return ctypes.c_int64.from_address(id(array) + HEAD).value


def _documented(array: np.ndarray) -> int:
    return int(array.ctypes.data)


def _points() -> bool:
    """Whether :func:`pointer` finds the addresses that NumPy documents."""
    whole = np.zeros((3, 4))
    return all(pointer(array) == _documented(array) for array in (whole, whole[1:, 2:], np.zeros((), np.uint8)))


address = pointer if uses("pointers") and _points() else _documented


def aligned(nbytes: int) -> np.ndarray:
    """Zeros, aligned to a cache line."""
    raw = np.zeros(nbytes + ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % ALIGNMENT
    return raw[start : start + nbytes]
