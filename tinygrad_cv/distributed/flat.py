"""Tensors one after another in flat arrays, so that processes exchange one array instead of many."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..core.ownership import COUNTS
from ..frontend.functions import concatenate

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

HALF, SINGLE = np.dtype(np.float16), np.dtype(np.float32)
UNUSED = 2  # references to an array that one attribute alone holds: the attribute's, and the one of the count itself


class Slot(NamedTuple):
    """Where a tensor is in the flat array of its dtype."""

    start: int
    stop: int
    shape: tuple[int, ...]
    dtype: np.dtype


class Flat:
    """The places of tensors in flat arrays, one for each dtype; float16 is in that of float32.

    Attributes:
        runs: for each dtype, the numbers of its tensors.
        slots: for each tensor, its place.
    """

    def __init__(self, tensors: Iterable[Tensor]):
        self.runs: dict[np.dtype, list[int]] = {}
        self.slots: list[Slot] = []
        self.sizes: dict[np.dtype, int] = {}
        for number, tensor in enumerate(tensors):
            dtype = SINGLE if tensor.dtype == HALF else tensor.dtype
            start = self.sizes.get(dtype, 0)
            self.sizes[dtype] = start + int(tensor.size)
            self.runs.setdefault(dtype, []).append(number)
            self.slots.append(Slot(start, self.sizes[dtype], tensor.shape, tensor.dtype))

    def join(self, tensors: Sequence[Tensor]) -> dict[np.dtype, Tensor]:
        """The tensors as flat ones, by tensor operations."""
        return {
            dtype: concatenate([tensors[number].reshape(-1).astype(dtype) for number in run])
            for dtype, run in self.runs.items()
        }

    def part(self, flat: dict[np.dtype, Tensor], number: int) -> Tensor:
        """One tensor of flat ones, by tensor operations."""
        start, stop, shape, dtype = self.slots[number]
        run = flat[SINGLE if dtype == HALF else dtype]
        return run.slice((start,), (stop,), (1,)).reshape(shape).astype(dtype)


class Buffer:
    """Memory for a flat array, used again when no view of it is left."""

    def __init__(self, size: int, dtype: np.dtype):
        self._array = np.empty(size, dtype)

    def take(self) -> np.ndarray:
        """The memory, for whoever writes into it next."""
        if not COUNTS or sys.getrefcount(self._array) > UNUSED:
            self._array = np.empty(self._array.shape, self._array.dtype)
        return self._array
