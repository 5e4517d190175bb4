"""Memory layouts with halos of zeros, and the guards that halos make redundant.

The halo of a stored value is as wide as the windows of contractions reach beyond its edges.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...ir.graph import CONSTANT, INPUT, Graph, Value
from .affine import Var
from .aliases import Aliases
from .expr import Condition, Expr, Exprs, Guard, Load, is_number, substitute
from .layout import Layout, layout_of
from .nest import Nest, Store, products
from .settle import Nests

if TYPE_CHECKING:
    from ..runtime.target import Target


def lay_out(graph: Graph, nests: Nests, target: Target) -> dict[Value, Layout]:
    """The layout of everything that has memory: in the order of its storage, with halos, padded to whole vectors."""
    storages = nests.storages
    aliases = nests.aliases
    arranged = {storage.value for storage in storages.values()}
    halo = halos(nests.flat, {v for v in arranged if v.ndim > 2})
    _widen(halo, aliases)
    outside = [v for v in graph.values() if v.op in (INPUT, CONSTANT)]
    layouts = {v: layout_of(v.shape, v.dtype) for v in (*outside, *aliases.reshapes, *nests.loops)}
    for value in nests.loops:
        stored = storages[value].value if value in storages else value
        if stored in aliases.regions:
            continue
        multiple = max(1, target.vector_bytes // stored.dtype.itemsize) if stored in arranged else 1
        if stored.shape and stored.shape[-1] * 2 <= multiple:
            multiple = 1
        low, high = halo.get(stored, (None, None))
        layouts[stored] = layout_of(stored.shape, stored.dtype, low, high, multiple)
    for value in aliases.regions:
        for part, (whole, axis, start) in reversed(aliases.within(value)):
            layouts[part] = layouts[whole].part(axis, start, part.shape[axis])
    return layouts


def _widen(halo: dict[Value, tuple[list[int], list[int]]], aliases: Aliases) -> None:
    """Give a value the halos of its parts, which have none along the axes of their regions."""
    for part in aliases.regions:
        if part not in halo:
            continue
        sides, links = halo.pop(part), aliases.within(part)
        base = links[-1][1].whole
        wide = halo.setdefault(base, ([0] * base.ndim, [0] * base.ndim))
        joined = {region.axis for _, region in links}
        for old, new in zip(wide, sides, strict=True):
            old[:] = [max(a, b) if axis not in joined else a for axis, (a, b) in enumerate(zip(old, new, strict=True))]


def halos(nests: Iterable[Nest], allowed: set[Value]) -> dict[Value, tuple[list[int], list[int]]]:
    """How far sums of products read beyond the edges of each value that is allowed a halo."""
    found: dict[Value, tuple[list[int], list[int]]] = {}
    for nest in nests:
        for reduction in nest.reductions:
            for body, *pair in products(reduction):
                if not isinstance(body, Guard) or not is_number(body.other, 0):
                    continue
                for load in pair:
                    value = load.value
                    for axis, a in enumerate(load.index):
                        if value in allowed and a.terms and (a, 0, value.shape[axis]) in body.conditions:
                            low, high = found.setdefault(value, ([0] * value.ndim, [0] * value.ndim))
                            least, most = a.range()
                            low[axis] = max(low[axis], -least)
                            high[axis] = max(high[axis], most - value.shape[axis] + 1)
    return found


def without_guards(exprs: Exprs, nests: Nests, layouts: dict[Value, Layout]) -> Nests:
    """The nests without those conditions in sums of products that halos of zeros make redundant."""
    loops = {value: [_without_guards(exprs, nest, layouts) for nest in group] for value, group in nests.loops.items()}
    return replace(nests, loops=loops)


def _without_guards(exprs: Exprs, nest: Nest, layouts: dict[Value, Layout]) -> Nest:
    new: dict[Expr, Expr] = {}
    bounds = nest.bounds
    for reduction in nest.reductions:
        bodies = []
        for body, *pair in products(reduction):
            if isinstance(body, Guard) and is_number(body.other, 0):
                needed = [c for c in body.conditions if not _is_redundant(layouts, pair, c)]
                if len(nest.reductions) == len(reduction.args) == 1:
                    bounds = [c for c in body.conditions if c not in needed]
                body = exprs.guard(needed, *body.args)
            bodies.append(body)
        if bodies and tuple(bodies) != reduction.args:
            new[reduction] = exprs.rebuilt(reduction, bodies)
    if not new:
        return nest
    stores = [Store(store.value, store.index, substitute(exprs, store.expr, new)) for store in nest.stores]
    return Nest(nest.vars, stores, bounds)


def _is_redundant(layouts: dict[Value, Layout], factors: Iterable[Load], condition: Condition) -> bool:
    """Whether a product is 0 where a condition fails: one factor reads its halo there, and the others read memory."""
    moving = {v for v, _ in condition[0].terms}
    pairs = [(layouts[x.value], x) for x in factors]
    covered = any(_covers(layout, x, condition) for layout, x in pairs)
    return covered and all(_stays_inside(layout, x, moving) for layout, x in pairs)


def _stays_inside(layout: Layout, load: Load, moving: set[Var]) -> bool:
    """Whether a load stays within memory, halo included, whatever the values of these variables."""
    for a, n, before, after in zip(load.index, layout.shape, layout.low, layout.high, strict=True):
        least, most = a.range()
        if (least < -before or most >= n + after) and not moving.isdisjoint(v for v, _ in a.terms):
            return False
    return True


def _covers(layout: Layout, load: Load, condition: Condition) -> bool:
    """Whether a load reads zeros of the halo wherever a condition fails."""
    affine, low, high = condition
    least, most = affine.range()
    return any(
        a == affine and (low, high) == (0, n) and -least <= before and most - n < after
        for a, n, before, after in zip(load.index, layout.shape, layout.low, layout.high, strict=True)
    )
