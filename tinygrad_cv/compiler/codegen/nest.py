"""A loop nest as an LLVM function: ``void name(ptr buffers, i64 low, i64 high)``.

``low`` and ``high`` are a range of the outermost loop's steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from ...ir.graph import Value
from ..llvm.elementwise import LOWERINGS, maximum, select
from ..llvm.function import Function, number, scalar_type, vector_type
from ..llvm.integer import Int, LinearSum
from ..schedule.affine import Affine, Var
from ..schedule.expr import Condition, Expr, Op, Reduce, loads
from ..schedule.layout import Layout
from ..schedule.nest import Nest
from ..schedule.tiling import Tiling, widths
from .expressions import Expressions, distinct
from .memory import BOOL, Memory, Place, index_at

UNROLLED = 8  # steps of a short innermost loop are written out
AT_ONCE = 2  # steps of a contraction's innermost loop: then the loop's own instructions take less of the processor


@dataclass(frozen=True)
class Segment:
    """Equal tiles along a variable: ``count`` of ``size`` places from ``start``; ``first`` numbers them."""

    first: int
    start: int
    count: int
    size: int


class NestLowering:
    """Writes one nest."""

    def __init__(self, name: str, nest: Nest, tiling: Tiling, layouts: Mapping[Value, Layout], fma: bool):
        self.nest, self.tiling, self.layouts, self.fma = nest, tiling, layouts, fma
        self.f = Function(name, ["ptr %buffers", "i64 %low", "i64 %high"])
        self.buffers = buffers_of(nest)
        self.reductions = nest.reductions
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
        if self.tiling.flush:
            self._zeros = True
            self._loops(self.tiling.outer, {}, {}, first=True)
            self._zeros = False
        self._flush(list(self.tiling.flush.items()), {})
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

    def _flush(self, left: list[tuple[Var, int]], place: Place) -> None:
        """The reduction's outer loops, whose results are added to memory; within them the threads' share."""
        if not left:
            self._loops(self.tiling.outer, place, {}, first=True)
            return
        (var, width), rest = left[0], left[1:]

        def body(i: Int, _: list[str]) -> list[str]:
            self._flush(rest, {**place, var: i})
            return []

        with self.exprs.level():
            self.f.loop(0, var.extent, width, [], body)

    def _loops(self, outer: Sequence[Var], place: Place, tile: dict[Var, int], first: bool = False) -> None:
        if not outer:
            self._tile(place, tile)
            return
        f, var, rest = self.f, outer[0], outer[1:]
        unit = self.tiling.lanes if var is self.tiling.vector else 1
        for segment in self._segments(var):

            def body(i: Int, _: list[str] | None = None, segment: Segment = segment) -> list[str]:
                inside = {**place, var: i * (segment.size * unit) + segment.start}
                sizes = {**tile, var: segment.size}
                with self.exprs.level():
                    if (rest or self.reductions) and not self._zeros:
                        self.exprs.hoist(self._spots(inside, sizes))
                    self._loops(rest, inside, sizes)
                return []

            if not first:
                f.loop(0, segment.count, 1, [], body)
                continue
            low, high = (f.known(end) + -segment.first for end in ("%low", "%high"))
            if segment.count == 1:  # its place is known, and with it how much of a vector is inside
                below = f.value(f"icmp sle i64 {f.integer(low)}, 0")
                above = f.value(f"icmp sgt i64 {f.integer(high)}, 0")
                f.branch(f.value(f"and i1 {below}, {above}"), lambda body=body: body(0))  # type: ignore[misc]
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
        groups: dict[tuple[Var, ...], list[Reduce]] = {}
        for reduction in self.reductions:
            groups.setdefault(reduction.variables, []).append(reduction)
        for variables, reductions in groups.items():
            self._reduce(variables, reductions, spots, place)
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

    # ---------------------------------------------------------------- reductions

    def _reduce(self, variables: tuple[Var, ...], reductions: list[Reduce], spots: list[Place], place: Place) -> None:
        f, t = self.f, self.tiling
        summed = [v for v in t.inner if v in variables] or list(variables)
        along = t.vector in variables
        lanes = t.lanes if t.vector is not None else 1
        innermost = summed[-1] if summed else None
        unroll = t.unroll if innermost is not None else 1
        used = {v for r in reductions for body in r.args for v in body.vars}
        keys = distinct(spots, used)
        slots: list[tuple[Reduce, int, int, Place, str]] = []  # reduction, spot, unrolled step, place, part
        first: list[tuple[str, str]] = []
        for reduction in reductions:
            for i, spot in enumerate(keys):
                for u in range(unroll if reduction.kind != "argmax" else 1):
                    for part in ("place", "best") if reduction.kind == "argmax" else ("",):
                        dtype = reduction.args[0].dtype if part == "best" else reduction.dtype
                        start = f.splat(_neutral(reduction, dtype, part), dtype, lanes)
                        if t.flush and u == 0:
                            start = self._load_sum(spot)
                        slots.append((reduction, i, u, spot, part))
                        first.append((vector_type(dtype, lanes), start))

        def step(at: Place, accumulators: list[str], steps: int) -> list[str]:
            accumulators = list(accumulators)
            for u in range(steps):
                for k, (reduction, _, slot_u, spot, part) in enumerate(slots):
                    argmax = reduction.kind == "argmax"
                    if (slot_u != u and not argmax) or part == "place":
                        continue
                    where = {**spot, **at}
                    if innermost is not None:
                        unit = lanes if along and innermost is t.vector else 1
                        where[innermost] = at[innermost] + u * unit
                    if argmax:
                        accumulators[k - 1 : k + 1] = self._argmax(reduction, where, accumulators[k - 1 : k + 1], lanes)
                        continue
                    for body in reduction.args:
                        accumulators[k] = self._accumulate(reduction, body, where, accumulators[k], lanes)
            return accumulators

        def nest(left: list[Var], at: Place, accumulators: list[str]) -> list[str]:
            if not left:
                return step(at, accumulators, 1)
            var, rest = left[0], left[1:]
            unit = lanes if along and var is t.vector else 1
            extent = t.runs.get(var, var.extent)
            low: Int = 0
            high: Int = -(-extent // unit)
            kinds = [kind for kind, _ in first]
            whole = extent // unit

            def body(i: Int, values: list[str]) -> list[str]:
                start = i * unit
                inside = {**at, var: start + offset}
                with self.exprs.level():
                    if not rest:
                        return step(inside, list(values), width)
                    self.exprs.hoist([{**spot, **inside} for spot in keys])
                    return nest(rest, inside, list(values))

            def several(i: Int, values: list[str]) -> list[str]:
                for k in range(at_once):
                    values = body(i + k * unroll, values)
                return values

            offset: Int = 0
            if var in t.flush:  # runs from where the outer loop stands
                offset, high = place[var], t.flush[var]
                whole = high
            width = 1
            if not rest:
                width = unroll
                short = isinstance(high, int) and high <= UNROLLED and len(slots) * high <= 128
                main = whole // unroll * unroll
                at_once = AT_ONCE if self.nest.is_contraction else 1
                looped = 0 if short else main - main % (at_once * unroll)
                if looped:
                    before = list(zip(kinds, accumulators, strict=True))
                    accumulators = f.loop(0, looped, at_once * unroll, before, several)
                for i in range(looped, main, unroll):
                    accumulators = body(i, accumulators)
                width = 1
                for i in range(main, high):  # type: ignore[arg-type]
                    accumulators = body(i, accumulators)
                return accumulators
            if isinstance(high, int) and high <= 1:
                return body(0, accumulators)
            bounds = [bound for bound in self.nest.bounds if t.cuts(bound[0], var, variables)]
            low, high = self._bounded(bounds, var, low, high, {**keys[0], **at}, keys)
            return f.loop(low, high, 1, list(zip(kinds, accumulators, strict=True)), body)

        values = nest(summed, dict.fromkeys(t.passed(variables), 0), [value for _, value in first])
        for reduction in reductions:
            for i, spot in enumerate(keys):
                mine = [v for v, (r, j, *_) in zip(values, slots, strict=True) if r is reduction and j == i]
                if reduction.kind == "argmax":
                    self.exprs.results[reduction, self.exprs.key(reduction, spot)] = mine[0]
                    continue
                total = mine[0]
                for value in mine[1:]:
                    total = self._combine(reduction, total, value, lanes)
                if along:
                    total = f.reduce(total, reduction.dtype, lanes, partial(self._combine, reduction))
                self.exprs.results[reduction, self.exprs.key(reduction, spot)] = total

    def _bounded(
        self, bounds: list[Condition], var: Var, low: Int, high: Int, at: Place, spots: list[Place]
    ) -> tuple[Int, Int]:
        """The part of a reduction's range outside of which only zeros would be added."""
        f = self.f
        for affine, least, most in bounds:
            others = [(v, c) for v, c in affine.terms if v is not var]
            if var in self.tiling.flush or any(v not in at or len({s.get(v) for s in spots}) > 1 for v, _ in others):
                continue
            base = index_at(Affine(affine.const, others), at)
            if affine.coefficient(var) == 1:
                low, high = f.most(low, base * -1 + least), f.least(high, base * -1 + most)
            else:
                low, high = f.most(low, base + (1 - most)), f.least(high, base + (1 - least))
        return low, high

    def _accumulate(self, reduction: Reduce, body: Expr, where: Place, total: str, lanes: int) -> str:
        f, dtype = self.f, reduction.dtype
        kind = vector_type(dtype, lanes)
        live = self.memory.live(where) if self.tiling.vector in reduction.variables else lanes
        product_ = isinstance(body, Op) and body.name == "mul" and dtype.kind == "f"
        if reduction.kind == "sum" and product_ and self.fma and live == lanes:
            a, b = (self.exprs.vector(self.exprs.emit(x, where), x.dtype, lanes) for x in body.args)
            return f.call("llvm.fma", kind, a, b, total)
        value = self.exprs.vector(self.exprs.emit(body, where), body.dtype, lanes)
        if live < lanes:
            mask = f"<{', '.join(f'i1 {str(i < live).lower()}' for i in range(lanes))}>"
            value = select(f, mask, value, f.splat(_neutral(reduction, dtype), dtype, lanes), dtype, lanes)
        return self._combine(reduction, total, value, lanes)

    def _combine(self, reduction: Reduce, a: str, b: str, lanes: int) -> str:
        dtype = reduction.dtype
        if reduction.kind == "sum":
            word = {"f": "fadd", "b": "or"}.get(dtype.kind, "add")
            return self.f.value(f"{word} {vector_type(dtype, lanes)} {a}, {b}")
        return maximum(self.f, [a, b], dtype, dtype, lanes)

    def _argmax(self, reduction: Reduce, where: Place, state: list[str], lanes: int) -> list[str]:
        """The place and the value of the first maximum so far; NaN is larger than all, and the first one stays."""
        f, (body,), dtype = self.f, reduction.args, reduction.dtype
        source = body.dtype
        place, best = state
        x = self.exprs.vector(self.exprs.emit(body, where), source, lanes)
        kind, mask = vector_type(source, lanes), "i1" if lanes == 1 else f"<{lanes} x i1>"
        compare = LOWERINGS["less_equal"](f, [x, best], source, BOOL, lanes)
        better = f.value(f"xor {mask} {compare}, {f.splat('true', BOOL, lanes)}")
        if source.kind == "f":
            better = f.value(f"and {mask} {better}, {f.value(f'fcmp ord {kind} {best}, {best}')}")
        flat: Int = 0
        for v in reduction.variables:
            flat = flat * v.extent + where[v]
        here = f.integer(flat)
        if dtype.itemsize < 8 and isinstance(flat, LinearSum):
            here = f.value(f"trunc i64 {here} to {scalar_type(dtype)}")
        new = select(f, better, f.splat(here, dtype, lanes), place, dtype, lanes)
        return [new, maximum(f, [best, x], source, source, lanes)]

    def _load_sum(self, spot: Place) -> str:
        """What has been added up before."""
        (store,) = self.nest.stores
        return self.memory.load(store.value, store.index, spot, None)[0]


def buffers_of(nest: Nest) -> list[Value]:
    """The stored values that a nest reads and writes, in the order in which its function takes them."""
    read = [load.value for load in loads(nest.exprs)]
    return list(dict.fromkeys([*(store.value for store in nest.stores), *read]))


def _neutral(reduction: Reduce, dtype: np.dtype, part: str = "") -> str:
    """What a reduction starts with."""
    if reduction.kind == "sum" or part == "place":
        return number(dtype.type(0))
    if dtype.kind == "f":
        return number(dtype.type(-np.inf))
    return number(dtype.type(False)) if dtype.kind == "b" else str(np.iinfo(dtype).min)
