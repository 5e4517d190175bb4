"""The gradients of all processes, averaged at the end of each backward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import current
from ..core.errors import TraceError
from ..core.hooks import SharedHook
from ..frontend.creation import zeros
from ..mpi.arrays import all_reduce, reduce_in_place
from ..mpi.world import members
from .flat import HALF, SINGLE, Buffer, Flat

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Gradients = list[tuple["Tensor", "Tensor"]]


class Averaging(SharedHook):
    """A hook of all leaves of a model: their gradients become the means over all processes.

    What is in ``.grad`` already, from passes without exchange, is part of the mean. A leaf that a process has not used
    counts as zeros there; one that none has used keeps no gradient, in a compiled function zeros.

    Attributes:
        enabled: whether to exchange anything; otherwise gradients are added up here.
    """

    guarded = ("enabled",)  # what a compiled function depends on

    def __init__(self, leaves: Sequence[Tensor]):
        self.enabled = True
        self._leaves = list(leaves)
        self._flat = Flat(leaves)
        flags = {next(iter(self._flat.sizes), SINGLE): len(leaves)}  # who was used, at the end of the first array
        self._buffers = {dtype: Buffer(n + flags.get(dtype, 0), dtype) for dtype, n in self._flat.sizes.items()}

    def deposit(self, gradients: Gradients) -> Gradients:
        """Set the gradients; none is left to be added."""
        if not self.enabled:
            return gradients
        new = {id(leaf): g for leaf, g in gradients}
        context = current()  # and not whether a gradient has a graph, in which ranks may differ
        if context.trace is not None or context.recording:
            self._composed(new)
        else:
            self._in_place(new)
        return []

    def _in_place(self, new: Mapping[int, Tensor]) -> None:
        """Each gradient is copied once, into the array that is exchanged; ``.grad`` is a view of it."""
        group = members("DistributedDataParallel")
        arrays = {dtype: buffer.take() for dtype, buffer in self._buffers.items()}
        flags = next(iter(arrays.values()))[-len(self._leaves) :]
        for number, (leaf, slot) in enumerate(zip(self._leaves, self._flat.slots, strict=True)):
            place = self._place(arrays, number)
            g, old = new.get(id(leaf)), leaf.grad
            flags[number] = g is not None or old is not None
            if g is not None and old is not None:
                np.add(old._value, g._value, out=place, dtype=place.dtype)
            else:
                source = g if g is not None else old
                place[...] = 0 if source is None else source._value
            assert place.shape == slot.shape
        for array in arrays.values():
            reduce_in_place(group, array)
            array /= group.size
        used = flags > 0
        for number, leaf in enumerate(self._leaves):
            if used[number]:
                value = self._place(arrays, number)
                leaf.grad = leaf._new(value.astype(HALF) if leaf.dtype == HALF else value)

    def _place(self, arrays: Mapping[np.dtype, np.ndarray], number: int) -> np.ndarray:
        start, stop, shape, dtype = self._flat.slots[number]
        return arrays[SINGLE if dtype == HALF else dtype][start:stop].reshape(shape)

    def _composed(self, new: Mapping[int, Tensor]) -> None:
        """The same by tensor operations, which are traced, and have derivatives."""
        parts, used = [], []
        for leaf in self._leaves:
            g, old = new.get(id(leaf)), leaf.grad
            found = [part for part in (old, g) if part is not None]
            used.append(bool(found))
            parts.append(sum(found[1:], found[0]) if found else zeros(leaf.shape, dtype=leaf.dtype))
        group = members("DistributedDataParallel")
        if current().trace is not None:
            used = [True] * len(used)
        else:
            used = all_reduce(group, np.array(used), "max").tolist()
        # Divided first: what NumPy reads is a copy, but compiled code stores gradients side by side for the division.
        flat = {dtype: (run / group.size).all_reduce() for dtype, run in self._flat.join(parts).items()}
        for number, leaf in enumerate(self._leaves):
            if used[number]:
                leaf.grad = self._flat.part(flat, number)


class Ordered(SharedHook):
    """A hook of all leaves of a model: the mean of the gradients of so many passes, added in an order of their own.

    Passes are the leaves of a binary tree, over which gradients are added: those of one process are a part of it, and
    the processes' parts make up the whole. So the bits do not depend on how many processes there are.
    """

    guarded = ()

    def __init__(self, leaves: Sequence[Tensor], passes: int):
        self._leaves, self._flat, self._passes = list(leaves), Flat(leaves), passes
        self._sums: list[tuple[int, dict[np.dtype, Tensor]]] = []  # of 2^k passes, and k, which falls along the list

    def deposit(self, gradients: Gradients) -> Gradients:
        """Keep the gradients of a pass; set those of the leaves after the last one."""
        if current().trace is not None:
            raise TraceError(
                "backward() in a jitted function, of a DistributedDataParallel with deterministic=True: sums are kept "
                "from pass to pass, in a fixed order. Jit the function that computes the loss, and call backward() on "
                "that."
            )
        new = {id(leaf): g for leaf, g in gradients}
        total = self._flat.join([new.get(id(leaf), zeros(leaf.shape, dtype=leaf.dtype)) for leaf in self._leaves])
        level = 0
        while self._sums and self._sums[-1][0] == level:
            before = self._sums.pop()[1]
            total = {dtype: before[dtype] + part for dtype, part in total.items()}
            level += 1
        self._sums.append((level, total))
        if members("DistributedDataParallel").size << level == self._passes:
            self._sums.clear()
            mean = {dtype: part.all_reduce(ordered=True) / self._passes for dtype, part in total.items()}
            for number, leaf in enumerate(self._leaves):
                g = self._flat.part(mean, number).clone()
                leaf.grad = g if leaf.grad is None else leaf.grad + g
        return []
