"""Arrays between the processes. Each function is called by all of them, in the same order, with arrays of equal shape.

What MPI sees is contiguous, and of a type that it can count in: float16 travels as float32, and only the result is
rounded; booleans travel as bytes. The largest and smallest of floats are found as integers in the floats' order: given
floats, MPICH leaves a NaN on one process and a number on another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import DTypeError
from .world import Group

REDUCTIONS = ("sum", "avg", "product", "min", "max")


def all_reduce(group: Group, array: np.ndarray, op: str = "sum") -> np.ndarray:
    """The sum, mean, product, minimum or maximum of everybody's arrays, the same on all processes, in new memory.

    A NaN on one process is a NaN in all results.
    """
    kind = array.dtype.kind
    if kind == "b" and op not in ("min", "max"):
        raise DTypeError(f"all_reduce: {op!r} of booleans, which have a min and a max alone. Use .astype('int64').")
    if kind != "f" and op == "avg":
        raise DTypeError(f"all_reduce: 'avg' of {array.dtype}; only floats have a mean. Use .astype('float32').")
    if group.size == 1:
        return np.array(array, order="C")
    if op in ("min", "max"):
        return _extreme(group, array, op)
    wide = np.array(array, np.float32 if array.dtype == np.float16 else None, order="C")
    reduce_in_place(group, wide, "prod" if op == "product" else "sum")
    if op == "avg":
        wide /= group.size
    return wide.astype(array.dtype, copy=False)


def reduce_in_place(group: Group, array: np.ndarray, op: str = "sum") -> None:
    """Everybody's arrays reduced in each one's own memory, which is contiguous; without a copy."""
    from mpi4py import MPI

    group.comm.Allreduce(MPI.IN_PLACE, array, getattr(MPI, op.upper()))


def sum_into(group: Group, out: np.ndarray, array: np.ndarray, ordered: bool = False) -> None:
    """The sum of everybody's arrays, in memory of the same shape and dtype, which is contiguous; without a copy.

    Args:
        ordered: add in an order that follows from the ranks alone: those of a binary tree over them.
    """
    if array.dtype == np.float16:
        wide = np.empty(array.shape, np.float32)
        sum_into(group, wide, array.astype(np.float32), ordered)
        out[...] = wide
        return
    array = np.asarray(array, order="C")
    if group.size == 1:
        out[...] = array
    elif ordered:
        _sum_as_a_tree(group, out, array)
    else:
        group.comm.Allreduce(array, out)


def _sum_as_a_tree(group: Group, out: np.ndarray, array: np.ndarray) -> None:
    """Neighbours first, then pairs of pairs: what a process adds does not depend on which process it is."""
    if group.size & (group.size - 1):
        parts = list(all_gather(group, array))
        while len(parts) > 1:
            left, right = parts[::2], parts[1::2]
            parts = [a + b for a, b in zip(left, right, strict=False)] + left[len(right) :]
        out[...] = parts[0]
        return
    other = np.empty_like(out)
    out[...] = array
    distance = 1
    while distance < group.size:
        partner = group.rank ^ distance
        group.comm.Sendrecv(out, partner, recvbuf=other, source=partner)
        np.add(out, other, out=out)
        distance *= 2


def _extreme(group: Group, array: np.ndarray, op: str) -> np.ndarray:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        keys = np.array(array, np.uint8, order="C")
        reduce_in_place(group, keys, op)
        return keys.astype(bool)
    if kind != "f":
        keys = np.array(array, order="C")
        reduce_in_place(group, keys, op)
        return keys
    most = np.iinfo(f"i{size}").max if op == "max" else np.iinfo(f"i{size}").min
    keys = _ordered(np.array(array, order="C").view(f"i{size}"))
    keys[np.isnan(array)] = most
    wide = keys.astype(np.int32) if size == 2 else keys
    reduce_in_place(group, wide, op)
    result = _ordered(wide.astype(keys.dtype)).view(array.dtype)
    result[wide == most] = np.nan
    return result


def _ordered(bits: np.ndarray) -> np.ndarray:
    """The bits of floats as integers that are ordered as the floats are; and back."""
    lowest = bits.dtype.type(np.iinfo(bits.dtype).max)
    return np.where(bits < 0, bits ^ lowest, bits)


def broadcast(group: Group, array: np.ndarray, src: int) -> np.ndarray:
    """Process ``src``'s array, on all of them, in new memory."""
    result = np.array(array, order="C")
    if group.size > 1:
        group.comm.Bcast(_bytes(result), src)
    return result


def all_gather(group: Group, array: np.ndarray) -> np.ndarray:
    """Everybody's arrays, stacked in the order of the ranks."""
    array = np.asarray(array, order="C")
    result = np.empty((group.size, *array.shape), array.dtype)
    if group.size > 1:
        group.comm.Allgather(_bytes(array), _bytes(result))
    else:
        result[0] = array
    return result


def _bytes(array: np.ndarray) -> np.ndarray:
    """A contiguous array's memory, whatever is in it."""
    return array.reshape(-1).view(np.uint8)


def gather_objects(group: Group, item: Any) -> list[Any]:
    """Everybody's objects, in the order of the ranks; they are pickled, so they must come from whom one trusts."""
    return [item] if group.size == 1 else group.comm.allgather(item)


def broadcast_object(group: Group, item: Any, src: int) -> Any:
    """Process ``src``'s object, on all of them."""
    return item if group.size == 1 else group.comm.bcast(item, src)
