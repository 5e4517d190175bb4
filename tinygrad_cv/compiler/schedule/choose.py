"""The loop schedule of each nest: of a contraction, a scattered sum, or elementwise operations and reductions.

The last two read and write each element once or a few times: their vectors run along what is contiguous in memory.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ...ir.graph import INPUT, Value
from .affine import Affine, Var
from .collapse import collapse
from .expr import Load, Op, Scatter
from .layout import Layout
from .loop_schedule import ANYWHERE, NEAR, LoopSchedule, Strides, in_memory_order
from .nest import Nest
from .tiles import contraction

if TYPE_CHECKING:
    from ..runtime.target import Target

FEW = 4  # elements: a shorter vector is none
LONG = 1 << 14  # elements: of more, the next vectors of the rows would not be in the cache any more
SHORT = 16  # vectors: several reductions of no more are done at once
BODY = 32  # operations: while a processor is at so many, the next vector's need not be side by side with them


def choose(nest: Nest, layouts: Mapping[Value, Layout], target: Target, shared: int = 1) -> LoopSchedule:
    """The loop schedule of a nest.

    Args:
        shared: how many of its loops threads share, as whole loops if several; fewer if others must be outermost.
    """
    strides = Strides(nest, layouts)
    if nest.is_contraction:
        return contraction(nest, strides, _lanes(nest, strides.loads, target), target)
    if nest.scatter is not None:
        return _scattered(nest, nest.scatter, strides, _lanes(nest, strides.loads, target))
    return _streaming(nest, strides, target, shared)


def _lanes(nest: Nest, loads: Iterable[Load], target: Target) -> int:
    """How many of the widest elements that are stored, or loaded by these loads, a register holds."""
    dtypes = [*(s.value.dtype for s in nest.stores), *(x.dtype for x in loads)]
    itemsize = max((dtype.itemsize for dtype in dtypes if dtype.kind != "b"), default=4)
    return max(1, target.vector_bytes // max(itemsize, 4))


# ---------------------------------------------------------------- elementwise operations and reductions


def _streaming(nest: Nest, strides: Strides, target: Target, shared: int) -> LoopSchedule:
    main = max(zip(nest.stores, strides.store_maps, strict=True), key=lambda pair: pair[0].value.size)[1]
    reductions = nest.reductions
    reduced = list(dict.fromkeys(v for r in reductions for v in r.variables))
    if not nest.vars and not reduced:
        return LoopSchedule(None, 1)
    by_load = max(strides.load_maps, key=lambda m: sum(abs(m.coefficient(v)) > 0 for v in reduced), default=main)
    order, inner = in_memory_order(list(nest.vars), main), in_memory_order(reduced, by_load)
    alike = len({r.variables for r in reductions}) <= 1
    maps = [*strides.load_maps, *strides.store_maps, *nest.maps]
    outer, inside = collapse(order[shared:], maps), collapse(inner, maps) if alike else dict.fromkeys(inner, ())
    order, inner = (
        [*order[:shared], *outer],
        list(inside),
    )  # chains have the first loops in common: they stay as they are
    whole, order = (order[:shared], order[shared:]) if 1 < shared <= len(order) else ([], order)
    schedule = LoopSchedule(None, 1, collapsed={v: replaced for v, replaced in (outer | inside).items() if replaced})
    vector = max(
        order + (inner if alike else []), key=lambda v: (_smoothness(v, strides, nest), v.extent), default=None
    )
    if vector is not None and vector.extent >= 2 and _smoothness(vector, strides, nest) > 0:
        lanes = _lanes(nest, [x for x in strides.loads if vector in x.vars], target)
        schedule.vector, schedule.lanes = vector, min(lanes, _power_of_2(schedule.extent(vector)))
    else:
        vector = None
    if reduced:
        _reduce(schedule, nest, strides, order, inner, whole)
    else:
        _map(schedule, nest, strides, order, main)
    if whole:
        schedule.outer, schedule.shared = [*whole, *schedule.outer], shared
    return schedule


def _power_of_2(n: int) -> int:
    """The smallest power of 2 that is not below n."""
    return 1 << (n - 1).bit_length()


def _reduce(
    schedule: LoopSchedule, nest: Nest, strides: Strides, order: list[Var], inner: list[Var], whole: list[Var]
) -> None:
    """The tile of a reduction: as many accumulators as hide the time that an addition takes.

    Args:
        whole: loops outside of these, which threads share; if there are none, they share the first of ``order``.
    """
    vector = schedule.vector
    count = -(-schedule.extent(vector) // schedule.lanes) if vector else 1
    reductions = nest.reductions
    if vector in inner:
        schedule.outer, schedule.inner = order, _vector_inside(inner, vector)
        schedule.unroll = min(4, count)
        steps = count * math.prod(schedule.extent(v) for v in inner if v is not vector)
        if (
            len(order) > (not whole) and steps <= SHORT
        ):  # combining lanes takes as long as all else, but not of several at once
            registers = sum(2 if r.kind == "argmax" else 1 for r in reductions)
            schedule.rows = {order[-1]: min(schedule.extent(order[-1]), max(1, 8 // registers))}
            schedule.unroll = max(1, min(count, 4) // schedule.rows[order[-1]])
        return
    schedule.outer, schedule.inner = _vector_inside(order, vector), inner
    long = _is_long(nest, [vector, *inner])
    schedule.vectors = min(2, count) if len(reductions) <= 4 and not long else 1
    free = [v for v in nest.vars if v not in whole]
    schedule.rows = _shared_rows(free, strides, vector) if len(reductions) == 1 else {}
    sums = schedule.vectors * len(reductions) * math.prod(schedule.rows.values())
    last = schedule.extent(inner[-1])
    several = () if long else (4, 2)
    schedule.unroll = next((u for u in several if (last % u == 0 or last >= 8 * u) and u * sums <= 8), 1)


def _map(schedule: LoopSchedule, nest: Nest, strides: Strides, order: list[Var], main: Affine) -> None:
    """The tile of elementwise operations. ``main``: the index map of the largest store."""
    vector, lanes = schedule.vector, schedule.lanes
    schedule.outer = order
    if vector is None:
        return
    count = -(-schedule.extent(vector) // lanes)
    turned = any(lanes < abs(stride) < ANYWHERE for stride in strides.all(vector))  # a load or store is strided
    schedule.vectors = 1 if turned or strides.gathers or _is_long(nest, [vector]) else min(2, count)
    schedule.overlaps = strides.gathers and not _may_replace(nest)
    rest = [v for v in order if v is not vector]
    gap = main.coefficient(vector)
    between = [v for v in rest if 1 < gap <= NEAR and 0 < main.coefficient(v) < gap]
    if math.prod(map(schedule.extent, between)) == gap > 1:  # rows whose vectors interleave
        schedule.vectors, schedule.rows = 1, {v: schedule.extent(v) for v in between}
        schedule.outer = [*(v for v in rest if v not in between), vector, *between]
        return
    numbered = {v for x in nest.loads for number in x.args for v in number.vars}
    alike = [v for v in rest[1:] if v not in numbered and schedule.extent(v) <= NEAR]
    if alike and rest[-1] in numbered:  # rows of the same numbers are read one after the other
        rest.remove(alike[-1])
        rest.append(alike[-1])
    schedule.outer = [*rest, vector]
    if not rest:
        return
    pairs = list(zip(strides.all(vector), strides.all(rest[-1]), strict=True))
    nearer = any(abs(other) < abs(one) for one, other in pairs if lanes < abs(one) < ANYWHERE)
    uniform = any(one and not other for one, other in pairs[: len(strides.loads)])
    least = 2 if strides.gathers else FEW
    if (uniform or nearer) and schedule.extent(rest[-1]) >= least:  # what varies along vectors only is hoisted
        if strides.gathers and schedule.extent(rest[-1]) * schedule.extent(vector) > LONG:
            rest[-1:] = [*schedule.collapsed.pop(rest[-1], ()), rest[-1]]
        schedule.outer = [*rest[:-1], vector, rest[-1]]
        if schedule.extent(rest[-1]) % 2 == 0 and len(nest.stores) <= 2:
            schedule.rows = {rest[-1]: 2}


def _may_replace(nest: Nest) -> bool:
    """Whether it may be stored over what it reads, as an update over the input that is read where it is stored."""
    read = [x.index for x in nest.loads if x.value.op == INPUT and not x.args]
    return any(store.index in read for store in nest.stores)


def _is_long(nest: Nest, variables: Collection[Var | None]) -> bool:
    """Whether what varies with these variables is so many operations that they fill the processor by themselves."""
    return sum(isinstance(expr, Op) and not expr.vars.isdisjoint(variables) for expr in nest.parts) > BODY


def _smoothness(var: Var, strides: Strides, nest: Nest) -> float:
    """How well vectors along a variable suit the loads and stores, weighted by how often each is done."""
    score = 0.0
    for stride, share in zip(strides.all(var), strides.shares, strict=True):
        near = 0.1 if stride == ANYWHERE else 0.5 if abs(stride) <= NEAR else -0.3
        score += share * (1.0 if stride == 1 else 0.2 if stride == 0 else near)
    if var not in nest.vars:
        if any(x.args and var in x.args[0].vars for x in strides.loads):
            return 0.0  # elements from anywhere are read one by one, and the lanes must be reduced too
        score *= 0.8  # the lanes must be reduced too
    if strides.gathers and var.extent < FEW:  # numbers of rows had rather be computed as whole vectors
        return 0.0
    return score * min(var.extent, 8) if score > 0 else score


def _shared_rows(variables: Sequence[Var], strides: Strides, vector: Var | None) -> dict[Var, int]:
    """Some rows of a variable that a load does not depend on: they share the load."""
    for v in reversed(variables):
        if v is not vector and any(v not in x.vars and vector in x.vars for x in strides.loads):
            size = next((n for n in (4, 3, 2) if v.extent % n == 0), 1)
            if size > 1:
                return {v: size}
    return {}


def _vector_inside(order: list[Var], vector: Var | None) -> list[Var]:
    return [v for v in order if v is not vector] + ([vector] if vector in order else [])


# ---------------------------------------------------------------- scattered sums


def _scattered(nest: Nest, scatter: Scatter, strides: Strides, lanes: int) -> LoopSchedule:
    """Threads share parts that have rows of their own, or else columns; or one of them does everything."""
    (flat,) = strides.store_maps
    order = in_memory_order(list(nest.vars), flat)
    parts = [v for v in order if scatter.first.coefficient(v)]
    places = [v for v in order if scatter.place.coefficient(v) and v not in parts]
    columns = [v for v in order if v not in parts and v not in places]
    vector = columns[-1] if columns and flat.coefficient(columns[-1]) == 1 and columns[-1].extent >= FEW else None
    if vector is None and scatter.variables:  # rows and terms are computed as vectors, and added one by one
        vector = scatter.variables[-1]
    lanes = min(lanes, 1 << vector.extent.bit_length() - 1) if vector else 1
    count = -(-vector.extent // lanes) if vector else 1
    outside = parts or columns[:1]
    if not parts and places and flat.coefficient(places[-1]) < 2 * lanes:
        outside = places
    vectors = 1 if vector in scatter.variables else min(count, 8)
    if vector in outside:  # an even number of steps to share
        vectors = next((n for n in (8, 6, 4, 3, 2) if -(-count // n) % 2 == 0), 1)
    rows = {v: v.extent for v in places if v in outside}
    within = [v for v in columns if v not in outside]
    outer = [*outside, *(v for v in places if v not in outside), *within]
    return LoopSchedule(vector, lanes, vectors, rows, outer, inner=list(scatter.variables), within=within)
