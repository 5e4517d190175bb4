"""Plans: kernels in chains and steps, and the layout of everything that they read and write.

A step is what threads do between two barriers. A chain is a sequence of kernels in a step that run on the same part of
their shared range, one after the other: what one writes, the next reads while it is in the cache.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ...ir.graph import CONSTANT, INPUT, Graph, Value
from .affine import Var
from .aliases import Aliases
from .choose import choose
from .expr import Expr, Load, Op, Reduce, inside_guards
from .layout import Layout
from .loop_schedule import LoopSchedule
from .nest import Nest, is_contraction
from .storage import Arranged, Packed

if TYPE_CHECKING:
    from ..runtime.target import Target

NEW = -2  # in place of the number of an input: memory of its own
PIECE = 1 << 18  # bytes: a chain reads and writes about this much before its first kernel runs again


@dataclass
class HostKernel:
    """A value that NumPy computes."""

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
    """A nest and its loop schedule: one native function.

    Attributes:
        layouts: of what it reads and writes, among others.
        shares: of how many loops threads share the ranges.
    """

    nest: Nest
    layouts: Mapping[Value, Layout] = field(repr=False)
    target: Target = field(repr=False)
    shares: int = 1

    @cached_property
    def schedule(self) -> LoopSchedule:
        """How its loops run: chosen when it is asked for, since most kernels are fused before that."""
        return choose(self.nest, self.layouts, self.target, self.shares)

    def with_nest(self, nest: Nest) -> NestKernel:
        """A kernel with the same loops over the same variables."""
        kernel = NestKernel(nest, self.layouts, self.target)
        kernel.schedule = self.schedule
        return kernel

    @cached_property
    def writes(self) -> list[Value]:
        return list(dict.fromkeys(store.value for store in self.nest.stores))

    @cached_property
    def reads(self) -> list[Value]:
        return list(dict.fromkeys(load.value for load in self.nest.loads))

    @property
    def shared(self) -> Var | None:
        """The variable whose range threads share: that of the outermost loop."""
        return self.schedule.outer[0] if self.schedule.outer else None

    @property
    def ranges(self) -> list[Var]:
        """The variables of all loops that threads share."""
        return self.schedule.outer[: self.schedule.shared]

    @cached_property
    def guarded(self) -> set[Expr]:
        """The expressions in the body of a guard."""
        return inside_guards(self.nest.exprs)

    @cached_property
    def work(self) -> int:
        """A rough number of operations."""
        total = 0
        for expr in self.nest.parts:
            if isinstance(expr, (Op, Load)):
                total += math.prod(v.extent for v in expr.vars)
        return max(total, self.nest.num_points)

    @cached_property
    def signature(self) -> Any:
        """Kernels may be fused if their signatures are equal: the ranges of their loops. None: it is never fused."""
        nest = self.nest
        if not nest.vars or nest.scatter or any(map(is_contraction, reductions := nest.reductions)):
            return None
        sums = {tuple(v.extent for v in r.variables) for r in reductions[:1]}
        return tuple(v.extent for v in nest.vars), frozenset(sums), len({r.variables for r in reductions}) <= 1

    @property
    def kind(self) -> str:
        """Its kind, for tables: "contraction", "reduction", "elementwise" or "halo"."""
        if self.nest.halo:
            return "halo"
        return "contraction" if self.nest.is_contraction else "reduction" if self.nest.reductions else "elementwise"

    @property
    def ops(self) -> tuple[str, ...]:
        """The primitives that it computes."""
        if self.nest.halo:
            return ("halo",)
        return tuple(dict.fromkeys(value.op for value in self.values)) or ("copy",)

    @property
    def values(self) -> list[Value]:
        """The values of the graph that it computes: those between what it reads and what it writes, in order."""
        if self.nest.halo:
            return []
        stop = {source(value.source if isinstance(value, Packed) else value) for value in self.reads}
        seen: dict[Value, None] = {}
        stack = [source(value) for value in self.writes]
        while stack:
            value = stack.pop()
            if value not in seen and value not in stop and value.op not in (INPUT, CONSTANT):
                seen[value] = None
                if value.op != "concatenate" or stop.isdisjoint(value.args):  # else other kernels may store its parts
                    stack.extend(map(source, value.args))
        return sorted(seen, key=lambda value: value.number)

    @property
    def flops(self) -> int:
        """Arithmetic operations; a multiply-add is two."""
        total = 0
        for expr in self.nest.parts:
            if isinstance(expr, Op) and expr.name != "cast":
                total += math.prod(v.extent for v in expr.vars)
            elif isinstance(expr, Reduce):
                total += sum(math.prod(v.extent for v in body.vars) for body in expr.args)
        return total


Kernel = HostKernel | NestKernel


def touched(chain: Sequence[Kernel]) -> int:
    """The bytes of all values of which kernels read or write another part in each step of what threads share."""
    found: set[Value] = set()
    for kernel in chain:
        if isinstance(kernel, NestKernel):
            ranges = set(kernel.ranges)
            indices = [
                *((x.value, x.index) for x in kernel.nest.loads),
                *((s.value, s.index) for s in kernel.nest.stores),
            ]
            found.update(value for value, index in indices if any(v in ranges for a in index for v, _ in a.terms))
    return sum(value.nbytes for value in found)


def source(value: Value) -> Value:
    """The value of the graph that an arranged value stores; any other value itself."""
    return value.source if isinstance(value, Arranged) and not isinstance(value, Packed) else value


@dataclass
class Step:
    """What happens between two barriers: chains on all threads, or on one, or an operation of NumPy."""

    kind: str  # "parallel", "serial" or "host"
    chains: list[list[Kernel]] = field(default_factory=list)


@dataclass
class Plan:
    """Kernels in steps, and the layout of everything that they read and write.

    Attributes:
        late: the number of the first step that stores updates; from it on, no step stores anything else.
        places: the updates, each with the number of the input that it may be written over, -1 if none
            holds the present value, ``NEW`` if other kernels read it while or after the next one is stored.
        handed: values that only kernels of one chain store and read: each thread needs the memory of a piece of them.
        kept: how many steps come first that need not run again until an input changes that is steady.
        cleared: values whose halos are stored before they are; those of others hold zeros from the start.
    """

    graph: Graph
    steps: list[Step]
    layouts: dict[Value, Layout]
    aliases: Aliases
    late: int
    places: dict[Value, int]
    kept: int = 0
    cleared: set[Value] = field(default_factory=set)
    handed: set[Value] = field(default_factory=set)

    def memory_of(self, value: Value) -> Value:
        """The value whose memory holds this one."""
        return self.aliases.base(value)

    def is_outside(self, value: Value) -> bool:
        """Whether the memory of a value is no part of the arena: it is an input, a constant or an output."""
        return value.op in (INPUT, CONSTANT) or value in self._outputs

    @cached_property
    def _outputs(self) -> frozenset[Value]:
        return frozenset(self.graph.outputs)

    def place_of(self, value: Value) -> int:
        """Where in that memory the memory of this one begins, in bytes."""
        links = self.aliases.within(value)
        steps = sum(start * self.layouts[whole].strides[axis] for _, (whole, axis, start) in links)
        return steps * value.dtype.itemsize

    @property
    def kernels(self) -> list[Kernel]:
        return [kernel for step in self.steps for chain in step.chains for kernel in chain]
