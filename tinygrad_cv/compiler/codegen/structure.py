"""When two nests are one function: they differ in which buffers they touch, and in nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...ir.graph import Value
from ..schedule.affine import Affine, Var
from ..schedule.expr import Const, Guard, Index, Load, Op, Reduce, walk
from ..schedule.layout import Layout
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest


def structure(nest: Nest, tiling: LoopSchedule, buffers: list[Value], layouts: Mapping[Value, Layout]) -> Any:
    """All that a nest's function depends on, with variables and buffers numbered by their places."""
    variables: dict[Var, int] = {v: i for i, v in enumerate(nest.vars)}

    def var(v: Var) -> int:
        return variables.setdefault(v, len(variables))

    def affine(a: Affine) -> Any:
        return a.const, tuple((var(v), c) for v, c in a.terms)

    places = {value: i for i, value in enumerate(buffers)}
    numbers: dict[Any, int] = {}
    parts: list[Any] = []
    for expr in walk(nest.exprs):
        par: Any = None
        if isinstance(expr, Load):
            par = places[expr.value], tuple(map(affine, expr.index))
        elif isinstance(expr, Const):
            par = expr.number.tobytes()
        elif isinstance(expr, Index):
            par = affine(expr.affine)
        elif isinstance(expr, Guard):
            par = tuple((affine(a), low, high) for a, low, high in expr.conditions)
        elif isinstance(expr, Reduce):
            par = expr.kind, tuple(map(var, expr.variables))
        elif isinstance(expr, Op):
            par = expr.name
        numbers[expr] = len(parts)
        parts.append((type(expr), expr.dtype, par, tuple(numbers[a] for a in expr.args)))
    stores = tuple((places[s.value], tuple(map(affine, s.index)), numbers[s.expr]) for s in nest.stores)
    bounds = tuple((affine(a), low, high) for a, low, high in nest.bounds)
    loops = (
        tiling.vector and var(tiling.vector),
        tiling.lanes,
        tiling.vectors,
        tuple((var(v), n) for v, n in tiling.rows.items()),
        tuple(map(var, tiling.outer)),
        tuple((var(v), n) for v, n in tiling.split.items()),
        tuple(map(var, tiling.inner)),
        tiling.unroll,
        tuple((var(v), n) for v, n in tiling.collapsed.items()),
    )
    extents = tuple(v.extent for v in variables)
    return tuple(parts), stores, bounds, loops, extents, tuple(layouts[value] for value in buffers)
