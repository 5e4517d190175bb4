"""A loop nest as an LLVM function: ``void name(ptr buffers, i64 low, i64 high)``.

``low`` and ``high`` are a range of the outermost loop's steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from ...ir.graph import Value
from ..llvm.function import Function, number
from ..llvm.integer import Int
from ..schedule.affine import Var
from ..schedule.expr import Reduce, loads
from ..schedule.layout import Layout
from ..schedule.loop_schedule import LoopSchedule, widths
from ..schedule.nest import Nest
from .expressions import Expressions
from .memory import Memory, Place
from .reduction import Reductions


@dataclass(frozen=True)
class Segment:
    """Equal tiles along a variable: ``count`` of ``size`` places from ``start``; ``first`` numbers them."""

    first: int
    start: int
    count: int
    size: int


class NestLowering:
    """Writes one nest."""

    def __init__(self, name: str, nest: Nest, tiling: LoopSchedule, layouts: Mapping[Value, Layout], fma: bool):
        self.nest, self.tiling, self.layouts, self.fma = nest, tiling, layouts, fma
        self.f = Function(name, ["ptr %buffers", "i64 %low", "i64 %high"])
        self.buffers = buffers_of(nest)
        self.groups = _by_variables(nest.reductions)
        self.memory = Memory(self.f, tiling, layouts)
        self.exprs = Expressions(self.f, nest, tiling, self.memory)
        self._zeros = False  # sums that are added to memory piece by piece begin with zeros there

    # ---------------------------------------------------------------- loops

    def function(self) -> Function:
        """The function, written."""
        f = self.f
        for i, value in enumerate(self.buffers):
            slot = f.value(f"getelementptr ptr, ptr %buffers, i64 {i}")
            self.memory.bases[value] = f.value(f"load ptr, ptr {slot}, align 8")
        if self.tiling.split:
            self._zeros = True
            self._loops(self.tiling.outer, {}, {}, shared=True)
            self._zeros = False
        self._split(list(self.tiling.split.items()), {})
        f.ret()
        return f

    @property
    def steps(self) -> int:
        """How many steps the outermost loop has: what threads share."""
        return sum(s.count for s in self._segments(self.tiling.outer[0])) if self.tiling.outer else 1

    def _segments(self, var: Var) -> list[Segment]:
        t, found, first, start = self.tiling, [], 0, 0
        if var is t.vector:
            count = -(-var.extent // t.lanes)
            full, rest = divmod(count, t.vectors)
            whole = var.extent // (t.vectors * t.lanes)
            sizes = [(t.vectors, whole)] + [(t.vectors, full - whole)] * (full > whole) + [(rest, 1)] * (rest > 0)
            unit = t.lanes
        else:
            sizes, unit = widths(var.extent, t.rows.get(var, 1)), 1
        for size, n in sizes:
            if n:
                found.append(Segment(first, start, n, size))
            first, start = first + n, start + n * size * unit
        return found

    def _split(self, left: list[tuple[Var, int]], place: Place) -> None:
        """The reduction's outer loops, whose results are added to memory; within them the threads' share."""
        if not left:
            self._loops(self.tiling.outer, place, {}, shared=True)
            return
        (var, width), rest = left[0], left[1:]

        def body(i: Int, _: list[str]) -> list[str]:
            self._split(rest, {**place, var: i})
            return []

        with self.exprs.level():
            self.f.loop(0, var.extent, width, [], body)

    def _loops(self, outer: Sequence[Var], place: Place, tile: dict[Var, int], shared: bool = False) -> None:
        """The result's loops, outermost first; threads share the steps of the first one."""
        if not outer:
            self._tile(place, tile)
            return
        for segment in self._segments(outer[0]):
            self._segment(segment, outer, place, tile, shared)

    def _segment(
        self, segment: Segment, outer: Sequence[Var], place: Place, tile: dict[Var, int], shared: bool
    ) -> None:
        """A loop over the tiles of a segment, with all loops inside; or what of it is in the function's range."""
        f, var, inside = self.f, outer[0], outer[1:]
        length = segment.size * (self.tiling.lanes if var is self.tiling.vector else 1)

        def body(step: Int, carried: list[str]) -> list[str]:
            here, sizes = {**place, var: step * length + segment.start}, {**tile, var: segment.size}
            with self.exprs.level():
                if (inside or self.groups) and not self._zeros:
                    self.exprs.hoist(self._spots(here, sizes))
                self._loops(inside, here, sizes)
            return carried

        if not shared:
            f.loop(0, segment.count, 1, [], body)
            return
        low, high = (f.known(end) + -segment.first for end in ("%low", "%high"))
        if segment.count == 1:  # its place is known, and with it how much of a vector is inside
            below = f.value(f"icmp sle i64 {f.integer(low)}, 0")
            above = f.value(f"icmp sgt i64 {f.integer(high)}, 0")
            f.branch(f.value(f"and i1 {below}, {above}"), lambda: body(0, []))
        else:
            f.loop(f.most(low, 0), f.least(high, segment.count), 1, [], body)

    # ---------------------------------------------------------------- a tile

    def _tile(self, place: Place, tile: dict[Var, int]) -> None:
        """All places of the tile: first the reductions, then what is made of them."""
        spots = self._spots(place, tile)
        if self._zeros:
            (store,) = self.nest.stores
            dtype = store.value.dtype
            for spot in spots:
                self.memory.store(
                    store, spot, self.f.splat(number(dtype.type(0)), dtype, self.tiling.result_lanes), True
                )
            return
        self.exprs.results.clear()
        for reductions in self.groups:
            Reductions(self.exprs, self.nest, self.fma, reductions, spots, place).write()
        for spot in spots:
            for store in self.nest.stores:
                value, vector = self.exprs.emit(store.expr, spot)
                self.memory.store(store, spot, value, vector)

    def _spots(self, place: Place, tile: dict[Var, int]) -> list[Place]:
        """The places of a tile, as far as their variables are known.

        The vectors of a row come one after the other: so what they share is needed once, and its register is free.
        """
        t = self.tiling
        axes = []
        for var, start in sorted(place.items(), key=lambda item: item[0] is t.vector):
            unit = t.lanes if var is t.vector else 1
            axes.append([(var, start + k * unit) for k in range(tile.get(var, 1))])
        return [dict(spot) for spot in product(*axes)]


def _by_variables(reductions: Iterable[Reduce]) -> list[list[Reduce]]:
    """Reductions in groups that share their loops."""
    groups: dict[tuple[Var, ...], list[Reduce]] = {}
    for reduction in reductions:
        groups.setdefault(reduction.variables, []).append(reduction)
    return list(groups.values())


def buffers_of(nest: Nest) -> list[Value]:
    """The stored values that a nest reads and writes, in the order in which its function takes them."""
    read = [load.value for load in loads(nest.exprs)]
    return list(dict.fromkeys([*(store.value for store in nest.stores), *read]))
