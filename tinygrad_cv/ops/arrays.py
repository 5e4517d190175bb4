"""Fast use of NumPy: preserving memory order, and working in blocks that fit into the cache.

A result keeps the memory order of its operand, so the layout that a contraction chose is preserved by elementwise
operations, windows and reductions, without a copy.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

HALF = np.dtype(np.float16)

SMALL = 4096  # elements; below, plain NumPy is fastest
BLOCK = 16384  # elements of a block; a few blocks fit into the L1 cache


def memory_order(array: np.ndarray) -> tuple[int, ...]:
    """The axes from the largest stride to the smallest; broadcast axes (stride 0) keep their places among equals."""
    strides = array.strides
    return tuple(sorted(range(array.ndim), key=lambda axis: -abs(strides[axis])))


def allocate(shape: Sequence[int], dtype: np.dtype, order: Sequence[int]) -> np.ndarray:
    """An empty array whose axes lie in memory in the given order."""
    inverse = [0] * len(order)
    for position, axis in enumerate(order):
        inverse[axis] = position
    return np.empty([shape[axis] for axis in order], dtype).transpose(inverse)


def broadcast(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A read-only view of the array in a larger shape; a fast ``np.broadcast_to``."""
    if array.size == 1:
        view = np.ndarray(shape, array.dtype, array if array.ndim == 0 else array.reshape(()), 0, (0,) * len(shape))
    else:
        lead = len(shape) - array.ndim
        strides = tuple(
            0 if n == 1 and shape[lead + axis] != 1 else stride
            for axis, (n, stride) in enumerate(zip(array.shape, array.strides, strict=True))
        )
        view = np.lib.stride_tricks.as_strided(array, shape, (0,) * lead + strides)
    view.flags.writeable = False
    return view


def collapse(*arrays: np.ndarray) -> list[np.ndarray] | None:
    """Arrays of one shape, cut to size 1 along axes where all are constant; None if there is no such axis."""
    constant = [
        axis for axis, n in enumerate(arrays[0].shape) if n > 1 and all(array.strides[axis] == 0 for array in arrays)
    ]
    if not constant:
        return None
    index = tuple(slice(0, 1) if axis in constant else slice(None) for axis in range(arrays[0].ndim))
    return [array[index] for array in arrays]


def blocks(out: np.ndarray, *operands: np.ndarray) -> Iterator[list[np.ndarray]]:
    """Corresponding pieces of arrays of one shape, each of about ``BLOCK`` elements, in the memory order of ``out``."""
    order = memory_order(out)
    arrays = [array.transpose(order) for array in (out, *operands)]
    if all(array.flags.c_contiguous for array in arrays):
        arrays = [array.reshape(-1) for array in arrays]
    yield from _split(arrays)


def _split(arrays: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    shape = arrays[0].shape
    inner = math.prod(shape[1:])
    if inner > 2 * BLOCK and len(shape) > 1:
        for i in range(shape[0]):
            yield from _split([array[i] for array in arrays])
        return
    rows = max(1, BLOCK // max(inner, 1))
    for i in range(0, shape[0], rows):
        yield [array[i : i + rows] for array in arrays]


def in_single(evaluate: Callable[..., np.ndarray], *arrays: np.ndarray, **params: Any) -> np.ndarray:
    """Evaluate float16 arrays in float32, and round the result once."""
    wide = (array.astype(np.float32) if array.dtype == HALF else array for array in arrays)
    return evaluate(*wide, **params).astype(HALF)
