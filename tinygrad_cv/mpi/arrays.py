"""Arrays between the processes. Each function is called by all of them, in the same order, with arrays of equal shape.

What MPI sees is contiguous, and of a type that it can count in: float16 travels as float32, and only the result is
rounded; booleans travel as bytes. The largest and smallest of floats are found as integers in the floats' order: given
floats, MPICH leaves a NaN on one process and a number on another.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import DTypeError
from .world import World

REDUCTIONS = ("sum", "avg", "product", "min", "max")


def all_reduce(world: World, array: np.ndarray, op: str = "sum") -> np.ndarray:
    """The sum, mean, product, minimum or maximum of everybody's arrays, the same on all processes, in new memory.

    A NaN on one process is a NaN in all results.
    """
    kind = array.dtype.kind
    if kind == "b" and op not in ("min", "max"):
        raise DTypeError(f"all_reduce: {op!r} of booleans, which have a min and a max alone. Use .astype('int64').")
    if kind != "f" and op == "avg":
        raise DTypeError(f"all_reduce: 'avg' of {array.dtype}; only floats have a mean. Use .astype('float32').")
    if world.size == 1:
        return np.array(array, order="C")
    if op in ("min", "max"):
        return _extreme(world, array, op)
    wide = np.array(array, np.float32 if array.dtype == np.float16 else None, order="C")
    reduce_in_place(world, wide, "prod" if op == "product" else "sum")
    if op == "avg":
        wide /= world.size
    return wide.astype(array.dtype, copy=False)


def reduce_in_place(world: World, array: np.ndarray, op: str = "sum") -> None:
    """Everybody's arrays reduced in each one's own memory, which is contiguous; without a copy."""
    from mpi4py import MPI

    world.comm.Allreduce(MPI.IN_PLACE, array, getattr(MPI, op.upper()))


def _extreme(world: World, array: np.ndarray, op: str) -> np.ndarray:
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        keys = np.array(array, np.uint8, order="C")
        reduce_in_place(world, keys, op)
        return keys.astype(bool)
    if kind != "f":
        keys = np.array(array, order="C")
        reduce_in_place(world, keys, op)
        return keys
    most = np.iinfo(f"i{size}").max if op == "max" else np.iinfo(f"i{size}").min
    keys = _ordered(np.array(array, order="C").view(f"i{size}"))
    keys[np.isnan(array)] = most
    wide = keys.astype(np.int32) if size == 2 else keys
    reduce_in_place(world, wide, op)
    result = _ordered(wide.astype(keys.dtype)).view(array.dtype)
    result[wide == most] = np.nan
    return result


def _ordered(bits: np.ndarray) -> np.ndarray:
    """The bits of floats as integers that are ordered as the floats are; and back."""
    lowest = bits.dtype.type(np.iinfo(bits.dtype).max)
    return np.where(bits < 0, bits ^ lowest, bits)


def broadcast(world: World, array: np.ndarray, src: int) -> np.ndarray:
    """Process ``src``'s array, on all of them, in new memory."""
    result = np.array(array, order="C")
    if world.size > 1:
        world.comm.Bcast(_bytes(result), src)
    return result


def all_gather(world: World, array: np.ndarray) -> np.ndarray:
    """Everybody's arrays, stacked in the order of the ranks."""
    array = np.asarray(array, order="C")
    result = np.empty((world.size, *array.shape), array.dtype)
    if world.size > 1:
        world.comm.Allgather(_bytes(array), _bytes(result))
    else:
        result[0] = array
    return result


def _bytes(array: np.ndarray) -> np.ndarray:
    """A contiguous array's memory, whatever is in it."""
    return array.reshape(-1).view(np.uint8)


def gather_objects(world: World, item: Any) -> list[Any]:
    """Everybody's objects, in the order of the ranks; they are pickled, so they must come from whom one trusts."""
    return [item] if world.size == 1 else world.comm.allgather(item)


def broadcast_object(world: World, item: Any, src: int) -> Any:
    """Process ``src``'s object, on all of them."""
    return item if world.size == 1 else world.comm.bcast(item, src)
