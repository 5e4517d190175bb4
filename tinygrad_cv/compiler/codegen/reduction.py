"""The reductions of one tile: accumulators in registers, loops over the summed variables, partial results combined."""

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
from .memory import BOOL, Place, index_at

UNROLLED = 8  # steps of a short innermost loop are written out
AT_ONCE = 2  # steps of a contraction's innermost loop: then the loop's own instructions take less of the processor


@dataclass(frozen=True)
class Accumulator:
    """The registers that hold a reduction at one place of the tile.

    Attributes:
        partials: of each partial result, its registers among those that the loops carry. Steps of the innermost loop
            use the partial results in turn, so that no step waits for the one before it.
    """

    reduction: Reduce
    spot: Place
    partials: tuple[slice, ...]


@dataclass(frozen=True)
class Range:
    """A loop over a summed variable: ``steps`` steps of ``unit`` places each.

    Attributes:
        whole: the number of steps whose places are all inside; the last vector's may not be.
    """

    var: Var
    start: Int
    unit: int
    steps: int
    whole: int

    def place(self, step: Int) -> Int:
        """Where a step begins."""
        return step * self.unit + self.start


class Reductions:
    """Reductions over the same variables, at all places of a tile, as one loop nest."""

    def __init__(
        self,
        exprs: Expressions,
        nest: Nest,
        fma: bool,
        reductions: Sequence[Reduce],
        spots: list[Place],
        place: Place,
    ):
        self.exprs, self.nest, self.fma = exprs, nest, fma
        self.f, self.memory, self.tiling, self.lanes = exprs.f, exprs.memory, exprs.tiling, exprs.tiling.lanes
        self.variables, self.place = reductions[0].variables, place
        self.along = self.tiling.vector in self.variables  # whether vectors run along what is summed over
        self.spots = distinct(spots, {v for r in reductions for body in r.args for v in body.vars})
        self.ranges = list(self._ranges())
        self.group = self.tiling.unroll if self.ranges else 1  # steps of the innermost loop that are written together
        self.types: list[str] = []  # of the registers that the loops carry
        self.neutral: list[str] = []  # what they begin with
        self.accumulators = [self._accumulator(r, spot) for r in reductions for spot in self.spots]

    def write(self) -> None:
        """Write the accumulators' first values, the loops and the results, which expressions look up."""
        state = list(self.neutral)
        if self.tiling.split:
            for accumulator in self.accumulators:
                state[accumulator.partials[0]] = [self._sum_so_far(accumulator.spot)]
        state = self._loops(self.ranges, dict.fromkeys(self.tiling.passed(self.variables), 0), state)
        for accumulator in self.accumulators:
            key = accumulator.reduction, self.exprs.key(accumulator.reduction, accumulator.spot)
            self.exprs.results[key] = self._result(accumulator, state)

    # ---------------------------------------------------------------- accumulators

    def _accumulator(self, reduction: Reduce, spot: Place) -> Accumulator:
        """An accumulator with registers of its own."""
        partials = []
        for _ in range(1 if reduction.kind == "argmax" else self.group):  # argmax: the first maximum needs their order
            begin = len(self.types)
            for dtype, neutral in _registers(reduction):
                self.types.append(vector_type(dtype, self.lanes))
                self.neutral.append(self.f.splat(neutral, dtype, self.lanes))
            partials.append(slice(begin, len(self.types)))
        return Accumulator(reduction, spot, tuple(partials))

    def _sum_so_far(self, spot: Place) -> str:
        """What the outer loops' earlier steps have added up in memory."""
        (store,) = self.nest.stores
        return self.memory.load(store.value, store.index, spot, None)[0]

    def _result(self, accumulator: Accumulator, state: list[str]) -> str:
        """The partial results combined, and the lanes, if vectors run along what is summed over."""
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
        t = self.tiling
        for var in [v for v in t.inner if v in self.variables] or self.variables:
            if var in t.split:  # its part of the outer loop's present step
                yield Range(var, self.place[var], 1, t.split[var], t.split[var])
            else:
                extent, unit = t.collapsed.get(var, var.extent), self.lanes if var is t.vector else 1
                yield Range(var, 0, unit, -(-extent // unit), extent // unit)

    def _loops(self, ranges: Sequence[Range], at: Place, state: list[str]) -> list[str]:
        """The registers after these loops, outermost first, at a place of the variables outside them."""
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

    def _outer_step(self, over: Range, inside: Sequence[Range], at: Place, step: Int, state: list[str]) -> list[str]:
        at = {**at, over.var: over.place(step)}
        with self.exprs.level():
            self.exprs.hoist([{**spot, **at} for spot in self.spots])
            return self._loops(inside, at, state)

    def _innermost(self, over: Range, at: Place, state: list[str]) -> list[str]:
        """A loop over groups of steps, then the remaining groups, then the remaining single steps, written out."""
        group, at_once = self.group, AT_ONCE if self.nest.is_contraction else 1
        short = over.steps <= UNROLLED and len(self.types) * over.steps <= 128
        grouped = over.whole - over.whole % group
        looped = 0 if short else grouped - grouped % (at_once * group)
        if looped:
            body = partial(self._groups, over, at, group, at_once)
            state = self.f.loop(0, looped, at_once * group, self._carried(state), body)
        state = self._groups(over, at, group, (grouped - looped) // group, looped, state)
        return self._groups(over, at, 1, over.steps - grouped, grouped, state)

    def _groups(self, over: Range, at: Place, size: int, count: int, step: Int, state: list[str]) -> list[str]:
        """``count`` groups of ``size`` steps of the innermost loop, beginning with ``step``."""
        for first in (step + k * size for k in range(count)):
            start = over.place(first)
            with self.exprs.level():
                for turn in range(size):
                    state = self._accumulate({**at, over.var: start + turn * over.unit}, state, turn)
        return state

    def _carried(self, state: Sequence[str]) -> list[tuple[str, str]]:
        return list(zip(self.types, state, strict=True))

    def _bounded(self, over: Range, at: Place) -> tuple[Int, Int]:
        """The first step, and the one after the last, that may add anything but zeros."""
        f = self.f
        low: Int = 0
        high: Int = over.steps
        if over.var in self.tiling.split:
            return low, high
        at = {**self.spots[0], **at}
        for affine, least, most in self.nest.bounds:
            if not self.tiling.cuts(affine, over.var, self.variables):
                continue
            others = [(v, c) for v, c in affine.terms if v is not over.var]
            if any(v not in at or len({spot.get(v) for spot in self.spots}) > 1 for v, _ in others):
                continue  # not known, or not the same for all places of the tile
            base = index_at(Affine(affine.const, others), at)
            if affine.coefficient(over.var) == 1:
                low, high = f.most(low, base * -1 + least), f.least(high, base * -1 + most)
            else:
                low, high = f.most(low, base + (1 - most)), f.least(high, base + (1 - least))
        return low, high

    # ---------------------------------------------------------------- one step

    def _accumulate(self, at: Place, state: list[str], turn: int) -> list[str]:
        """The registers after one step, the ``turn``-th of its group."""
        state = list(state)
        for accumulator in self.accumulators:
            registers = accumulator.partials[turn % len(accumulator.partials)]
            reduction, where = accumulator.reduction, {**accumulator.spot, **at}
            if reduction.kind == "argmax":
                state[registers] = self._argmax(reduction, where, *state[registers])
                continue
            (total,) = state[registers]
            for body in reduction.args:
                total = self._add(reduction, body, where, total)
            state[registers] = [total]
        return state

    def _add(self, reduction: Reduce, body: Expr, where: Place, total: str) -> str:
        """A sum or a maximum with one more body taken in."""
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

    def _argmax(self, reduction: Reduce, where: Place, place: str, best: str) -> list[str]:
        """The place and the value of the first maximum so far; NaN is larger than all, and the first one stays."""
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
        new = select(f, better, f.splat(here, dtype, lanes), place, dtype, lanes)
        return [new, maximum(f, [best, x], source, source, lanes)]

    def _combine(self, reduction: Reduce, a: str, b: str, lanes: int) -> str:
        """Two partial results of a sum or a maximum as one."""
        dtype = reduction.dtype
        if reduction.kind == "sum":
            word = {"f": "fadd", "b": "or"}.get(dtype.kind, "add")
            return self.f.value(f"{word} {vector_type(dtype, lanes)} {a}, {b}")
        return maximum(self.f, [a, b], dtype, dtype, lanes)


def _registers(reduction: Reduce) -> list[tuple[np.dtype, str]]:
    """The registers of a partial result, with what they begin with; of an argmax, the place and the value there."""
    if reduction.kind == "argmax":
        source = reduction.args[0].dtype
        return [(reduction.dtype, number(reduction.dtype.type(0))), (source, _lowest(source))]
    return [(reduction.dtype, _neutral(reduction))]


def _neutral(reduction: Reduce) -> str:
    """What changes nothing when it is added to a sum or taken into a maximum."""
    return number(reduction.dtype.type(0)) if reduction.kind == "sum" else _lowest(reduction.dtype)


def _lowest(dtype: np.dtype) -> str:
    if dtype.kind == "f":
        return number(dtype.type(-np.inf))
    return number(dtype.type(False)) if dtype.kind == "b" else str(np.iinfo(dtype).min)
