"""A plan: every element is stored once, before it is read, and every index is inside."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ...ir.graph import CONSTANT, INPUT, Value
from ..schedule.affine import Affine, Index, Var
from ..schedule.expr import Condition, Expr, walk
from ..schedule.kernel import Kernel, Plan, Step
from ..schedule.layout import Layout
from ..schedule.nest import Nest, Store
from ..schedule.tiling import Tiling
from .rule import check

FEW = 1 << 20  # places: so many are tried one by one where ranges alone do not decide


def verify_plan(plan: Plan, stage: str = "plan") -> None:
    """Every element is stored once, before it is read, and every index is inside; the outputs are stored.

    Raises:
        VerificationError: naming the kernel, what it stores, and the rule.
    """
    for value, layout in plan.layouts.items():
        _verify_layout(value, layout, f"{stage}: layout of {value!r}")
    for value, base in plan.aliases.items():
        where = f"{stage}: {value!r}, which is the memory of {base!r}"
        check(value.size == base.size and value.dtype == base.dtype, where, "sizes and dtypes differ")
        check(_is_dense(plan.layouts[base]), where, "that is not row-major and dense")
    for number, kernel in enumerate(plan.kernels):
        _verify_kernel(kernel, plan, f"{stage}: kernel {number}, of {_names(kernel.writes)}")
    _verify_cover(plan, stage)
    _verify_order(plan, stage)
    stored = {value for kernel in plan.kernels for value in kernel.writes}
    for output in plan.graph.outputs:
        base = base_of(plan, output)
        check(base in stored or base.op in (INPUT, CONSTANT), f"{stage}: output {output!r}", "nobody stores it")


def base_of(plan: Plan, value: Value) -> Value:
    """The value whose memory it is."""
    while value in plan.aliases:
        value = plan.aliases[value]
    return value


def _names(values: Iterable[Value]) -> str:
    return " ".join(map(repr, values))


def _verify_layout(value: Value, layout: Layout, where: str) -> None:
    """Row-major, each element with a place of its own, borders included."""
    check((layout.shape, layout.dtype) == (value.shape, value.dtype), where, f"it is for {layout}")
    step = 1
    for axis in reversed(range(len(layout.shape))):
        check(layout.strides[axis] == step, where, f"the stride of axis {axis} is not {step}")
        extent = layout.low[axis] + layout.shape[axis] + layout.high[axis]
        if axis == len(layout.shape) - 1:
            check(layout.padded >= extent, where, f"{layout.padded} elements hold no {extent}")
            extent = layout.padded
        step *= extent
    check(layout.size == step, where, f"it has {layout.size} elements, not {step}")
    first = sum(low * stride for low, stride in zip(layout.low, layout.strides, strict=True))
    check(layout.offset == first, where, f"it starts at {layout.offset}, not at {first}")


def _is_dense(layout: Layout) -> bool:
    return layout.size == math.prod(layout.shape) and not layout.offset


# --- one kernel ---


def _verify_kernel(kernel: Kernel, plan: Plan, where: str) -> None:
    if kernel.nest is None:
        for value in (*kernel.reads, *kernel.writes):
            dense = _is_dense(plan.layouts[base_of(plan, value)])
            check(dense, where, f"NumPy computes it, and {value!r} is not dense")
        return
    nest, tiling = kernel.nest, kernel.tiling
    assert tiling is not None
    known = set(nest.vars)
    check(len(known) == len(nest.vars), where, "a loop variable occurs twice")
    loaded = {expr.par[0] for expr in walk(nest.exprs) if expr.kind == "load"}
    stored = {store.value for store in nest.stores}
    check(not loaded & stored, where, "it reads what it stores")
    check(
        set(kernel.reads) == loaded and set(kernel.writes) == stored, where, "what it reads and writes is out of date"
    )
    for store in nest.stores:
        _verify_store(store, known, plan, where)
    for affine, _, _ in nest.bounds:
        bound = known.union(*(r.par[1] for r in nest.reductions))
        check({v for v, _ in affine.terms} <= bound, where, f"a bound on {affine} holds unknown variables")
    for expr in walk(nest.exprs):
        _verify_types(expr, where)
    for load, conditions in _loads_under(nest.exprs):
        _verify_load(load, conditions, plan, where)
    _verify_tiling(nest, tiling, where)


def _verify_store(store: Store, known: set[Var], plan: Plan, where: str) -> None:
    value = store.value
    check(value in plan.layouts, where, f"{value!r} has no layout")
    check(store.expr.dtype == value.dtype, where, f"{store.expr.dtype} goes into {value.dtype}")
    check(store.expr.vars <= known, where, f"unknown variables: {_vars(store.expr.vars - known)}")
    moving = [v for affine in store.index for v, _ in affine.terms]
    check(len(store.index) == value.ndim, where, f"{len(store.index)} places on {value.ndim} axes")
    check(set(moving) <= known, where, f"unknown variables: {_vars(set(moving) - known)}")
    for affine, n in zip(store.index, value.shape, strict=True):
        low, high = affine.range()
        check(0 <= low and high < n, where, f"{affine} is {low} to {high}, on an axis of {n}")


def _vars(variables: Iterable[Var]) -> str:
    return ", ".join(sorted(map(repr, variables)))


def _verify_types(expr: Expr, where: str) -> None:
    """Operands have one dtype, but for a condition."""
    operands = expr.args[1:] if expr.kind == "op" and expr.name == "where" else expr.args
    if expr.kind in ("op", "guard"):
        check(len({a.dtype for a in operands}) <= 1, where, f"dtypes differ in {expr.par[0]}")
    if expr.kind == "guard" or (expr.kind == "reduce" and expr.par[0] != "argmax"):
        check(expr.args[0].dtype == expr.dtype, where, f"{expr.args[0].dtype} becomes {expr.dtype} in a {expr.kind}")
    if expr.kind == "reduce":
        inner = {v for r in walk(expr.args) if r.kind == "reduce" for v in r.par[1]}
        check(not inner & set(expr.par[1]), where, f"{_vars(inner)} are summed over twice")


def _loads_under(roots: Iterable[Expr]) -> Iterator[tuple[Expr, tuple[Condition, ...]]]:
    """Loads, each with the conditions under which it is done."""
    stack: list[tuple[Expr, tuple[Condition, ...]]] = [(root, ()) for root in roots]
    seen = set(stack)
    while stack:
        expr, conditions = stack.pop()
        if expr.kind == "load":
            yield expr, conditions
        for place, arg in enumerate(expr.args):
            inside = (*conditions, *expr.par) if expr.kind == "guard" and place == 0 else conditions
            if (arg, inside) not in seen:
                seen.add((arg, inside))
                stack.append((arg, inside))


def _verify_load(load: Expr, conditions: Sequence[Condition], plan: Plan, where: str) -> None:
    value, index = load.par
    check(value in plan.layouts, where, f"{value!r} has no layout")
    layout = plan.layouts[value]
    check(len(index) == value.ndim, where, f"{len(index)} places on {value.ndim} axes of {value!r}")
    for affine, n, before, after in zip(index, value.shape, layout.low, layout.high, strict=True):
        low, high = range_under(affine, conditions)
        inside = -before <= low and high < n + after
        check(
            inside or _all_inside(affine, conditions, -before, n + after),
            where,
            f"it reads {value!r} at {affine}, {low} to {high}, on an axis of {n} with borders of {before} and {after}",
        )


def range_under(affine: Affine, conditions: Iterable[Condition]) -> tuple[int, int]:
    """Bounds of a map where conditions hold: by multiples of each condition's map alone.

    a = k c + r  with  low <= c < high  gives  k low + min r <= a, and so on.
    """
    low, high = affine.range()
    for other, least, end in conditions:
        for factor in {affine.coefficient(v) // c for v, c in other.terms if affine.coefficient(v) % c == 0}:
            rest_low, rest_high = (affine - other * factor).range()
            ends = factor * least, factor * (end - 1)
            low, high = max(low, rest_low + min(ends)), min(high, rest_high + max(ends))
    return low, high


def _all_inside(affine: Affine, conditions: Iterable[Condition], low: int, high: int) -> bool:
    """Whether all values lie in a range where the conditions hold: tried one by one. True where they are too many."""
    variables, left = {v for v, _ in affine.terms}, list(conditions)
    joined = [c for c in left if variables & {v for v, _ in c[0].terms}]
    while joined:
        for condition in joined:
            variables |= {v for v, _ in condition[0].terms}
            left.remove(condition)
        joined = [c for c in left if variables & {v for v, _ in c[0].terms}]
    used = [c for c in conditions if {v for v, _ in c[0].terms} <= variables]
    ordered = sorted(variables, key=lambda v: v.number)
    if math.prod(v.extent for v in ordered) > FEW:
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


def _verify_tiling(nest: Nest, tiling: Tiling, where: str) -> None:
    """The loops run over all places and all that is summed, once."""
    check(Counter(tiling.outer) == Counter(nest.vars), where, f"loops over {tiling.outer}, places of {nest.vars}")
    check(set(tiling.rows) <= set(nest.vars) - {tiling.vector}, where, f"rows of {_vars(tiling.rows)}")
    check(tiling.lanes & (tiling.lanes - 1) == 0, where, f"vectors of {tiling.lanes} lanes")
    check(all(0 < n <= v.extent for v, n in tiling.rows.items()), where, "more rows in a tile than there are")
    check(all(v.extent % n == 0 for v, n in tiling.flush.items()), where, "steps that do not divide their range")
    if tiling.flush:
        bare = len(nest.stores) == 1 and nest.exprs == nest.reductions
        check(bare, where, "a sum is added to memory piece by piece, and something is made of it")
    summed = {v for r in nest.reductions for v in r.par[1]}
    vector = tiling.vector
    check(vector is None or vector in summed or vector in nest.vars, where, f"vectors along {vector!r}")
    for reduction in nest.reductions:
        variables = set(reduction.par[1])
        inner = [v for v in tiling.inner if v in variables]
        if inner:
            left = variables - set(inner) - set(tiling.flush)
            more = math.prod(n // v.extent for v, n in tiling.runs.items() if v in variables)
            check(math.prod(v.extent for v in left) == more, where, f"no loop runs over {_vars(left)}")
        check(vector not in summed or vector in variables, where, f"vectors along {vector!r} in some sums only")


# --- all kernels ---


def _verify_cover(plan: Plan, stage: str) -> None:
    """Every element of what is stored is stored once.

    The places of a store are a product of one set for each axis. Several stores are disjoint where on some axis their
    sets are.
    """
    pieces: dict[Value, list[list[np.ndarray]]] = {}
    for kernel in plan.kernels:
        for store in kernel.nest.stores if kernel.nest else ():
            where = f"{stage}: store of {store.value!r}"
            moving = [v for affine in store.index for v, _ in affine.terms]
            assert kernel.nest is not None
            still = [v for v in kernel.nest.vars if v not in moving and v.extent > 1]
            check(not still, where, f"every place is stored again for each {_vars(still)}")
            check(len(moving) == len(set(moving)), where, "a variable moves two axes")
            pieces.setdefault(store.value, []).append([_places(affine, where) for affine in store.index])
    for value, parts in pieces.items():
        where = f"{stage}: {value!r}"
        for a, b in combinations(parts, 2):
            apart = any(np.intersect1d(p, q, assume_unique=True).size == 0 for p, q in zip(a, b, strict=True))
            check(apart, where, "two stores write one element")
        stored = sum(math.prod(len(p) for p in part) for part in parts)
        check(stored == value.size, where, f"{stored} of {value.size} elements are stored")


def _places(affine: Affine, where: str) -> np.ndarray:
    """All values of a map, each once."""
    places = np.array([affine.const])
    for v, c in affine.terms:
        places = np.add.outer(places, c * np.arange(v.extent)).ravel()
    check(np.unique(places).size == places.size, where, f"{affine} takes a value twice")
    return places


def _verify_order(plan: Plan, stage: str) -> None:
    """What is read has been stored: in an earlier step, or for the same share of a chain by an earlier kernel."""
    left = Counter(value for kernel in plan.kernels for value in kernel.writes)
    for number, step in enumerate(plan.steps):
        where = f"{stage}: step {number}"
        before = dict(left)
        for chain in step.chains:
            earlier: list[Kernel] = []
            for kernel in chain:
                for value in kernel.reads:
                    _verify_read(kernel, value, earlier, step, before, plan, where)
                earlier.append(kernel)
                left.subtract(kernel.writes)
            if step.kind == "parallel" and len(chain) > 1:
                _verify_chain(chain, where)


def _verify_chain(chain: Sequence[Kernel], where: str) -> None:
    """Kernels that are done piece by piece have ranges of as many steps."""
    steps = set()
    for kernel in chain:
        shared, tiling = kernel.shared, kernel.tiling
        whole = shared is not None and tiling is not None and shared not in tiling.rows and shared is not tiling.vector
        check(whole, where, f"the range that {_names(kernel.writes)} shares is cut into tiles")
        steps.add(shared and shared.extent)
    check(len(steps) == 1, where, f"the ranges of a chain are {steps}")


def _verify_read(
    kernel: Kernel, value: Value, earlier: list[Kernel], step: Step, before: dict[Value, int], plan: Plan, where: str
) -> None:
    base = base_of(plan, value)
    if base.op in (INPUT, CONSTANT):
        return
    where = f"{where}: {_names(kernel.writes)}"
    makers = [other for other in earlier if base in other.writes]
    check(base in before, where, f"it reads {value!r}, which nobody stores")
    check(before[base] == len(makers), where, f"it reads {value!r}, which is not stored yet")
    if step.kind == "parallel":
        for maker in makers:
            check(value is base and _is_local(kernel, maker, value), where, f"{value!r} is made by other threads")


def _is_local(kernel: Kernel, maker: Kernel, value: Value) -> bool:
    """Whether at each step of the shared range what is read of a value is what the maker stores at that step."""
    ours, theirs = kernel.shared, maker.shared
    if kernel.nest is None or maker.nest is None or ours is None or theirs is None:
        return False

    def follows(affine: Affine, var: Var) -> bool:
        return affine.const == 0 and affine.terms == ((var, 1),)

    stores = [s.index for s in maker.nest.stores if s.value is value]
    reads: list[Index] = [
        x.par[1] for x in walk(kernel.nest.exprs) if x.kind == "load" and x.par[0] is value and not x.args
    ]
    return any(
        all(follows(index[axis], theirs) for index in stores) and all(follows(index[axis], ours) for index in reads)
        for axis in range(value.ndim)
    )
