"""The reductions of one tile: accumulators in registers, loops over the reduced variables, partial results combined.

Bodies are written by :class:`Expressions`; nothing here knows of the loops outside the tile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..llvm.elementwise import LOWERINGS, maximum, select
from ..llvm.function import number, scalar_type, vector_type
from ..llvm.integer import Int, IntSum
from ..schedule.affine import Affine, Var
from ..schedule.expr import Expr, Op, Reduce
from ..schedule.nest import Nest
from .expressions import Expressions, distinct
from .memory import BOOL, Point, index_at

UNROLLED = 8  # steps: an innermost loop of no more is written out
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
    """

    def __init__(
        self,
        exprs: Expressions,
        nest: Nest,
        fma: bool,
        reductions: Sequence[Reduce],
        points: list[Point],
        outer: Point,
    ):
        self.exprs, self.nest, self.fma = exprs, nest, fma
        self.f, self.memory, self.schedule, self.lanes = exprs.f, exprs.memory, exprs.schedule, exprs.schedule.lanes
        self.variables, self.outer = reductions[0].variables, outer
        self.along = self.schedule.vector in self.variables  # whether vectors run along a reduced variable
        self.points = distinct(points, {v for r in reductions for body in r.args for v in body.vars})
        self.ranges = list(self._ranges())
        self.group = self.schedule.unroll if self.ranges else 1  # steps; the innermost loop takes them at once
        self.types: list[str] = []  # the types of the registers that the loops carry
        self.neutral: list[str] = []  # their first values
        self.accumulators = [self._accumulator(r, point) for r in reductions for point in self.points]

    def write(self) -> None:
        """Write the first values, the loops, and the results, where expressions look them up."""
        state = list(self.neutral)
        if self.schedule.split:
            for accumulator in self.accumulators:
                state[accumulator.partials[0]] = [self._sum_so_far(accumulator.point)]
        state = self._loops(self.ranges, dict.fromkeys(self.schedule.absorbed(self.variables), 0), state)
        for accumulator in self.accumulators:
            key = accumulator.reduction, self.exprs.key(accumulator.reduction, accumulator.point)
            self.exprs.results[key] = self._result(accumulator, state)

    # ---------------------------------------------------------------- accumulators

    def _accumulator(self, reduction: Reduce, point: Point) -> Accumulator:
        """An accumulator with registers of its own."""
        partials = []
        for _ in range(1 if reduction.kind == "argmax" else self.group):  # argmax takes all steps in order
            begin = len(self.types)
            for dtype, neutral in _registers(reduction):
                self.types.append(vector_type(dtype, self.lanes))
                self.neutral.append(self.f.splat(neutral, dtype, self.lanes))
            partials.append(slice(begin, len(self.types)))
        return Accumulator(reduction, point, tuple(partials))

    def _sum_so_far(self, point: Point) -> str:
        """The partial sum in memory, of the earlier steps of a split reduction."""
        (store,) = self.nest.stores
        return self.memory.load(store.value, store.index, point, None)[0]

    def _result(self, accumulator: Accumulator, state: list[str]) -> str:
        """The partial results combined, and the lanes too, if vectors run along a reduced variable."""
        total, *others = (state[registers][0] for registers in accumulator.partials)
        for other in others:
            total = self._combine(accumulator.reduction, total, other, self.lanes)
        if self.along:
            combine = partial(self._combine, accumulator.reduction)
            total = self.f.reduce(total, accumulator.reduction.dtype, self.lanes, combine)
        return total

    # ---------------------------------------------------------------- loops

    def _ranges(self) -> Iterator[Range]:
        """The loops, outermost first."""
        t = self.schedule
        for var in [v for v in t.inner if v in self.variables] or self.variables:
            if var in t.split:  # the part of it that one step of the outer loop leaves
                yield Range(var, self.outer[var], 1, t.split[var], t.split[var])
            else:
                extent, unit = t.collapsed.get(var, var.extent), self.lanes if var is t.vector else 1
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
        grouped = over.whole - over.whole % group
        looped = 0 if short else grouped - grouped % (at_once * group)
        if looped:
            body = partial(self._groups, over, at, group, at_once)
            state = self.f.loop(0, looped, at_once * group, self._carried(state), body)
        state = self._groups(over, at, group, (grouped - looped) // group, looped, state)
        return self._groups(over, at, 1, over.steps - grouped, grouped, state)

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
            if not self.schedule.cuts(affine, over.var, self.variables):
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
            registers = accumulator.partials[turn % len(accumulator.partials)]
            reduction, where = accumulator.reduction, {**accumulator.point, **at}
            if reduction.kind == "argmax":
                state[registers] = self._argmax(reduction, where, *state[registers])
                continue
            (total,) = state[registers]
            for body in reduction.args:
                total = self._add(reduction, body, where, total)
            state[registers] = [total]
        return state

    def _add(self, reduction: Reduce, body: Expr, where: Point, total: str) -> str:
        """A sum or a maximum after one more body."""
        f, dtype, lanes = self.f, reduction.dtype, self.lanes
        live = self.memory.live(where) if self.along else lanes
        product = isinstance(body, Op) and body.name == "mul" and dtype.kind == "f"
        if reduction.kind == "sum" and product and self.fma and live == lanes:
            a, b = (self.exprs.vector(self.exprs.emit(x, where), x.dtype, lanes) for x in body.args)
            return f.call("llvm.fma", vector_type(dtype, lanes), a, b, total)
        value = self.exprs.vector(self.exprs.emit(body, where), body.dtype, lanes)
        if live < lanes:
            mask = f"<{', '.join(f'i1 {str(i < live).lower()}' for i in range(lanes))}>"
            value = select(f, mask, value, f.splat(_neutral(reduction), dtype, lanes), dtype, lanes)
        return self._combine(reduction, total, value, lanes)

    def _argmax(self, reduction: Reduce, where: Point, index: str, best: str) -> list[str]:
        """The index and the value of the first maximum so far. NaN counts as larger than all; the first one stays."""
        f, lanes, (body,), dtype = self.f, self.lanes, reduction.args, reduction.dtype
        source = body.dtype
        x = self.exprs.vector(self.exprs.emit(body, where), source, lanes)
        kind, mask = vector_type(source, lanes), "i1" if lanes == 1 else f"<{lanes} x i1>"
        compare = LOWERINGS["less_equal"].spell(f, [x, best], source, BOOL, lanes)
        better = f.value(f"xor {mask} {compare}, {f.splat('true', BOOL, lanes)}")
        if source.kind == "f":
            better = f.value(f"and {mask} {better}, {f.value(f'fcmp ord {kind} {best}, {best}')}")
        flat: Int = 0
        for v in reduction.variables:
            flat = flat * v.extent + where[v]
        here = f.integer(flat)
        if dtype.itemsize < 8 and isinstance(flat, IntSum):
            here = f.value(f"trunc i64 {here} to {scalar_type(dtype)}")
        new = select(f, better, f.splat(here, dtype, lanes), index, dtype, lanes)
        return [new, maximum(f, [best, x], source, source, lanes)]

    def _combine(self, reduction: Reduce, a: str, b: str, lanes: int) -> str:
        """The sum or the maximum of two partial results."""
        dtype = reduction.dtype
        if reduction.kind == "sum":
            word = {"f": "fadd", "b": "or"}.get(dtype.kind, "add")
            return self.f.value(f"{word} {vector_type(dtype, lanes)} {a}, {b}")
        return maximum(self.f, [a, b], dtype, dtype, lanes)


def _registers(reduction: Reduce) -> list[tuple[np.dtype, str]]:
    """The registers of a partial result, with their first values; for an argmax, the index and the value there."""
    if reduction.kind == "argmax":
        source = reduction.args[0].dtype
        return [(reduction.dtype, number(reduction.dtype.type(0))), (source, _lowest(source))]
    return [(reduction.dtype, _neutral(reduction))]


def _neutral(reduction: Reduce) -> str:
    """The neutral element of a sum or a maximum."""
    return number(reduction.dtype.type(0)) if reduction.kind == "sum" else _lowest(reduction.dtype)


def _lowest(dtype: np.dtype) -> str:
    if dtype.kind == "f":
        return number(dtype.type(-np.inf))
    return number(dtype.type(False)) if dtype.kind == "b" else str(np.iinfo(dtype).min)
