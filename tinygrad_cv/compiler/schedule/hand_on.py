"""What kernels of a chain hand on: values that none but them read, a piece of their range at a time.

A thread stores all pieces of its share where the first one was, so that they stay in its cache: otherwise every line of
what is read once would be fetched before it is written, and written back to memory when nobody needs it any more.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from ...ir.graph import CONSTANT, INPUT, Value
from .affine import Affine
from .kernel import Kernel, NestKernel, Plan


def hand_on(plan: Plan) -> Plan:
    """The plan with the values that are handed on."""
    users: dict[Value, set[int]] = {}  # the chains that store or read a value
    chains = [(step.kind, chain) for step in plan.steps for chain in step.chains]
    for number, (_, chain) in enumerate(chains):
        for kernel in chain:
            for value in (*kernel.reads, *kernel.writes):
                users.setdefault(value, set()).add(number)
    kept = {*plan.graph.outputs, *plan.cleared, *plan.aliases.reshapes, *plan.aliases.reshapes.values()}
    kept |= {*plan.aliases.regions, *plan.aliases.parts}
    handed = {
        value
        for kind, chain in chains
        if kind == "parallel" and len(chain) > 1
        for kernel in chain
        for value in kernel.writes
        if len(users[value]) == 1 and value not in kept and not plan.layouts[value].halo
        if value.op not in (INPUT, CONSTANT) and all(steps_are_slots(other, value, plan) for other in chain)
    }
    return replace(plan, handed=handed)


def steps_are_slots(kernel: Kernel, value: Value, plan: Plan) -> bool:
    """Whether what a kernel stores or reads of a value is as far from that of the next step, wherever it is."""
    if not isinstance(kernel, NestKernel) or (kernel.nest.scatter and value in kernel.writes):
        return False
    layout, ranges = plan.layouts[value], kernel.ranges
    maps: list[Affine] = [layout.flat(x.index) for x in kernel.nest.loads if x.value is value]
    maps += [layout.flat(store.index) for store in kernel.nest.stores if store.value is value]
    return all(
        a.coefficient(ranges[-1]) > 0
        and all(a.coefficient(outer) == inner.extent * a.coefficient(inner) for outer, inner in pairwise(ranges))
        for a in maps
    )
