"""The pass that computes first, in steps of their own, what follows from steady inputs alone.

Weights that are packed for a contraction, their transforms, factors that follow from state: they stay in memory until
the end, and need not be computed by the next call, if it has the same inputs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from ...ir.graph import CONSTANT, Value
from .kernel import Kernel, NestKernel, Plan, Step


def keep(plan: Plan) -> Plan:
    """The plan with these steps; as it is where nothing is steady."""
    kernels = _steady(plan) if plan.graph.steady else []
    if not kernels:
        return plan
    first = _levels(kernels, plan)
    moved = set(map(id, kernels))
    rest: list[Step] = []
    late = 0
    for number, step in enumerate(plan.steps):
        late = len(rest) if number == plan.late else late
        chains = [[kernel for kernel in chain if id(kernel) not in moved] for chain in step.chains]
        if any(chains):
            rest.append(Step(step.kind, [chain for chain in chains if chain]))
    late = late if plan.late < len(plan.steps) else len(rest)
    return replace(plan, steps=[*first, *rest], kept=len(first), late=len(first) + late)


def _steady(plan: Plan) -> list[Kernel]:
    """The kernels that read nothing but steady inputs and what such kernels store, in order.

    All that is stored in a piece of memory is, or nothing. Outputs are made anew, and what is handed on is overwritten.
    """
    given = {plan.graph.inputs[number] for number in plan.graph.steady}
    fleeting = {*map(plan.memory_of, plan.graph.outputs), *plan.handed}
    found: list[Kernel] = [kernel for kernel in plan.kernels if isinstance(kernel, NestKernel)]
    while True:
        left = set(map(id, found))
        others = {plan.memory_of(v) for kernel in plan.kernels if id(kernel) not in left for v in kernel.writes}
        stored = {plan.memory_of(v) for kernel in found for v in kernel.writes} - others - fleeting

        def remains(kernel: Kernel, stored: set[Value] = stored) -> bool:
            written, read = ({plan.memory_of(v) for v in values} for values in (kernel.writes, kernel.reads))
            return written <= stored and all(v in given or v in stored or v.op == CONSTANT for v in read)

        kept = [kernel for kernel in found if remains(kernel)]
        if len(kept) == len(found):
            return kept
        found = kept


def _levels(kernels: list[Kernel], plan: Plan) -> list[Step]:
    """The kernels in as few steps as what they read of each other allows, those of one thread in others."""
    serial = {id(k) for step in plan.steps if step.kind == "serial" for chain in step.chains for k in chain}
    made: dict[Value, int] = defaultdict(int)  # the first level at which a value is there
    levels: dict[tuple[int, bool], list[list[Kernel]]] = defaultdict(list)
    for kernel in kernels:
        level = max((made[part] for value in kernel.reads for part in plan.aliases.makers(value)), default=0)
        levels[level, id(kernel) in serial].append([kernel])
        for value in kernel.writes:
            made[value] = max(made[value], level + 1)
    return [Step("serial" if alone else "parallel", levels[level, alone]) for level, alone in sorted(levels)]
