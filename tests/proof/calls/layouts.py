"""Seven ways to hold the same numbers in memory.

A layout takes an array and returns one that is equal to it, held otherwise; ``broadcast`` alone returns other numbers,
since memory that is read more than once repeats itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray
Layout = Callable[[Array], Array]


def row_major(x: Array) -> Array:
    """C order."""
    return x.copy(order="C")


def column_major(x: Array) -> Array:
    """Fortran order."""
    return x.copy(order="F")


def transposed(x: Array) -> Array:
    """A transposed view: the first axis is innermost in memory, the others keep their order."""
    if x.ndim < 2:
        return x.copy().T
    return np.moveaxis(np.moveaxis(x, 0, -1).copy(order="C"), -1, 0)


def reversed_strides(x: Array) -> Array:
    """A view that runs backwards through memory along every axis."""
    return np.asarray(np.flip(np.flip(x).copy()))


def strided(x: Array) -> Array:
    """Every other element of an array twice as long along every axis; what lies between is NaN where it can be."""
    wide = np.full([2 * n for n in x.shape], np.nan if x.dtype.kind == "f" else 0, x.dtype)
    every_other: Any = (..., *[slice(None, None, 2)] * x.ndim)
    view: Array = wide[every_other]
    view[...] = x
    return view


def unaligned(x: Array) -> Array:
    """Read-only, and not at an address that is a multiple of the element's size."""
    memory = bytearray(x.nbytes + 1)
    view: Array = np.ndarray(x.shape, x.dtype, memory, offset=1)
    view[...] = x
    view.flags.writeable = False
    return view


LAYOUTS: dict[str, Layout] = {
    "C": row_major,
    "Fortran": column_major,
    "transposed": transposed,
    "reversed": reversed_strides,
    "strided": strided,
    "unaligned": unaligned,
}
BROADCAST = "broadcast"  # the seventh; along which axis, the case says
NAMES = (*LAYOUTS, BROADCAST)


def broadcast(x: Array, axis: int) -> Array:
    """The first place along an axis, repeated by a stride of 0."""
    return np.broadcast_to(x[(slice(None),) * axis + (slice(0, 1),)], x.shape)
