"""Kernels that run once more: the same loops over the same expressions, with other values in place of some.

Their code is the same, so they store the same bits, and nothing is compiled a second time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from ...ir.graph import Value
from .aliases import Aliases
from .expr import Const, Expr, Exprs, Load
from .join import Region
from .kernel import HostKernel, Kernel, NestKernel, Plan, Step
from .nest import Nest, Store
from .steps import add
from .storage import Again, first

Members = dict[Value, list[Value]]  # the values in a value's memory: of a copy, the copies in the same order


def repeated(
    plan: Plan,
    kernels: Iterable[NestKernel],
    before: int,
    replaced: Collection[Value],
    sources: Mapping[Value, Value],
    members: Members,
) -> Plan:
    """The plan in which kernels run once more before a step.

    Args:
        replaced: memory that is not read any more from there on, but what the kernels store in place of it.
        sources: for memory that they read in the arena, what holds the same there now.
        members: is completed.
    """
    kernels = list(kernels)
    memory = dict.fromkeys(plan.memory_of(value) for kernel in kernels for value in kernel.writes)
    new: dict[Value, Value] = {member: Again(member) for value in memory for member in members[value]}
    members.update({new[value]: [new[member] for member in members[value]] for value in memory})
    aliases = with_copies(plan.aliases, new)
    reads = new | {
        member: now
        for value, source in sources.items()
        for member, now in zip(members[value], members[source], strict=True)
    }
    steps: list[Step] = []
    add([renamed(kernel, reads) for kernel in kernels], 0, steps, aliases)
    gone = {member for value in replaced for member in members[value]}
    later = [_reading(step, new, gone) for step in plan.steps[before:]]
    layouts = plan.layouts | {copy: plan.layouts[value] for value, copy in new.items()}
    steps = [*plan.steps[:before], *steps, *later]
    changed = Plan(plan.graph, steps, layouts, aliases, plan.late + len(steps) - len(plan.steps), plan.places)
    return _without_unread(changed, set(new))


def renamed(kernel: NestKernel, new: Mapping[Value, Value]) -> NestKernel:
    """A kernel that reads and stores other values in place of some."""
    nest, exprs = kernel.nest, Exprs()  # of its own: made in the same order, expressions have the same structure
    done: dict[Expr, Expr] = {}
    for expr in nest.parts:
        args = [done[a] for a in expr.args]
        if isinstance(expr, Load):
            row = args[0] if args else None
            done[expr] = exprs.load(new.get(expr.value, expr.value), expr.index, row, expr.axis)
        elif isinstance(expr, Const):
            done[expr] = exprs.const(expr.number, expr.dtype)
        else:
            done[expr] = exprs.rebuilt(expr, args)
    stores = [Store(new.get(store.value, store.value), store.index, done[store.expr]) for store in nest.stores]
    return kernel.with_nest(Nest(nest.vars, stores, nest.bounds))


def storing(kernel: NestKernel, values: Collection[Value]) -> NestKernel | None:
    """A kernel that stores only these of its values; None if it stores none. With reductions it stays whole."""
    stores = [store for store in kernel.nest.stores if store.value in values]
    if len(stores) == len(kernel.nest.stores) or (stores and kernel.nest.reductions):
        return kernel
    return kernel.with_nest(Nest(kernel.nest.vars, stores, kernel.nest.bounds)) if stores else None


def with_copies(aliases: Aliases, new: Mapping[Value, Value]) -> Aliases:
    """The aliases with those among copies, which are those among what they are copies of."""

    def of(value: Value) -> Value:
        return new.get(value, value)

    reshapes = {new[value]: of(base) for value, base in aliases.reshapes.items() if value in new}
    regions = {
        new[value]: Region(of(region.whole), region.axis, region.start)
        for value, region in aliases.regions.items()
        if value in new
    }
    parts = {new[value]: tuple(map(of, made)) for value, made in aliases.parts.items() if value in new}
    return replace(
        aliases, reshapes=aliases.reshapes | reshapes, regions=aliases.regions | regions, parts=aliases.parts | parts
    )


def _reading(step: Step, new: Mapping[Value, Value], gone: Collection[Value]) -> Step:
    """The step, reading new copies of what some values are copies of, or are themselves."""

    def one(kernel: Kernel) -> Kernel:
        changed = {value: new[first(value)] for value in kernel.reads if value in gone}
        return renamed(kernel, changed) if changed and isinstance(kernel, NestKernel) else kernel

    return Step(step.kind, [[one(kernel) for kernel in chain] for chain in step.chains])


def _without_unread(plan: Plan, values: Collection[Value]) -> Plan:
    """The plan without the stores of these values, and of copies of them, whose memory nothing reads."""
    read = {plan.memory_of(value) for kernel in plan.kernels for value in kernel.reads}

    def left(kernel: Kernel) -> Kernel | None:
        needed = [v for v in kernel.writes if first(v) not in values or plan.memory_of(v) in read]
        return kernel if isinstance(kernel, HostKernel) else storing(kernel, needed)

    steps: list[Step] = []
    late = 0
    for number, step in enumerate(plan.steps):
        late = len(steps) if number == plan.late else late
        chains = [[kept for kernel in chain if (kept := left(kernel)) is not None] for chain in step.chains]
        if any(chains):
            steps.append(Step(step.kind, [chain for chain in chains if chain]))
    late = late if plan.late < len(plan.steps) else len(steps)
    return replace(plan, steps=steps, late=late)
