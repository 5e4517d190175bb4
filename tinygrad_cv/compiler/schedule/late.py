"""The kernels that store updates, the late ones: they run when everything else is done.

So a call that fails has changed nothing. Each late kernel reads an element of the present value before it stores the
next one over it, and no other late kernel reads the present value: otherwise the next one gets memory of its own.

An update that does not read what it replaces, such as a gradient, gets new memory where it is fused with a kernel that
stores something else: a late kernel of its own would read the same memory again.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.graph import Graph, Value
from .expr import walk
from .kernel import NEW, Kernel, NestKernel
from .updates import Updates

EARLY, ANY, LATE = range(3)  # times; any: late, unless it is fused with one that is early


class Times:
    """When kernels may run, while they are fused one by one, each after those that make what it reads."""

    def __init__(self, updates: Updates):
        self._late = {value for value, place in updates.late.items() if place >= 0}  # and what is stored with them
        self._free = updates.late.keys() - self._late  # updates that may still be early, if they are fused

    def of(self, kernel: Kernel) -> int:
        """Late, if it stores or reads what is late, or reads what may be; early, if it stores what is no update."""
        if not (self._late.isdisjoint((*kernel.writes, *kernel.reads)) and self._free.isdisjoint(kernel.reads)):
            return LATE
        return ANY if self._free.issuperset(kernel.writes) else EARLY

    def keep(self, kernel: Kernel) -> None:
        """Keep to the time of a kernel for all that stores parts of the same values."""
        if (time := self.of(kernel)) != ANY:
            self._free.difference_update(kernel.writes)
        if time == LATE:
            self._late.update(kernel.writes)


def late_kernels(kernels: Sequence[Kernel], graph: Graph, updates: Updates, times: Times) -> list[Kernel]:
    """The kernels that store updates, and those that read what they store; none if another output is among these."""
    found = [kernel for kernel in kernels if times.of(kernel) != EARLY]
    stored = {value for kernel in found for value in kernel.writes}
    possible = all(isinstance(kernel, NestKernel) for kernel in found)
    return found if possible and stored.isdisjoint(set(graph.outputs) - updates.late.keys()) else []


def places(late: Sequence[Kernel], graph: Graph, updates: Updates) -> dict[Value, int]:
    """For each update that a late kernel stores, what it may be written over: ``NEW`` where that is still read."""
    found: dict[Value, int] = {}
    for kernel in late:
        for value in kernel.writes:
            if value in updates.late:
                place = updates.late[value]
                safe = place < 0 or _reads_first(graph.inputs[place], value, kernel, late)
                found[value] = place if safe and found.get(value) != NEW else NEW
    return found


def _reads_first(old: Value, new: Value, kernel: Kernel, late: Sequence[Kernel]) -> bool:
    """Whether an element of ``old`` is read by this kernel only, before the same element of ``new`` is stored."""
    if any(old in other.reads for other in late if other is not kernel):
        return False
    assert isinstance(kernel, NestKernel)
    nest = kernel.nest
    loads = [load for load in nest.loads if load.value is old]
    stores = [store for store in nest.stores if store.value is new]
    if not loads:
        return True
    if len(stores) != 1 or nest.reductions or nest.scatter:
        return False
    first = set(walk([stores[0].expr]))  # where another store reads it, its element is in a register by then
    return all(
        load in first and not load.args and load.index == stores[0].index and load not in kernel.guarded
        for load in loads
    )
