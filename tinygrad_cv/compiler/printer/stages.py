"""Graphs, nests and plans as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

from ...ir.graph import CONSTANT, INPUT, Graph, Value, line
from ..schedule.aliases import Aliases
from ..schedule.expr import loads
from ..schedule.kernel import HostKernel, NestKernel, Plan
from ..schedule.layout import Layout
from ..schedule.nest import Nest
from .kernel_loops import KernelLoops
from .names import Names, names_in
from .nest_formulas import NestFormulas

STEPS = {"parallel": "shared by all threads", "serial": "by one thread", "host": "by NumPy"}


def counts(graph: Graph) -> str:
    """The size of a graph in words."""
    values = [value for value in graph.values() if value.op != CONSTANT]
    return f"{len(values)} values, {sum(value.op == 'sum' for value in values)} sums"


def difference(old: Graph, new: Graph) -> str | None:
    """What a rewrite removed and added; None if it changed nothing."""
    if new.outputs == old.outputs:
        return None
    before, after = old.values(), new.values()
    removed, added = set(before).difference(after), set(after).difference(before)
    lines = [f"{counts(old)} become {counts(new)}"]
    lines += [f"- {line(v)}" for v in before if v in removed and (v.op != CONSTANT or v.ndim)]
    lines += [f"+ {line(v)}" for v in after if v in added and (v.op != CONSTANT or v.ndim)]
    return "\n".join([*lines, f"  return {', '.join(map(repr, new.outputs))}"])


def fused(plan: Plan) -> str:
    """The steps, their kernels as formulas, and the layout of what they read and write."""
    names, numbers = names_in(plan), count()
    lines: list[str] = []
    for number, step in enumerate(plan.steps):
        lines.append(f"step {number}, {STEPS[step.kind]}{', if a steady input has changed' * (number < plan.kept)}")
        for chain in step.chains:
            for position, kernel in enumerate(chain):
                chained = ", in a chain with the one before" if position and step.kind == "parallel" else ""
                lines.append(f"  kernel {next(numbers)}, {kernel.kind}{chained}: {' '.join(kernel.ops)}")
                if isinstance(kernel, HostKernel):
                    args = ", ".join(map(names.of, kernel.reads))
                    lines.append(f"    {names.of(kernel.writes[0])} = {kernel.ops[0]}({args})")
                else:
                    lines += [f"    {line}" for line in NestFormulas(kernel.nest, names).lines()]
    return "\n".join([*lines, "memory", *_memory(plan.graph, plan.layouts, plan.aliases, names)])


def formulas(nests: Iterable[Nest]) -> str:
    """Nests as formulas, in order."""
    nests = list(nests)
    used = [v for nest in nests for v in (*(x.value for x in loads(nest.exprs)), *(s.value for s in nest.stores))]
    names = Names(used)
    return "\n".join(line for nest in nests for line in NestFormulas(nest, names).lines())


def loops(plan: Plan) -> str:
    """The loops of each native kernel."""
    names, numbers = names_in(plan), count()
    lines: list[str] = []
    for step in plan.steps:
        for kernel in (kernel for chain in step.chains for kernel in chain):
            number = next(numbers)
            if isinstance(kernel, NestKernel):
                lines.append(f"kernel {number}, {kernel.kind}")
                lines += KernelLoops(kernel.nest, kernel.schedule, names, step.kind == "parallel").lines()
    return "\n".join(lines)


def memory(graph: Graph, layouts: Mapping[Value, Layout], aliases: Aliases) -> str:
    """The layout of each value in memory."""
    return "\n".join(_memory(graph, layouts, aliases, Names([*layouts])))


def _memory(graph: Graph, layouts: Mapping[Value, Layout], aliases: Aliases, names: Names) -> list[str]:
    rows = []
    for value in names.all():
        if value in aliases.reshapes:
            notes = [f"the memory of {names.of(aliases.reshapes[value])}"]
        elif value in aliases.regions:
            whole, axis, start = aliases.regions[value]
            notes = [f"in {names.of(whole)}, at {start} of axis {axis}"]
        else:
            kind = value.op if value.op in (INPUT, CONSTANT) else "output" if value in graph.outputs else ""
            notes = [kind] * bool(kind) + _extra(layouts[value])
        rows.append((names.of(value), f"{value.dtype}{list(value.shape)}", ", ".join(notes)))
    widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
    return [f"  {name:<{widths[0]}}  {kind:<{widths[1]}}  {notes}".rstrip() for name, kind, notes in rows]


def _extra(layout: Layout) -> list[str]:
    found = []
    if layout.halo:
        found.append(f"halo: {list(layout.low)} before, {list(layout.high)} after")
    if layout.shape and layout.padded > layout.low[-1] + layout.shape[-1] + layout.high[-1]:
        found.append(f"rows padded to {layout.padded}")
    return found
