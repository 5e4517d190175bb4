"""In which order the axes of arrays lie in memory: compiled code reads and writes arrays as they lie.

An order lists the axes from the outermost to the innermost; None is row-major, and any that is none of contiguous axes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from ..core.primitive import PRIMITIVES
from ..ir.graph import Value
from ..ops.contraction import parse

Order = tuple[int, ...] | None


def order_of(array: np.ndarray) -> Order:
    """The order of an array's axes."""
    return None if array.flags.c_contiguous else _order(array.shape, array.strides, array.itemsize)


@lru_cache(maxsize=1 << 10)
def _order(shape: tuple[int, ...], strides: tuple[int, ...], itemsize: int) -> Order:
    order = tuple(sorted(range(len(shape)), key=lambda axis: -strides[axis]))
    for axis in reversed(order):
        if strides[axis] != itemsize and shape[axis] > 1:
            return None
        itemsize *= shape[axis]
    return order


@lru_cache(maxsize=1 << 10)
def inverse(order: tuple[int, ...]) -> tuple[int, ...]:
    """The permutation that undoes this one."""
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def of_result(value: Value, arguments: Iterable[tuple[int, Order]]) -> Order:
    """The order that a result gets: that of an argument, or that of vectors.

    Args:
        arguments: rank and order of each.
    """
    known = next((order for rank, order in arguments if order is not None and rank == value.ndim), None)
    axis = _of_vectors(value) if known is None else None
    return known if axis is None else (*(i for i in range(value.ndim) if i != axis), axis)


def _of_vectors(value: Value) -> int | None:
    """The axis of a contraction's result along which its vectors run: one that only the smaller operand has.

    None if it is the last, and if the value is neither a contraction nor elementwise operations on one.
    """
    found = _contraction(value)
    if found is None or value.ndim < 3:
        return None
    groups = parse(found.params["spec"])
    extent = dict(zip(groups.y, value.shape, strict=True))
    free = min((groups.free_a, groups.free_b), key=lambda letters: sum(extent[i] > 1 for i in letters))
    axis = max((groups.y.index(i) for i in free), key=value.shape.__getitem__, default=value.ndim - 1)
    return axis if value.shape[axis] > 1 and axis < value.ndim - 1 else None


def _contraction(value: Value) -> Value | None:
    """The contraction that elementwise operations have made the value of; itself if it is one."""
    stack, seen = [value], {value}
    while stack:
        value = stack.pop()
        if value.op == "contract":
            return value
        if value.op in PRIMITIVES and PRIMITIVES[value.op].family == "elementwise":
            stack += [arg for arg in reversed(value.args) if arg not in seen]
            seen.update(value.args)
    return None
