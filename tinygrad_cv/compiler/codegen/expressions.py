"""Expressions of a nest as LLVM values: each is written in the outermost loop that knows all its variables.

Loads go through :class:`Memory`, elementwise operations through the rows of ``llvm/elementwise.py``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...core.stackless import Steps, run
from ..llvm.elementwise import LOWERINGS, select
from ..llvm.function import Function, number, scalar_type, vector_type
from ..schedule.affine import Affine, Var
from ..schedule.expr import Condition, Const, Expr, Guard, Index, Load, Op, Reduce, inside_guards, walk
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest
from .gather import gather
from .memory import BOOL, Mask, Memory, Point, index_at


class Expressions:
    """Writes the expressions of a nest, and remembers in which loop each value was written.

    Attributes:
        results: the results of reductions at the points of the current tile.
    """

    def __init__(self, f: Function, nest: Nest, schedule: LoopSchedule, memory: Memory):
        self.f, self.schedule, self.memory = f, schedule, memory
        self.results: dict[tuple[Expr, tuple[Any, ...]], str] = {}
        self._memo: dict[Any, tuple[str, bool]] = {}
        self._written: list[list[Any]] = [[]]  # what is in the memo, by the loop that it was written in
        self._order: dict[Expr, list[Var]] = {}  # the variables of expressions
        self._offsets: dict[Expr, Affine] = {}  # where loads read
        self._guarded = inside_guards(nest.exprs)
        self._hoistable = _hoistable(nest.exprs, self._guarded)

    @contextmanager
    def level(self) -> Iterator[None]:
        """One loop deeper. Values that are written inside it are unknown after it."""
        self._written.append([])
        yield
        for key in self._written.pop():
            del self._memo[key]

    def hoist(self, points: list[Point]) -> None:
        """Write all expressions whose variables are known in this loop, so that the loops inside do not repeat them."""
        if not points:
            return
        known = set(points[0])
        for expr in self._hoistable:
            if expr.vars <= known and (expr.vars or isinstance(expr, Load) or expr.args):
                for point in distinct(points, set(expr.vars)):
                    self.emit(expr, point)

    def key(self, expr: Expr, point: Point) -> tuple[Any, ...]:
        order = self._order.get(expr)
        if order is None:
            order = self._order[expr] = sorted(expr.vars, key=lambda v: v.number)
        return tuple([point[v] for v in order if v in point])

    def vector(self, value: tuple[str, bool], dtype: np.dtype, lanes: int) -> str:
        """A value as a vector: a scalar is repeated in all lanes."""
        text, is_vector = value
        return text if is_vector or lanes == 1 else self.f.splat(text, dtype, lanes)

    def emit(self, expr: Expr, point: Point, mask: Mask | None = None) -> tuple[str, bool]:
        """The value of an expression at a point: its name, and whether it is a vector."""
        return run(self._at(expr, point, mask))

    def _at(self, expr: Expr, point: Point, mask: Mask | None) -> tuple[str, bool] | Steps:
        """The result of :meth:`emit`, or the steps that compute it."""
        if isinstance(expr, Const):
            return number(expr.number), False
        if isinstance(expr, Reduce):
            lanes = self.schedule.result_lanes
            return self.results[expr, self.key(expr, point)], lanes > 1
        key = (expr.serial, self.key(expr, point), mask if expr in self._guarded else None)
        return self._memo.get(key) or self._steps(key, expr, point, key[2])

    def _steps(self, key: Any, expr: Expr, point: Point, mask: Mask | None) -> Steps:
        made = self._memo[key] = yield from self._write(expr, point, mask)
        self._written[-1].append(key)
        return made

    def _write(self, expr: Expr, point: Point, mask: Mask | None) -> Steps:
        f, lanes = self.f, self.schedule.lanes
        if isinstance(expr, Load):
            if expr.args:
                return gather(self.memory, expr, (yield self._at(expr.args[0], point, mask)), point, mask)
            affine = self._offsets.get(expr)
            if affine is None:
                affine = self._offsets[expr] = self.memory.layouts[expr.value].flat(expr.index)
            return self.memory.load_at(expr.value, self.memory.offset(expr.value, affine, point), affine, point, mask)
        if isinstance(expr, Index):
            return self.places(expr.affine, point, expr.dtype)
        if isinstance(expr, Guard):
            return (yield from self._guard(expr, point, mask))
        assert isinstance(expr, Op)
        args = []
        for arg in expr.args:
            known = self._at(arg, point, mask)
            args.append(known if isinstance(known, tuple) else (yield known))
        is_vector = any(vector for _, vector in args)
        n = lanes if is_vector else 1
        names = [self.vector(a, x.dtype, n) for a, x in zip(args, expr.args, strict=True)]
        if expr.name == "where":
            condition, a, b = names
            return select(f, condition, a, b, expr.dtype, n), is_vector
        return LOWERINGS[expr.name].spell(f, names, expr.args[0].dtype, expr.dtype, n), is_vector

    def places(self, affine: Affine, point: Point, dtype: np.dtype) -> tuple[str, bool]:
        """The value of an index map at a point as an integer, a vector of them where it varies from lane to lane.

        Those of lanes out of range may not fit into the dtype; they are taken modulo its range.
        """
        f, lanes = self.f, self.schedule.lanes
        flat = index_at(affine, point)
        const = flat if isinstance(flat, int) else flat.const
        step = affine.coefficient(self.schedule.vector) if self.schedule.vector in point else 0
        lanes = lanes if step else 1
        kind, scalar = vector_type(dtype, lanes), scalar_type(dtype)
        ahead = [number(place) for place in (const + step * np.arange(lanes)).astype(dtype)]
        text = f"<{', '.join(f'{scalar} {place}' for place in ahead)}>" if lanes > 1 else ahead[0]
        if isinstance(flat, int):
            return text, lanes > 1
        base = f.integer(flat + -const)
        if dtype.itemsize < 8:
            base = f.pure(f"trunc i64 {base} to {scalar}")
        return f.pure(f"add {kind} {f.splat(base, dtype, lanes)}, {text}"), lanes > 1

    def _guard(self, expr: Guard, point: Point, mask: Mask | None) -> Steps:
        f, lanes = self.f, self.schedule.lanes
        uniform, varying = None, None
        for condition in expr.conditions:
            text, is_vector = self._condition(condition, point)
            if text == "true":
                continue
            if is_vector:
                varying = text if varying is None else f.value(f"and <{lanes} x i1> {varying}, {text}")
            else:
                uniform = text if uniform is None else f.pure(f"and i1 {uniform}, {text}")
        if uniform == "false":
            return (yield self._at(expr.args[1], point, mask))
        holds: Mask
        if varying is not None:
            if uniform is not None:
                varying = f.value(f"and <{lanes} x i1> {varying}, {f.splat(uniform, BOOL, lanes)}")
            holds = varying, True
        elif uniform is not None:
            holds = uniform, False
        else:
            return (yield self._at(expr.args[0], point, mask))
        body = yield self._at(expr.args[0], point, self._both(mask, holds))
        other = yield self._at(expr.args[1], point, mask)
        is_vector = holds[1] or body[1] or other[1]
        n = lanes if is_vector else 1
        a, b = (self.vector(x, expr.dtype, n) for x in (body, other))
        return select(f, self.vector(holds, BOOL, n), a, b, expr.dtype, n), is_vector

    def _both(self, a: Mask | None, b: Mask) -> Mask:
        if a is None:
            return b
        is_vector = a[1] or b[1]
        n = self.schedule.lanes if is_vector else 1
        kind = vector_type(BOOL, n)
        return self.f.value(f"and {kind} {self.vector(a, BOOL, n)}, {self.vector(b, BOOL, n)}"), is_vector

    def _condition(self, condition: Condition, point: Point) -> tuple[str, bool]:
        f, (affine, low, high), lanes = self.f, condition, self.schedule.lanes
        base = index_at(affine, point) + -low
        step = affine.coefficient(self.schedule.vector) if self.schedule.vector in point else 0
        if not step or lanes == 1:
            if isinstance(base, int):
                return ("true" if 0 <= base < high - low else "false"), False
            return f.pure(f"icmp ult i64 {f.integer(base)}, {high - low}"), False
        steps = f"<{', '.join(f'i64 {step * i}' for i in range(lanes))}>"
        kind = f"<{lanes} x i64>"
        indices = f.value(f"add {kind} {f.splat(f.integer(base), np.dtype(np.int64), lanes)}, {steps}")
        limit = f.splat(str(high - low), np.dtype(np.int64), lanes)
        return f.value(f"icmp ult {kind} {indices}, {limit}"), True


def distinct(points: list[Point], used: set[Var]) -> list[Point]:
    """Points that differ in some of the variables that are used; one of each kind."""
    found: dict[tuple[Any, ...], Point] = {}
    for point in points:
        found.setdefault(tuple(x for v, x in point.items() if v in used), point)
    return list(found.values())


def _hoistable(roots: Sequence[Expr], guarded: set[Expr]) -> list[Expr]:
    """Expressions that can be written as soon as their variables are known: no guard above, no reduction below."""
    reduced: set[Expr] = set()
    found: list[Expr] = []
    for expr in walk(roots):
        if isinstance(expr, Reduce) or any(arg in reduced for arg in expr.args):
            reduced.add(expr)
        elif isinstance(expr, (Load, Op, Guard)) and expr not in guarded:
            found.append(expr)
    return found
