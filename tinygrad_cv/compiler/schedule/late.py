"""The kernels that store updates, the late ones: they run when everything else is done.

So a call that fails has changed nothing. Each late kernel reads an element of the present value before it stores the
next one over it, and no other late kernel reads the present value: otherwise the next one gets memory of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...ir.graph import Graph, Value
from .expr import walk
from .kernel import NEW, Kernel, NestKernel
from .updates import Updates


def late_kernels(kernels: Sequence[Kernel], graph: Graph, updates: Updates) -> list[Kernel]:
    """The kernels that store updates, and those that read what they store; none if another output is among these."""
    stored, found = set(updates.late), list[Kernel]()
    for kernel in kernels:
        if not stored.isdisjoint((*kernel.writes, *kernel.reads)):
            if not isinstance(kernel, NestKernel):
                return []
            stored.update(kernel.writes)
            found.append(kernel)
    others = set(graph.outputs) - updates.late.keys()
    return [] if others & stored else found


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
