"""Ways to hold the same numbers in memory.

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


def channels_last(x: Array) -> Array:
    """A view whose second axis is innermost in memory."""
    if x.ndim < 3:
        return x.copy()
    return np.moveaxis(np.moveaxis(x, 1, -1).copy(order="C"), -1, 1)


def reversed_strides(x: Array) -> Array:
    """A view that runs backwards through memory along every axis."""
    return np.asarray(np.flip(np.flip(x).copy()))


def strided(x: Array) -> Array:
    """Every other element of an array twice as long along every axis; what lies between is NaN where it can be."""
    return _within(x, [2 * n for n in x.shape], slice(None, None, 2))


def interior(x: Array) -> Array:
    """All but the border of an array; the border is NaN where it can be."""
    return _within(x, [n + 2 for n in x.shape], slice(1, -1))


def _within(x: Array, shape: list[int], part: slice) -> Array:
    wide = np.full(shape, np.nan if x.dtype.kind == "f" else 0, x.dtype)
    place: Any = (..., *[part] * x.ndim)
    view: Array = wide[place]
    view[...] = x
    return view


def read_only(x: Array) -> Array:
    """C order, and not to be written."""
    x = x.copy(order="C")
    x.flags.writeable = False
    return x


def unaligned(x: Array) -> Array:
    """Read-only, and not at an address that is a multiple of the element's size."""
    memory = bytearray(x.nbytes + 1)
    view: Array = np.ndarray(x.shape, x.dtype, memory, offset=1)
    view[...] = x
    view.flags.writeable = False
    return view


def broadcast(x: Array, axis: int) -> Array:
    """The first place along an axis, repeated by a stride of 0."""
    return np.broadcast_to(x[(slice(None),) * axis + (slice(0, 1),)], x.shape)


def one_number(x: Array) -> Array:
    """The first number everywhere, by strides of 0."""
    return np.broadcast_to(x.ravel()[:1].reshape(()), x.shape) if x.size else x


LAYOUTS: dict[str, Layout] = {
    "C": row_major,
    "Fortran": column_major,
    "transposed": transposed,
    "channels last": channels_last,
    "reversed": reversed_strides,
    "strided": strided,
    "interior": interior,
    "read-only": read_only,
    "unaligned": unaligned,
}
REPEATED: dict[str, Layout] = {
    "broadcast first axis": lambda x: broadcast(x, 0) if x.ndim else x,
    "broadcast last axis": lambda x: broadcast(x, x.ndim - 1) if x.ndim else x,
    "broadcast number": one_number,
}
