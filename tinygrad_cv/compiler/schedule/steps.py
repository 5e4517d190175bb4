"""The pass that puts kernels in steps: what waits for what, and what threads share."""

from __future__ import annotations

from collections.abc import Mapping

from ...ir.graph import Graph, Value
from .affine import of
from .expr import loads
from .kernel import HostKernel, Kernel, Plan, Step
from .layout import Layout

TASK = 1 << 14  # operations: less work is not worth sharing between threads


def order(graph: Graph, kernels: list[Kernel], layouts: dict[Value, Layout], aliases: dict[Value, Value]) -> Plan:
    """The plan: the kernels in steps."""
    return Plan(graph, steps_of(kernels, aliases), layouts, aliases)


def steps_of(kernels: list[Kernel], aliases: Mapping[Value, Value]) -> list[Step]:
    """Kernels in steps, as early as what they read allows."""
    steps: list[Step] = []
    made: dict[Value, list[tuple[int, Kernel]]] = {}
    for kernel in kernels:
        sources = [(value, aliases.get(value, value)) for value in kernel.reads]
        needs = [(value, at, maker) for value, base in sources for at, maker in made.get(base, ())]
        latest = max((at for _, at, _ in needs), default=-1)
        kind = "host" if isinstance(kernel, HostKernel) else "serial" if _is_small(kernel) else "parallel"
        at = _place(kernel, kind, steps, latest, [(v, m) for v, at, m in needs if at == latest])
        for value in kernel.writes:
            made.setdefault(value, []).append((at, kernel))
    return steps


def _is_small(kernel: Kernel) -> bool:
    return kernel.work < TASK or kernel.shared is None


def _place(kernel: Kernel, kind: str, steps: list[Step], latest: int, needs: list[tuple[Value, Kernel]]) -> int:
    if kind == "serial":
        for at in range(len(steps) - 1, max(latest, 0) - 1, -1):
            if steps[at].kind == "serial":
                steps[at].chains[0].append(kernel)
                return at
    if kind == "parallel":
        if latest >= 0 and steps[latest].kind == "parallel":
            chains = [chain for chain in steps[latest].chains if any(m is k for _, m in needs for k in chain)]
            if len(chains) == 1 and all(_in_step(kernel, value, maker) for value, maker in needs):
                chains[0].append(kernel)
                return latest
        for at in range(latest + 1, len(steps)):
            if steps[at].kind == "parallel":
                steps[at].chains.append([kernel])
                return at
    steps.append(Step(kind, [[kernel]]))
    return len(steps) - 1


def _in_step(kernel: Kernel, value: Value, maker: Kernel) -> bool:
    """Whether a kernel reads of a value only what the maker's same share of the range has written."""
    if isinstance(maker, HostKernel) or isinstance(kernel, HostKernel):
        return False
    ours, theirs = kernel.shared, maker.shared
    if ours is None or theirs is None or ours.extent != theirs.extent:
        return False
    if kernel.schedule.vector is ours or maker.schedule.vector is theirs:
        return False
    if ours in kernel.schedule.rows or theirs in maker.schedule.rows:
        return False
    axes = {i for s in maker.nest.stores if s.value is value for i, a in enumerate(s.index) if a == of(theirs)}
    places = [load.index for load in loads(kernel.nest.exprs) if load.value is value and not load.args]
    return bool(axes) and bool(places) and all(any(index[i] == of(ours) for i in axes) for index in places)
