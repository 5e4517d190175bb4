"""Loop schedules of contractions: tiles that registers hold.

A tile is what one pass over a contraction computes: some vectors times some rows, with as many accumulators as the
machine has registers for. Its size minimizes the estimated cycles of its multiply-adds and loads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from .affine import Var
from .collapse import collapse
from .expr import Guard, Load
from .loop_schedule import LoopSchedule, Strides, in_memory_order, widths
from .nest import Nest, is_contraction, products

if TYPE_CHECKING:
    from ..runtime.target import Target

LATENCY = 5  # cycles from a multiply-add to the next one that uses its result: 4, and 1 for imperfections
PIPES = 2  # multiply-adds, and loads, that start in each cycle
MIN_ACCUMULATED = 128  # steps of a split reduction that are summed in registers, at least
MAX_ACCUMULATED = 4096  # steps of a reduction: a longer one is split


def contraction(nest: Nest, strides: Strides, lanes: int, target: Target) -> LoopSchedule:
    """The loop schedule of a contraction."""
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
    summed = in_memory_order(list(reduction.variables), a_map)
    order = in_memory_order([v for v in nest.vars if v is not vector], main)
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
