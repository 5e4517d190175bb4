"""The structure of a nest: two nests of equal structure differ in their buffers only, and share one function."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from ...ir.graph import Value
from ..schedule.affine import Affine, Var
from ..schedule.expr import Const, Guard, Index, Load, Op, Reduce, Scatter
from ..schedule.layout import Layout
from ..schedule.loop_schedule import LoopSchedule, in_range, reach
from ..schedule.nest import Nest


def structure(
    nest: Nest,
    schedule: LoopSchedule,
    buffers: list[Value],
    layouts: Mapping[Value, Layout],
    handed: Collection[Value] = (),
) -> Any:
    """Everything that a nest's function depends on, as a key; variables and buffers are numbered in order."""
    variables: dict[Var, int] = {v: i for i, v in enumerate(nest.vars)}

    def var(v: Var) -> int:
        return variables.setdefault(v, len(variables))

    def affine(a: Affine) -> Any:
        return a.const, tuple([(var(v), c) for v, c in a.terms])

    buffer = {value: i for i, value in enumerate(buffers)}
    numbers: dict[Any, Any] = {}
    parts: list[Any] = []
    for expr in nest.parts:
        own: Any = None
        if isinstance(expr, Op):
            own = expr.name
        elif isinstance(expr, Const):  # no part, since its place among the others depends on who made it first
            numbers[expr] = expr.number.tobytes(), expr.dtype
            continue
        elif isinstance(expr, Load):
            own = buffer[expr.value], tuple(map(affine, expr.index))
            own = *own, expr.axis, reach(expr, schedule), in_range(expr)
        elif isinstance(expr, Index):
            own = affine(expr.affine)
        elif isinstance(expr, Guard):
            own = tuple((affine(a), low, high) for a, low, high in expr.conditions)
        elif isinstance(expr, Scatter):
            variables_of = tuple(map(var, expr.variables))
            own = variables_of, affine(expr.place), affine(expr.first), expr.size, expr.rows
        elif isinstance(expr, Reduce):
            own = expr.kind, tuple(map(var, expr.variables))
        numbers[expr] = len(parts)
        parts.append((type(expr), expr.dtype, own, tuple([numbers[a] for a in expr.args])))
    stores = tuple((buffer[s.value], tuple(map(affine, s.index)), numbers[s.expr]) for s in nest.stores)
    bounds = tuple((affine(a), low, high) for a, low, high in nest.bounds)
    loops = (
        schedule.vector and var(schedule.vector),
        schedule.lanes,
        schedule.vectors,
        tuple((var(v), n) for v, n in schedule.rows.items()),
        tuple(map(var, schedule.outer)),
        tuple((var(v), n) for v, n in schedule.split.items()),
        tuple(map(var, schedule.inner)),
        schedule.unroll,
        tuple((var(v), *map(var, replaced)) for v, replaced in schedule.collapsed.items()),
        tuple(map(var, schedule.within)),
        schedule.overlaps,
        schedule.shared,
    )
    extents = tuple(v.extent for v in variables)
    own = tuple(value in handed for value in buffers)
    return own, tuple(parts), stores, bounds, loops, extents, tuple(layouts[value] for value in buffers)
