"""The loops of a nest over its result, and what is written in each tile of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product

from ...ir.graph import Value
from ..llvm.integer import Int
from ..schedule.affine import Var
from ..schedule.expr import Reduce
from ..schedule.loop_schedule import LoopSchedule, widths
from ..schedule.nest import Nest
from .expressions import Expressions
from .memory import Memory, Point
from .reduction import Reductions


def buffers_of(nest: Nest) -> list[Value]:
    """The stored values that a nest reads and writes, in the order in which its function takes them."""
    read = [load.value for load in nest.loads]
    return list(dict.fromkeys([*(store.value for store in nest.stores), *read]))


def steps_of(schedule: LoopSchedule) -> int:
    """How many steps the loops have that threads share."""
    return math.prod(sum(s.count for s in segments(schedule, var)) for var in schedule.outer[: schedule.shared])


@dataclass(frozen=True)
class Segment:
    """Equal tiles along a variable: ``count`` of ``size`` rows or vectors each, from ``start``.

    Attributes:
        first: the number of the first tile among all tiles along the variable.
    """

    first: int
    start: int
    count: int
    size: int


def segments(schedule: LoopSchedule, var: Var) -> list[Segment]:
    """The range of a variable of the result, cut into tiles. Vectors that are not whole are in the last segment."""
    t, extent, found, first, start = schedule, schedule.extent(var), [], 0, 0
    if var is t.vector:
        count = -(-extent // t.lanes)
        full, rest = divmod(count, t.vectors)
        whole = extent // (t.vectors * t.lanes)
        sizes = [(t.vectors, whole)] + [(t.vectors, full - whole)] * (full > whole) + [(rest, 1)] * (rest > 0)
        unit = t.lanes
    else:
        sizes, unit = widths(extent, t.rows.get(var, 1)), 1
    for size, n in sizes:
        if n:
            beyond = start + n * size * unit - extent  # of vectors that are not whole
            begin = start - beyond if t.overlaps and beyond > 0 and n == 1 and beyond <= start else start
            found.append(Segment(first, begin, n, size))
        first, start = first + n, start + n * size * unit
    return found


class NestLowering:
    """Writes the loops of one nest into a function."""

    def __init__(self, nest: Nest, schedule: LoopSchedule, memory: Memory, multiply_add: str):
        self.nest, self.schedule, self.memory, self.multiply_add = nest, schedule, memory, multiply_add
        self.f = memory.f
        self.groups = _by_variables(nest.reductions)
        self.exprs = Expressions(self.f, nest, schedule, memory)

    # ---------------------------------------------------------------- loops

    def write(self) -> None:
        """All loops, outermost first."""
        self._split_loops(list(self.schedule.split.items()), {})

    def _split_loops(self, left: list[tuple[Var, int]], point: Point) -> None:
        """The outer loops of a split reduction; inside them, the loops over the result."""
        if not left:
            self.write_result_loops(point)
            return
        (var, width), rest = left[0], left[1:]

        def body(i: Int, _: list[str]) -> list[str]:
            self._split_loops(rest, {**point, var: i})
            return []

        with self.exprs.level():
            self.f.loop(0, var.extent, width, [], body)

    def write_result_loops(self, point: Point) -> None:
        """The loops over the result, tile by tile; threads share the steps of the outermost."""
        point = {**point, **dict.fromkeys(self.schedule.absorbed, 0)}
        if self.schedule.shared > 1:
            self._as_one(point)
        else:
            self.loops(self.schedule.outer, point, {}, shared=True)

    def _as_one(self, point: Point) -> None:
        """Several loops that threads share as one, whose steps are numbered: the place on each axis is a digit."""
        f, t = self.f, self.schedule
        variables, inside = t.outer[: t.shared], t.outer[t.shared :]

        def body(step: Int, carried: list[str]) -> list[str]:
            here, left = dict(point), f.integer(step)
            for var in variables[:0:-1]:
                here[var] = f.known(f.pure(f"urem i64 {left}, {var.extent}"))
                left = f.pure(f"udiv i64 {left}, {var.extent}")
            here[variables[0]] = f.known(left)
            sizes = dict.fromkeys(variables, 1)
            with self.exprs.level():
                self.exprs.hoist(self.points(here, sizes))
                self.loops(inside, here, sizes)
            return carried

        f.loop(f.known("%low"), f.known("%high"), 1, [], body)

    def loops(self, outer: Sequence[Var], point: Point, tile: dict[Var, int], shared: bool = False) -> None:
        """Loops over these variables, outermost first. ``tile``: its size along the variables outside them."""
        if not outer:
            self.write_tile(point, tile)
            return
        for segment in segments(self.schedule, outer[0]):
            self._segment(segment, outer, point, tile, shared)

    def _segment(
        self, segment: Segment, outer: Sequence[Var], point: Point, tile: dict[Var, int], shared: bool
    ) -> None:
        """A loop over the tiles of a segment, with all loops inside it. If shared, only those from low to high."""
        f, var, inside = self.f, outer[0], outer[1:]
        length = segment.size * (self.schedule.lanes if var is self.schedule.vector else 1)

        def body(step: Int, carried: list[str]) -> list[str]:
            here, sizes = {**point, var: step * length + segment.start}, {**tile, var: segment.size}
            with self.exprs.level():
                if inside or self.groups:
                    self.exprs.hoist(self.points(here, sizes))
                self.loops(inside, here, sizes)
            return carried

        if not shared:
            f.loop(0, segment.count, 1, [], body)
            return
        low, high = (f.known(end) + -segment.first for end in ("%low", "%high"))
        if segment.count == 1:  # a branch, no loop: its start is a number, so it is known how many lanes are inside
            below = f.value(f"icmp sle i64 {f.integer(low)}, 0")
            above = f.value(f"icmp sgt i64 {f.integer(high)}, 0")
            f.branch(f.value(f"and i1 {below}, {above}"), lambda: body(0, []))
        else:
            f.loop(f.most(low, 0), f.least(high, segment.count), 1, [], body)

    # ---------------------------------------------------------------- a tile

    def write_tile(self, point: Point, tile: dict[Var, int]) -> None:
        """All points of a tile: first the reductions, then the expressions that use them, and the stores."""
        points = self.points(point, tile)
        self.exprs.results.clear()
        for reductions in self.groups:
            Reductions(self.exprs, self.nest, self.multiply_add, reductions, points, point).write()
        for run in self.memory.runs([(store, each) for each in points for store in self.nest.stores]):
            self.memory.store(run, [self.exprs.emit(store.expr, each) for store, each in run])

    def points(self, point: Point, tile: dict[Var, int]) -> list[Point]:
        """The points of the tile that begins at a point.

        The vectors of a row come one after the other, so that the register of what they share is free early.
        """
        t = self.schedule
        axes = []
        for var, start in sorted(point.items(), key=lambda item: item[0] is t.vector):
            unit = t.lanes if var is t.vector else 1
            axes.append([(var, start + k * unit) for k in range(tile.get(var, 1))])
        return [dict(each) for each in product(*axes)]


def _by_variables(reductions: Iterable[Reduce]) -> list[list[Reduce]]:
    """Reductions in groups that share their loops."""
    groups: dict[tuple[Var, ...], list[Reduce]] = {}
    for reduction in reductions:
        groups.setdefault(reduction.variables, []).append(reduction)
    return list(groups.values())
