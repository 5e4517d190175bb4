"""Verifies loop nests: every element is stored once, and every index is in range."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ...ir.graph import Value
from ..schedule.affine import Affine, Var
from ..schedule.aliases import Aliases
from ..schedule.expr import Condition, Expr, Guard, Load, Op, Reduce, Scatter, is_number, loads, walk
from ..schedule.layout import Layout
from ..schedule.nest import Nest, Store, columns_of
from .rule import check

INT, WORD = np.dtype(np.int64), np.dtype(np.int32)
MAX_TRIED = 1 << 20  # points that are tried one by one where ranges alone do not decide
Layouts = Mapping[Value, Layout] | None  # None: before layouts are chosen


def verify_nests(nests: Sequence[Nest], layouts: Layouts, aliases: Aliases, stage: str) -> None:
    """Every element is stored once, with its dtype; every index is in range, or in a halo.

    Raises:
        VerificationError: naming what the nest stores, and what is wrong.
    """
    for nest in nests:
        verify_nest(nest, layouts, f"{stage}: loops of {' '.join(repr(s.value) for s in nest.stores)}")
    verify_cover(nests, aliases, stage)


def verify_nest(nest: Nest, layouts: Layouts, where: str) -> None:
    """One nest: its variables are known, dtypes fit, every index is in range."""
    known = set(nest.vars)
    check(len(known) == len(nest.vars), where, "a loop variable occurs twice")
    loaded = {load.value for load in loads(nest.exprs)}
    check(loaded.isdisjoint(store.value for store in nest.stores), where, "it reads what it stores")
    for store in nest.stores:
        _verify_store(store, known, layouts, nest.halo, where)
    for affine, _, _ in nest.bounds:
        bound = known.union(*(r.variables for r in nest.reductions))
        check({v for v, _ in affine.terms} <= bound, where, f"a bound on {affine} has unknown variables")
    for expr in walk(nest.exprs):
        _verify_types(expr, where)
        check(not isinstance(expr, Scatter) or [expr] == nest.exprs, where, "a scattered sum is part of something else")
    if nest.scatter is not None:
        _verify_scatter(nest.stores[0], nest.scatter, layouts, where)
    for load, conditions in _loads_under(nest.exprs):
        _verify_load(load, conditions, layouts, where)


def _verify_store(store: Store, known: set[Var], layouts: Layouts, is_halo: bool, where: str) -> None:
    value = store.value
    check(layouts is None or value in layouts, where, f"{value!r} has no layout")
    check(store.expr.dtype == value.dtype, where, f"{store.expr.dtype} is stored as {value.dtype}")
    check(store.expr.vars <= known, where, f"unknown variables: {names_of(store.expr.vars - known)}")
    moving = [v for affine in store.index for v, _ in affine.terms]
    check(len(store.index) == value.ndim, where, f"{len(store.index)} indices for {value.ndim} axes")
    check(set(moving) <= known, where, f"unknown variables: {names_of(set(moving) - known)}")
    none = (0,) * value.ndim
    halo = (layouts[value].low, layouts[value].high) if layouts and is_halo else (none, none)
    for affine, n, before, after in zip(store.index, value.shape, *halo, strict=True):
        low, high = affine.range()
        check(-before <= low and high < n + after, where, f"{affine} is {low} to {high}, on an axis of {n}")
    check(not is_halo or is_number(store.expr, 0), where, "what is stored in a halo is not zero")


def names_of(variables: Iterable[Var]) -> str:
    return ", ".join(sorted(map(repr, variables)))


def _verify_types(expr: Expr, where: str) -> None:
    """Operands have one dtype, except for a condition. A reduction does not depend on another one's variables."""
    operands = expr.args[1:] if isinstance(expr, Op) and expr.name == "where" else expr.args
    what = expr.name if isinstance(expr, Op) else expr.kind if isinstance(expr, Reduce) else "guard"
    if isinstance(expr, (Op, Guard)):
        check(len({a.dtype for a in operands}) <= 1, where, f"dtypes differ in {what}")
    if isinstance(expr, Load) and expr.args:
        check(expr.args[0].dtype in (INT, WORD), where, f"{expr.args[0].dtype} numbers a row")
    if isinstance(expr, (Guard, Reduce)) and what not in ("argmax", "scatter"):
        check(expr.args[0].dtype == expr.dtype, where, f"{expr.args[0].dtype} becomes {expr.dtype} in a {what}")
    if isinstance(expr, Reduce):
        inner = {v for r in walk(expr.args) if isinstance(r, Reduce) for v in r.variables}
        check(not inner & set(expr.variables), where, f"{names_of(inner)} are reduced twice")
        for other in walk(expr.args):
            within = isinstance(other, Reduce) and not other.vars.isdisjoint(expr.variables)
            check(not within, where, f"a {expr.kind} holds a reduction that depends on {names_of(expr.variables)}")


def _verify_scatter(store: Store, scatter: Scatter, layouts: Layouts, where: str) -> None:
    """The terms are summed at the places that are stored, which are rows of the value; no other index is computed."""
    value, places = store.value, {v for v, _ in scatter.place.terms}
    check(scatter.row.dtype == INT, where, f"{scatter.row.dtype} numbers a row")
    check(scatter.body.dtype == scatter.dtype, where, f"{scatter.body.dtype} is added to {scatter.dtype}")
    check(value.size % scatter.rows == 0, where, f"{value!r} has no {scatter.rows} rows")
    dense = layouts is None or layouts[value].size == value.size
    check(dense, where, f"rows of {value!r} are numbered, but it is not row-major and dense")
    stray = places & {v for v, _ in columns_of(store).terms}
    check(not stray, where, f"it stores {store.index}, not {scatter.place}")
    low, high = (scatter.place - scatter.first).range()
    check((low, high) == (0, scatter.size - 1), where, f"places {low} to {high} of {scatter.size}")
    inner = {v for v, _ in (scatter.place - scatter.first).terms}
    check(not any(isinstance(x, Reduce) for x in walk(scatter.args)), where, "a scattered sum holds a reduction")
    used = {v for arg in scatter.args for v in arg.vars}
    check(inner.isdisjoint(used), where, f"what is scattered depends on its place, {names_of(inner & used)}")
    rows = scatter.row.vars - set(scatter.variables)
    check(rows <= {v for v, _ in scatter.first.terms}, where, f"a row depends on columns: {names_of(rows - places)}")


def _loads_under(roots: Iterable[Expr]) -> Iterator[tuple[Load, tuple[Condition, ...]]]:
    """All loads, each with the conditions under which it runs."""
    stack: list[tuple[Expr, tuple[Condition, ...]]] = [(root, ()) for root in roots]
    seen = set(stack)
    while stack:
        expr, conditions = stack.pop()
        if isinstance(expr, Load):
            yield expr, conditions
        for number, arg in enumerate(expr.args):
            inside = (*conditions, *expr.conditions) if isinstance(expr, Guard) and number == 0 else conditions
            if (arg, inside) not in seen:
                seen.add((arg, inside))
                stack.append((arg, inside))


def _verify_load(load: Load, conditions: Sequence[Condition], layouts: Layouts, where: str) -> None:
    value, index = load.value, load.index
    check(layouts is None or value in layouts, where, f"{value!r} has no layout")
    check(len(index) == value.ndim, where, f"{len(index)} indices for {value.ndim} axes of {value!r}")
    none = (0,) * value.ndim
    low_halo, high_halo = (layouts[value].low, layouts[value].high) if layouts else (none, none)
    for affine, n, before, after in zip(index, value.shape, low_halo, high_halo, strict=True):
        low, high = range_under(affine, conditions)
        inside = -before <= low and high < n + after
        check(
            inside or _all_inside(affine, conditions, -before, n + after),
            where,
            f"it reads {value!r} at {affine}, {low} to {high}, on an axis of {n} with halos of {before} and {after}",
        )


def range_under(affine: Affine, conditions: Iterable[Condition]) -> tuple[int, int]:
    """Bounds of an index map under conditions, each taken by itself.

    a = k c + r  with  low <= c < high  gives  k low + min r <= a  for k > 0, and so on.
    """
    low, high = affine.range()
    for other, least, end in conditions:
        for factor in {affine.coefficient(v) // c for v, c in other.terms if affine.coefficient(v) % c == 0}:
            rest_low, rest_high = (affine - other * factor).range()
            ends = factor * least, factor * (end - 1)
            low, high = max(low, rest_low + min(ends)), min(high, rest_high + max(ends))
    return low, high


def _all_inside(affine: Affine, conditions: Iterable[Condition], low: int, high: int) -> bool:
    """Whether all values under the conditions are in a range: tried one by one. True if there are too many to try."""
    variables, left = {v for v, _ in affine.terms}, list(conditions)
    related = [c for c in left if variables & {v for v, _ in c[0].terms}]
    while related:
        for condition in related:
            variables |= {v for v, _ in condition[0].terms}
            left.remove(condition)
        related = [c for c in left if variables & {v for v, _ in c[0].terms}]
    used = [c for c in conditions if {v for v, _ in c[0].terms} <= variables]
    ordered = sorted(variables, key=lambda v: v.number)
    if math.prod(v.extent for v in ordered) > MAX_TRIED:
        return True
    grid = dict(zip(ordered, np.indices([v.extent for v in ordered], sparse=True), strict=True))
    holds = np.ones([v.extent for v in ordered], bool)
    for other, least, end in used:
        values = _values(other, grid)
        holds &= (least <= values) & (values < end)
    values = np.broadcast_to(_values(affine, grid), holds.shape)[holds]
    return bool(((low <= values) & (values < high)).all())


def _values(affine: Affine, grid: dict[Var, Any]) -> Any:
    return sum((c * grid[v] for v, c in affine.terms), np.int64(affine.const))


def verify_cover(nests: Iterable[Nest], aliases: Aliases, stage: str, layouts: Layouts = None) -> None:
    """Every element is stored exactly once, by itself or as a part of another value; of a halo all, or none.

    The indices of a store are a product of one set for each axis. Two stores are disjoint if their sets on one of the
    axes are.
    """
    pieces: dict[Value, list[list[np.ndarray]]] = {}
    haloed: set[Value] = set()
    for nest in nests:
        haloed.update(store.value for store in nest.stores if nest.halo)
        for store in nest.stores:
            where = f"{stage}: store of {store.value!r}"
            moving = [v for affine in store.index for v, _ in affine.terms]
            still = [v for v in nest.vars if v not in moving and v.extent > 1]
            check(not still, where, f"every element is stored again for each {names_of(still)}")
            check(len(moving) == len(set(moving)), where, "a variable is in two indices")
            piece = [_values_once(affine, where) for affine in store.index]
            pieces.setdefault(store.value, []).append(list(piece))
            for _, (whole, axis, start) in aliases.within(store.value):
                piece[axis] = piece[axis] + start
                pieces.setdefault(whole, []).append(list(piece))
    for value, parts in pieces.items():
        where = f"{stage}: {value!r}"
        for a, b in combinations(parts, 2):
            apart = any(np.intersect1d(p, q, assume_unique=True).size == 0 for p, q in zip(a, b, strict=True))
            check(apart, where, "two stores write the same element")
        stored = sum(math.prod(len(p) for p in part) for part in parts)
        size = value.size
        if layouts and value in haloed:
            sides = zip(layouts[value].low, value.shape, layouts[value].high, strict=True)
            size = math.prod(map(sum, sides))
        check(stored == size, where, f"{stored} of {size} elements are stored")


def _values_once(affine: Affine, where: str) -> np.ndarray:
    """All values of an index map, which takes each only once."""
    values = np.array([affine.const])
    for v, c in affine.terms:
        values = np.add.outer(values, c * np.arange(v.extent)).ravel()
    check(np.unique(values).size == values.size, where, f"{affine} takes a value twice")
    return values
