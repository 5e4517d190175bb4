"""Loop schedules: the order of a nest's loops, the one that vectors run along, and the tile that registers hold.

A tile is what one pass over a reduction computes: some vectors times some rows, with as many accumulators as the
machine has registers for. Its size minimizes the estimated cycles of its multiply-adds and loads.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...ir.graph import Value
from .affine import Affine, Var
from .collapse import collapse, extent
from .expr import Guard, Load, Scatter
from .layout import Layout
from .nest import Nest, is_contraction, products

if TYPE_CHECKING:
    from ..runtime.target import Target

LATENCY = 5  # cycles from a multiply-add to the next one that uses its result: 4, and 1 for imperfections
PIPES = 2  # multiply-adds, and loads, that start in each cycle
ANYWHERE = 1 << 30  # a stride: of elements that are gathered
FEW = 4  # elements: a shorter vector is none
MIN_ACCUMULATED = 128  # steps of a split reduction that are summed in registers, at least
NEAR = 8  # elements: a vector of elements that are no farther apart is read or written as the range they lie in
SHORT = 16  # vectors: several reductions of no more are done at once
MAX_ACCUMULATED = 4096  # steps of a reduction: a longer one is split


@dataclass
class LoopSchedule:
    """How the loops of a nest run.

    Attributes:
        vector: the variable that vectors run along; None if there are none.
        lanes: the length of a vector.
        vectors: how many vectors a tile has.
        rows: the size of a tile along other variables of the result, where it is not 1.
        outer: the variables of the result, outermost first; threads share the range of the first.
        split: reduction variables whose loops run outside the tile, each with the part of its range that still runs
            inside. Partial sums are added to memory.
        inner: reduction variables whose loops run inside the tile, outermost first.
        unroll: how many partial results the innermost reduction loop has, each in an accumulator of its own.
        collapsed: variables whose loops run over the next outer ones too, each with those: possible where memory is
            contiguous across them.
        within: of a scattered sum, variables of the result whose loops run inside those of the sum; all its places are
            summed at once.
    """

    vector: Var | None
    lanes: int
    vectors: int = 1
    rows: dict[Var, int] = field(default_factory=dict)
    outer: list[Var] = field(default_factory=list)
    split: dict[Var, int] = field(default_factory=dict)
    inner: list[Var] = field(default_factory=list)
    unroll: int = 1
    collapsed: dict[Var, tuple[Var, ...]] = field(default_factory=dict)
    within: list[Var] = field(default_factory=list)

    @property
    def result_lanes(self) -> int:
        """The lanes of the result: 1 if vectors run along a reduction variable."""
        return self.lanes if self.vector in self.outer else 1

    def extent(self, var: Var) -> int:
        """The range of a variable's loop."""
        return extent(var, self.collapsed.get(var, ()))

    @property
    def absorbed(self) -> list[Var]:
        """The variables that were collapsed into the loop of another one: they have no loop, and stay 0."""
        return [v for replaced in self.collapsed.values() for v in replaced]

    def cuts(self, affine: Affine, var: Var) -> bool:
        """Whether bounds of an index map are bounds of a variable's loop.

        Not if the map also depends on the vector's variable, whose lanes would have different bounds, or on a variable
        of collapsed loops.
        """
        collapsed = {*self.collapsed, *self.absorbed}
        differs = any(v in collapsed or (v is self.vector and v is not var) for v, _ in affine.terms)
        return abs(affine.coefficient(var)) == 1 and not differs


def widths(extent: int, size: int) -> list[tuple[int, int]]:
    """A range cut into tiles of at most ``size``, as equal as possible: (tile size, how many)."""
    tiles = -(-extent // size)
    small, larger = divmod(extent, tiles)
    return [(n, k) for n, k in ((small + 1, larger), (small, tiles - larger)) if k]


class Strides:
    """The strides of all loads and stores of a nest along its variables.

    Attributes:
        shares: how often each of them is done, as a fraction of the points of all loops.
        gathers: whether some of the loads are of rows whose numbers are computed.
    """

    def __init__(self, nest: Nest, layouts: Mapping[Value, Layout]):
        self.loads = nest.loads
        self.gathers = any(x.args for x in self.loads)
        self.load_maps = [layouts[x.value].flat(x.index) for x in self.loads]
        self.store_maps = [layouts[s.value].flat(s.index) for s in nest.stores]
        everything = set(nest.vars).union(*(x.vars for x in self.loads))
        points = math.prod(v.extent for v in everything)
        touched = [x.vars for x in self.loads] + [set(nest.vars)] * len(nest.stores)
        self.shares = [math.prod(v.extent for v in variables) / points for variables in touched]

    def all(self, var: Var) -> list[int]:
        """The strides along one variable; where a gather's row depends on it, ``ANYWHERE``."""
        found = [
            ANYWHERE if x.args and var in x.args[0].vars else m.coefficient(var)
            for x, m in zip(self.loads, self.load_maps, strict=True)
        ]
        return found + [m.coefficient(var) for m in self.store_maps]


def choose(nest: Nest, layouts: Mapping[Value, Layout], target: Target) -> LoopSchedule:
    """The loop schedule of a nest."""
    strides = Strides(nest, layouts)
    dtypes = [*(s.value.dtype for s in nest.stores), *(x.dtype for x in strides.loads)]
    itemsize = max((dtype.itemsize for dtype in dtypes if dtype.kind != "b"), default=4)
    lanes = max(1, target.vector_bytes // max(itemsize, 4))
    if nest.is_contraction:
        return _contraction(nest, strides, lanes, target)
    if nest.scatter is not None:
        return _scattered(nest, nest.scatter, strides, lanes)
    return _streaming(nest, strides, lanes)


def _in_memory_order(variables: list[Var], flat: Affine) -> list[Var]:
    """Variables with the largest strides first; those with none come last."""
    return sorted(variables, key=lambda v: -abs(flat.coefficient(v)) or 1)


# ---------------------------------------------------------------- elementwise operations and reductions


def _streaming(nest: Nest, strides: Strides, lanes: int) -> LoopSchedule:
    main = max(zip(nest.stores, strides.store_maps, strict=True), key=lambda pair: pair[0].value.size)[1]
    reductions = nest.reductions
    reduced = list(dict.fromkeys(v for r in reductions for v in r.variables))
    if not nest.vars and not reduced:
        return LoopSchedule(None, 1)
    by_load = max(strides.load_maps, key=lambda m: sum(abs(m.coefficient(v)) > 0 for v in reduced), default=main)
    order, inner = _in_memory_order(list(nest.vars), main), _in_memory_order(reduced, by_load)
    alike = len({r.variables for r in reductions}) <= 1
    maps = [*strides.load_maps, *strides.store_maps, *nest.maps]
    outer, inside = collapse(order[1:], maps), collapse(inner, maps) if alike else dict.fromkeys(inner, ())
    order, inner = [*order[:1], *outer], list(inside)  # chains have the first loop in common, so it stays as it is
    schedule = LoopSchedule(None, 1, collapsed={v: replaced for v, replaced in (outer | inside).items() if replaced})
    vector = max(
        order + (inner if alike else []), key=lambda v: (_smoothness(v, strides, nest), v.extent), default=None
    )
    if vector is not None and vector.extent >= 2 and _smoothness(vector, strides, nest) > 0:
        schedule.vector, schedule.lanes = vector, min(lanes, _power_of_2(schedule.extent(vector)))
    else:
        vector = None
    if reduced:
        _reduce(schedule, nest, strides, order, inner)
    else:
        _map(schedule, nest, strides, order, main)
    return schedule


def _power_of_2(n: int) -> int:
    """The smallest power of 2 that is not below n."""
    return 1 << (n - 1).bit_length()


def _reduce(schedule: LoopSchedule, nest: Nest, strides: Strides, order: list[Var], inner: list[Var]) -> None:
    """The tile of a reduction: as many accumulators as hide the time that an addition takes."""
    vector = schedule.vector
    count = -(-schedule.extent(vector) // schedule.lanes) if vector else 1
    reductions = nest.reductions
    if vector in inner:
        schedule.outer, schedule.inner = order, _vector_inside(inner, vector)
        schedule.unroll = min(4, count)
        steps = count * math.prod(schedule.extent(v) for v in inner if v is not vector)
        if len(order) > 1 and steps <= SHORT:  # combining lanes takes as long as all else, but not of several at once
            registers = sum(2 if r.kind == "argmax" else 1 for r in reductions)
            schedule.rows = {order[-1]: min(schedule.extent(order[-1]), max(1, 8 // registers))}
            schedule.unroll = max(1, min(count, 4) // schedule.rows[order[-1]])
        return
    schedule.outer, schedule.inner = _vector_inside(order, vector), inner
    schedule.vectors = min(2, count) if len(reductions) <= 4 else 1
    schedule.rows = _shared_rows(nest, strides, vector) if len(reductions) == 1 else {}
    sums = schedule.vectors * len(reductions) * math.prod(schedule.rows.values())
    last = schedule.extent(inner[-1])
    schedule.unroll = next((u for u in (4, 2) if (last % u == 0 or last >= 8 * u) and u * sums <= 8), 1)


def _map(schedule: LoopSchedule, nest: Nest, strides: Strides, order: list[Var], main: Affine) -> None:
    """The tile of elementwise operations. ``main``: the index map of the largest store."""
    vector, lanes = schedule.vector, schedule.lanes
    schedule.outer = order
    if vector is None:
        return
    count = -(-schedule.extent(vector) // lanes)
    turned = any(lanes < abs(stride) < ANYWHERE for stride in strides.all(vector))  # a load or store is strided
    schedule.vectors = 1 if turned or strides.gathers else min(2, count)
    rest = [v for v in order if v is not vector]
    gap = main.coefficient(vector)
    between = [v for v in rest if 1 < gap <= NEAR and 0 < main.coefficient(v) < gap]
    if math.prod(map(schedule.extent, between)) == gap > 1:  # rows whose vectors interleave
        schedule.vectors, schedule.rows = 1, {v: schedule.extent(v) for v in between}
        schedule.outer = [*(v for v in rest if v not in between), vector, *between]
        return
    schedule.outer = [*rest, vector]
    if not rest:
        return
    ours, theirs = (strides.all(v)[: len(strides.loads)] for v in (vector, rest[-1]))
    uniform = any(one and not other for one, other in zip(ours, theirs, strict=True))
    least = 2 if strides.gathers else FEW
    if (uniform or turned) and schedule.extent(rest[-1]) >= least:  # what varies along vectors only is hoisted
        schedule.outer = [*rest[:-1], vector, rest[-1]]
        if schedule.extent(rest[-1]) % 2 == 0 and len(nest.stores) <= 2:
            schedule.rows = {rest[-1]: 2}


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


def _shared_rows(nest: Nest, strides: Strides, vector: Var | None) -> dict[Var, int]:
    """Some rows of a variable that a load does not depend on: they share the load."""
    for v in reversed(nest.vars):
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
    order = _in_memory_order(list(nest.vars), flat)
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


# ---------------------------------------------------------------- contractions


def _contraction(nest: Nest, strides: Strides, lanes: int, target: Target) -> LoopSchedule:
    reduction = next(filter(is_contraction, nest.reductions))
    _, a, b = products(reduction)[0]
    main = strides.store_maps[0]
    vector = vector_of(nest, strides, a, b, lanes)
    if vector in a.vars and vector not in b.vars:
        a, b = b, a
    a_map = strides.load_maps[strides.loads.index(a)]
    count = -(-vector.extent // lanes)
    row_candidates = [v for v in nest.vars if v is not vector and v in a.vars and v not in b.vars]
    if not row_candidates:  # one operand has all variables: rows share the loads of the other
        row_candidates = [v for v in nest.vars if v is not vector and v not in b.vars]
    row_candidates.sort(key=lambda v: abs(a_map.coefficient(v)))
    vectors, rows = _tile(count, row_candidates, target, vector in a.vars)
    summed = _in_memory_order(list(reduction.variables), a_map)
    order = _in_memory_order([v for v in nest.vars if v is not vector], main)
    order = [v for v in order if v not in rows] + [v for v in order if v in rows]
    blocks = -(-count // vectors)
    tiles = {v: -(-v.extent // rows.get(v, 1)) for v in order}
    split: dict[Var, int] = {}
    steps = math.prod(v.extent for v in summed)
    bare = all(store.expr is reduction for store in nest.stores) and len(nest.stores) == 1
    if bare and steps > MAX_ACCUMULATED and blocks * math.prod(tiles.values()) > 1:
        for v in list(summed[:-1]):
            rest = steps // v.extent
            inside = next(
                (n for n in range(1, v.extent) if v.extent % n == 0 and rest * n >= MIN_ACCUMULATED), v.extent
            )
            if inside == v.extent:
                break
            split[v] = inside
            if inside > 1:
                break
            summed.remove(v)
            steps = rest
    first = next((v for v in order if v not in rows and tiles[v] >= 2), None)
    if first is not None and (tiles[first] >= 8 or tiles[first] % 2 == 0):
        outer = [first, vector, *(v for v in order if v is not first)]
    elif blocks >= 2 or not order:
        outer = [vector, *order]
    else:
        most = max(order, key=lambda v: tiles[v])
        outer = [most, vector, *(v for v in order if v is not most)]
    collapsed: dict[Var, tuple[Var, ...]] = {}
    if len(nest.reductions) == 1 and all(not isinstance(x, Guard) for x in reduction.args):
        left = collapse([v for v in summed if v not in split], strides.load_maps)
        summed = [v for v in summed if v in split or v in left]
        collapsed = {v: replaced for v, replaced in left.items() if replaced}
    return LoopSchedule(vector, lanes, vectors, rows, outer, split, summed, 1, collapsed)


def vector_of(nest: Nest, strides: Strides, a: Load, b: Load, lanes: int) -> Var:
    """The variable of the result that a contraction's vectors run along."""
    own = {x: [v for v in nest.vars if v in x.vars and v not in y.vars] for x, y in ((a, b), (b, a))}

    def worth(v: Var) -> tuple[float, int, int]:
        points = 2.0 * all(m.coefficient(v) == 1 for m in strides.store_maps)
        points += 2.0 * min(1.0, v.extent / lanes)
        for x in (a, b):
            if v in x.vars:
                stride = strides.load_maps[strides.loads.index(x)].coefficient(v)
                points += 1.0 if stride == 1 else -1.0 if v in own[x] and len(own[x]) == 1 else -2.0
        return points, nest.vars.index(v), v.extent

    return max(nest.vars, key=worth)


def _tile(count: int, candidates: list[Var], target: Target, both: bool) -> tuple[int, dict[Var, int]]:
    """The vectors and rows of the tile with the fewest cycles.

    Args:
        count: how many vectors the result has.
        candidates: variables that rows may run along, the best first.
        both: whether both operands are loaded as vectors.
    """
    registers = target.vector_registers - 2
    best: tuple[float, int, dict[Var, int]] | None = None
    first = candidates[0] if candidates else None
    for vectors in range(min(count, 4), 0, -1):
        for wanted in range(1, (first.extent if first else 1) + 1):
            if vectors * wanted > registers - (vectors if target.vector_registers > 16 or vectors > 1 else 0):
                break
            sizes = [(wanted, 1)] if first is None else widths(first.extent, wanted)
            second = None
            if first is not None and wanted == first.extent and len(candidates) > 1:
                second = candidates[1]
            for more in range(1, (second.extent if second else 1) + 1):
                if second is not None and more > 1 and second.extent % more:
                    continue
                if vectors * wanted * more > registers - vectors:
                    break
                cycles = 0.0
                for v_size, v_count in widths(count, vectors):
                    for r_size, r_count in sizes:
                        r = r_size * more
                        moved = (v_size + r * (v_size if both else 1)) / PIPES
                        cycles += v_count * r_count / more * max(v_size * r / PIPES, moved, LATENCY)
                cycles += 1e-3 * len(sizes)
                if best is None or cycles < best[0] - 1e-9:
                    rows = {first: max(n for n, _ in sizes)} if first is not None else {}
                    if second is not None and more > 1:
                        rows[second] = more
                    best = (cycles, vectors, rows)
    assert best is not None
    return best[1], {v: n for v, n in best[2].items() if n > 1}
