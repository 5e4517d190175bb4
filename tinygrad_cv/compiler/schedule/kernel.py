"""What a plan is made of: kernels in steps, and the layouts of all that they touch.

A step is what all threads do between two barriers. Within it, a chain is a row of kernels that share the range of one
variable, image by image: what one writes the next one reads while it is in the cache.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ...ir.graph import CONSTANT, INPUT, Graph, Value
from .affine import Var
from .expr import Expr, Load, Op, Reduce, inside_guards, walk
from .layout import Layout
from .loop_schedule import LoopSchedule
from .nest import Nest, is_contraction
from .storage import Arranged, Packed

PIECE = 1 << 17  # bytes that a chain writes before it goes back to its first kernel


@dataclass
class HostKernel:
    """A value that NumPy computes; no native code runs."""

    value: Value

    kind = "host"
    shared = signature = None
    work = flops = 0

    @property
    def writes(self) -> list[Value]:
        return [self.value]

    @property
    def reads(self) -> list[Value]:
        return list(self.value.args)

    @property
    def values(self) -> list[Value]:
        return [self.value]

    @property
    def ops(self) -> tuple[str, ...]:
        return (self.value.op,)


@dataclass
class NestKernel:
    """A nest, and how its loops run."""

    nest: Nest
    schedule: LoopSchedule

    @cached_property
    def writes(self) -> list[Value]:
        return list(dict.fromkeys(store.value for store in self.nest.stores))

    @cached_property
    def reads(self) -> list[Value]:
        return list(dict.fromkeys(load.value for load in self.loads))

    @property
    def shared(self) -> Var | None:
        """The variable whose range threads share."""
        return self.schedule.outer[0] if self.schedule.outer else None

    @cached_property
    def exprs(self) -> list[Expr]:
        """All expressions in it, arguments before users."""
        return walk(self.nest.exprs)

    @cached_property
    def loads(self) -> list[Load]:
        return [expr for expr in self.exprs if isinstance(expr, Load)]

    @cached_property
    def guarded(self) -> set[Expr]:
        """Those inside a guard's body."""
        return inside_guards(self.exprs)

    @cached_property
    def work(self) -> int:
        """Operations, roughly."""
        total = 0
        for expr in self.exprs:
            if isinstance(expr, (Op, Load)):
                total += math.prod(v.extent for v in expr.vars)
        return max(total, self.nest.places)

    @cached_property
    def signature(self) -> Any:
        """What kernels that could be one agree on: the places they run over, and how much is summed. None: alone."""
        nest = self.nest
        if not nest.vars or any(map(is_contraction, reductions := nest.reductions)):
            return None
        sums = {tuple(v.extent for v in r.variables) for r in reductions[:1]}
        return tuple(v.extent for v in nest.vars), frozenset(sums), len({r.variables for r in reductions}) <= 1

    @property
    def kind(self) -> str:
        """What it is, for tables: "contraction", "reduction" or "elementwise"."""
        return "contraction" if self.nest.is_contraction else "reduction" if self.nest.reductions else "elementwise"

    @property
    def ops(self) -> tuple[str, ...]:
        """The primitives that were fused into it."""
        return tuple(dict.fromkeys(value.op for value in self.values)) or ("copy",)

    @property
    def values(self) -> list[Value]:
        """What was fused into it: the graph's values between what it reads and what it writes, in order."""
        stop = {source(value.source if isinstance(value, Packed) else value) for value in self.reads}
        seen: dict[Value, None] = {}
        stack = [source(value) for value in self.writes]
        while stack:
            value = stack.pop()
            if value not in seen and value not in stop and value.op not in (INPUT, CONSTANT):
                seen[value] = None
                stack.extend(map(source, value.args))
        return sorted(seen, key=lambda value: value.number)

    @property
    def flops(self) -> int:
        """Operations on numbers; a multiply-add is two."""
        total = 0
        for expr in self.exprs:
            if isinstance(expr, Op) and expr.name != "cast":
                total += math.prod(v.extent for v in expr.vars)
            elif isinstance(expr, Reduce):
                total += sum(math.prod(v.extent for v in body.vars) for body in expr.args)
        return total


Kernel = HostKernel | NestKernel


def source(value: Value) -> Value:
    """The graph's value that a storage arranges; any other value itself."""
    return value.source if isinstance(value, Arranged) and not isinstance(value, Packed) else value


@dataclass
class Step:
    """What happens between two barriers: chains that threads share, or one thread's, or work of the host."""

    kind: str  # "parallel", "serial" or "host"
    chains: list[list[Kernel]] = field(default_factory=list)


@dataclass
class Plan:
    """Kernels in order, and the layout of everything they touch."""

    graph: Graph
    steps: list[Step]
    layouts: dict[Value, Layout]
    aliases: dict[Value, Value]  # reshapes, each with the value whose memory it is

    def memory_of(self, value: Value) -> Value:
        """The value whose memory holds this one."""
        return self.aliases.get(value, value)

    @property
    def kernels(self) -> list[Kernel]:
        return [kernel for step in self.steps for chain in step.chains for kernel in chain]
