"""Memory layouts with halos of zeros, and the guards that halos make redundant.

The halo of a materialized value is as wide as the windows that read it reach over its edges, so that they need no
guard there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...ir.graph import CONSTANT, INPUT, Graph, Value
from .affine import Var
from .expr import Condition, Expr, Exprs, Guard, Load, is_number, substitute
from .layout import Layout, layout_of
from .nest import Nest, Store, products
from .plan import Nests

if TYPE_CHECKING:
    from ..runtime.target import Target


def lay_out(graph: Graph, nests: Nests, target: Target) -> dict[Value, Layout]:
    """The layout of everything that has memory: as it is arranged, with borders, innermost axes in whole vectors."""
    storages = nests.storages
    ours = {storage.value for storage in storages.values()}
    halo = halos(nests.flat, {v for v in ours if v.ndim > 2})
    outside = [v for v in graph.values() if v.op in (INPUT, CONSTANT)]
    layouts = {v: layout_of(v.shape, v.dtype) for v in (*outside, *nests.materialized.aliases, *nests.loops)}
    for value in nests.loops:
        kept = storages[value].value if value in storages else value
        multiple = max(1, target.vector_bytes // kept.dtype.itemsize) if kept in ours else 1
        if kept.shape and kept.shape[-1] * 2 <= multiple:
            multiple = 1
        low, high = halo.get(kept, (None, None))
        layouts[kept] = layout_of(kept.shape, kept.dtype, low, high, multiple)
    return layouts


def halos(nests: Iterable[Nest], free: set[Value]) -> dict[Value, tuple[list[int], list[int]]]:
    """How far the windows that products are summed over reach over the edges of each value."""
    found: dict[Value, tuple[list[int], list[int]]] = {}
    for nest in nests:
        for reduction in nest.reductions:
            for body, *pair in products(reduction):
                if not isinstance(body, Guard) or not is_number(body.other, 0):
                    continue
                for load in pair:
                    value = load.value
                    for axis, a in enumerate(load.index):
                        if value in free and a.terms and (a, 0, value.shape[axis]) in body.conditions:
                            low, high = found.setdefault(value, ([0] * value.ndim, [0] * value.ndim))
                            least, most = a.range()
                            low[axis] = max(low[axis], -least)
                            high[axis] = max(high[axis], most - value.shape[axis] + 1)
    return found


def without_guards(exprs: Exprs, nests: Nests, layouts: dict[Value, Layout]) -> Nests:
    """The nests without the conditions in sums of products that a halo of zeros makes needless."""
    loops = {value: [_bare(exprs, nest, layouts) for nest in group] for value, group in nests.loops.items()}
    return replace(nests, loops=loops)


def _bare(exprs: Exprs, nest: Nest, layouts: dict[Value, Layout]) -> Nest:
    new: dict[Expr, Expr] = {}
    bounds = nest.bounds
    for reduction in nest.reductions:
        bodies = []
        for body, *pair in products(reduction):
            if isinstance(body, Guard) and is_number(body.other, 0):
                kept = [c for c in body.conditions if not _needless(layouts, pair, c)]
                if len(nest.reductions) == len(reduction.args) == 1:
                    bounds = [c for c in body.conditions if c not in kept]
                body = exprs.guard(kept, *body.args)
            bodies.append(body)
        if bodies and tuple(bodies) != reduction.args:
            new[reduction] = exprs.rebuilt(reduction, bodies)
    if not new:
        return nest
    stores = [Store(store.value, store.index, substitute(exprs, store.expr, new)) for store in nest.stores]
    return Nest(nest.vars, stores, bounds)


def _needless(layouts: dict[Value, Layout], factors: Iterable[Load], condition: Condition) -> bool:
    """Whether one factor is zero where a condition fails, and the others have an element there."""
    moving = {v for v, _ in condition[0].terms}
    pairs = [(layouts[x.value], x) for x in factors]
    covered = any(_covers(layout, x, condition) for layout, x in pairs)
    return covered and all(_stays_inside(layout, x, moving) for layout, x in pairs)


def _stays_inside(layout: Layout, load: Load, moving: set[Var]) -> bool:
    for a, n, before, after in zip(load.index, layout.shape, layout.low, layout.high, strict=True):
        least, most = a.range()
        if (least < -before or most >= n + after) and not moving.isdisjoint(v for v, _ in a.terms):
            return False
    return True


def _covers(layout: Layout, load: Load, condition: Condition) -> bool:
    affine, low, high = condition
    least, most = affine.range()
    return any(
        a == affine and (low, high) == (0, n) and -least <= before and most - n < after
        for a, n, before, after in zip(load.index, layout.shape, layout.low, layout.high, strict=True)
    )
