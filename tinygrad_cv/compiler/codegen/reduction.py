"""The reductions of one tile: accumulators in registers, loops over the reduced variables, partial results combined.

Bodies are written by :class:`Expressions`; nothing here knows of the loops outside the tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from ..llvm.elementwise import select
from ..llvm.function import vector_type
from ..llvm.integer import Int
from ..schedule.affine import Affine, Var
from ..schedule.expr import Expr, Load, Op, Reduce, walk
from ..schedule.nest import Nest
from .expressions import Expressions, distinct
from .memory import Point, index_at
from .partials import across_lanes, combined, neutral, registers

UNROLLED = 8  # steps: an innermost loop of no more is written out,
WRITTEN = 256  # if that takes at most this many expressions
AT_ONCE = 2  # steps of a contraction for each step of its innermost loop: halves the cost of the loop itself


@dataclass(frozen=True)
class Accumulator:
    """The registers that accumulate a reduction at one point of the tile.

    Attributes:
        partials: the registers of each partial result, among those that the loops carry. Steps of the innermost loop
            take the partial results in turn, so that no step waits for the one before it.
    """

    reduction: Reduce
    point: Point
    partials: tuple[slice, ...]


@dataclass(frozen=True)
class Range:
    """A loop over a reduced variable: ``steps`` steps by ``unit``, from ``start``.

    Attributes:
        whole: the number of steps that are in range in all lanes; the last vector may not be.
    """

    var: Var
    start: Int
    unit: int
    steps: int
    whole: int

    def at(self, step: Int) -> Int:
        """The value of the variable at a step."""
        return step * self.unit + self.start


class Reductions:
    """Reductions over the same variables, at all points of a tile, as one loop nest.

    Attributes:
        outer: the point of the loops outside the tile.
        rising: whether the loops go through the elements in row-major order.
    """

    def __init__(
        self,
        exprs: Expressions,
        nest: Nest,
        multiply_add: str,
        reductions: Sequence[Reduce],
        points: list[Point],
        outer: Point,
    ):
        self.exprs, self.nest, self.multiply_add = exprs, nest, multiply_add
        self.f, self.memory, self.schedule, self.lanes = exprs.f, exprs.memory, exprs.schedule, exprs.schedule.lanes
        self.reductions, self.variables, self.outer = reductions, reductions[0].variables, outer
        self.along = self.schedule.vector in self.variables  # whether vectors run along a reduced variable
        self.points = distinct(points, {v for r in reductions for body in r.args for v in body.vars})
        self.ranges = list(self._ranges())
        self.rising = [r.var for r in self.ranges] == [v for v in self.variables if v not in self.schedule.absorbed]
        self.group = self.schedule.unroll if self.ranges else 1  # steps; the innermost loop takes them at once
        self.types: list[str] = []  # the types of the registers that the loops carry
        self.first: list[str] = []  # their first values
        self.accumulators = [self._accumulator(r, point) for r in reductions for point in self.points]

    def write(self) -> None:
        """Write the first values, the loops, and the results, where expressions look them up."""
        state = list(self.first)
        if self.schedule.split:
            for accumulator in self.accumulators:
                state[accumulator.partials[0]] = [self._sum_so_far(accumulator.point)]
        state = self._loops(self.ranges, {}, state)
        for reduction in dict.fromkeys(accumulator.reduction for accumulator in self.accumulators):
            own = [accumulator for accumulator in self.accumulators if accumulator.reduction is reduction]
            for accumulator, result in zip(own, self._results(reduction, own, state), strict=True):
                self.exprs.results[reduction, self.exprs.key(reduction, accumulator.point)] = result

    # ---------------------------------------------------------------- accumulators

    def _accumulator(self, reduction: Reduce, point: Point) -> Accumulator:
        """An accumulator with registers of its own."""
        partials = []
        for _ in range(self.group):
            begin = len(self.types)
            for dtype, first in registers(reduction):
                self.types.append(vector_type(dtype, self.lanes))
                self.first.append(self.f.splat(first, dtype, self.lanes))
            partials.append(slice(begin, len(self.types)))
        return Accumulator(reduction, point, tuple(partials))

    def _sum_so_far(self, point: Point) -> str:
        """The partial sum in memory, of the earlier steps of a split reduction."""
        (store,) = self.nest.stores
        return self.memory.load(store.value, store.index, point, None)[0]

    def _results(self, reduction: Reduce, accumulators: Sequence[Accumulator], state: list[str]) -> list[str]:
        """The partial results combined, and the lanes too, if vectors run along a reduced variable."""
        totals = []
        for accumulator in accumulators:
            total, *others = (state[registers] for registers in accumulator.partials)
            for other in others:
                total = combined(self.f, reduction, total, other, self.lanes)
            totals.append(total)
        if self.along:
            return across_lanes(self.f, reduction, totals, self.lanes)
        return [total[0] for total in totals]

    # ---------------------------------------------------------------- loops

    def _ranges(self) -> Iterator[Range]:
        """The loops, outermost first."""
        t = self.schedule
        for var in [v for v in t.inner if v in self.variables] or self.variables:
            if var in t.split:  # the part of it that one step of the outer loop leaves
                yield Range(var, self.outer[var], 1, t.split[var], t.split[var])
            else:
                extent, unit = t.extent(var), self.lanes if var is t.vector else 1
                yield Range(var, 0, unit, -(-extent // unit), extent // unit)

    def _loops(self, ranges: Sequence[Range], at: Point, state: list[str]) -> list[str]:
        """The registers after these loops, outermost first; ``at``: the reduced variables outside them."""
        if not ranges:
            return self._accumulate(at, state, 0)
        over, inside = ranges[0], ranges[1:]
        if not inside:
            return self._innermost(over, at, state)
        body = partial(self._outer_step, over, inside, at)
        if over.steps <= 1:
            return body(0, state)
        low, high = self._bounded(over, at)
        return self.f.loop(low, high, 1, self._carried(state), body)

    def _outer_step(self, over: Range, inside: Sequence[Range], at: Point, step: Int, state: list[str]) -> list[str]:
        at = {**at, over.var: over.at(step)}
        with self.exprs.level():
            self.exprs.hoist([{**point, **at} for point in self.points])
            return self._loops(inside, at, state)

    def _innermost(self, over: Range, at: Point, state: list[str]) -> list[str]:
        """A loop over groups of steps; the remaining groups and single steps are written out after it."""
        group, at_once = self.group, AT_ONCE if self.nest.is_contraction else 1
        short = over.steps <= UNROLLED and len(self.types) * over.steps <= 128
        short = short and over.steps * len(self.points) * self._length(over.var) <= WRITTEN
        grouped = over.whole - over.whole % group
        looped = 0 if short else grouped - grouped % (at_once * group)
        if looped:
            body = partial(self._groups, over, at, group, at_once)
            state = self.f.loop(0, looped, at_once * group, self._carried(state), body)
        state = self._groups(over, at, group, (grouped - looped) // group, looped, state)
        return self._groups(over, at, 1, over.steps - grouped, grouped, state)

    def _length(self, var: Var) -> int:
        """How many expressions one step of a variable's loop takes at a point."""
        bodies = [body for reduction in self.reductions for body in reduction.args]
        return sum(isinstance(expr, (Load, Op)) and var in expr.vars for expr in walk(bodies))

    def _groups(self, over: Range, at: Point, size: int, count: int, step: Int, state: list[str]) -> list[str]:
        """``count`` groups of ``size`` steps of the innermost loop, beginning with ``step``."""
        for first in (step + k * size for k in range(count)):
            start = over.at(first)
            with self.exprs.level():
                for turn in range(size):
                    state = self._accumulate({**at, over.var: start + turn * over.unit}, state, turn)
        return state

    def _carried(self, state: Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(self.types, state, strict=True))

    def _bounded(self, over: Range, at: Point) -> tuple[Int, Int]:
        """The range of steps outside which only zeros are added."""
        f = self.f
        low: Int = 0
        high: Int = over.steps
        if over.var in self.schedule.split:
            return low, high
        at = {**self.points[0], **at}
        for affine, least, most in self.nest.bounds:
            if not self.schedule.cuts(affine, over.var):
                continue
            others = [(v, c) for v, c in affine.terms if v is not over.var]
            if any(v not in at or len({point.get(v) for point in self.points}) > 1 for v, _ in others):
                continue  # unknown, or not the same at all points of the tile
            base = index_at(Affine(affine.const, others), at)
            if affine.coefficient(over.var) == 1:
                low, high = f.most(low, base * -1 + least), f.least(high, base * -1 + most)
            else:
                low, high = f.most(low, base + (1 - most)), f.least(high, base + (1 - least))
        return low, high

    # ---------------------------------------------------------------- one step

    def _accumulate(self, at: Point, state: list[str], turn: int) -> list[str]:
        """The registers after one step: number ``turn`` of its group."""
        state = list(state)
        for accumulator in self.accumulators:
            place = accumulator.partials[turn % len(accumulator.partials)]
            where = {**accumulator.point, **at}
            for body in accumulator.reduction.args:
                state[place] = self._step(accumulator.reduction, body, where, state[place])
        return state

    def _step(self, reduction: Reduce, body: Expr, where: Point, total: list[str]) -> list[str]:
        """A partial result after one more body."""
        f, dtype, lanes = self.f, body.dtype, self.lanes
        live = self.memory.live(where) if self.along else lanes
        product = isinstance(body, Op) and body.name == "mul" and dtype.kind == "f"
        if reduction.kind == "sum" and product and self.multiply_add and live == lanes:
            a, b = (self.exprs.vector(self.exprs.emit(x, where), x.dtype, lanes) for x in body.args)
            return [f.call(self.multiply_add, vector_type(dtype, lanes), a, b, *total)]
        value = self.exprs.vector(self.exprs.emit(body, where), dtype, lanes)
        if live < lanes:
            mask = f"<{', '.join(f'i1 {str(i < live).lower()}' for i in range(lanes))}>"
            value = select(f, mask, value, f.splat(neutral(reduction, dtype), dtype, lanes), dtype, lanes)
        if reduction.kind != "argmax":
            return combined(f, reduction, total, [value], lanes)
        place = self.exprs.places(reduction.position, where, reduction.dtype)
        element = [self.exprs.vector(place, reduction.dtype, lanes), value]
        return combined(f, reduction, total, element, lanes, rising=self.rising)
