"""Expressions of a nest as LLVM values: each written at the outermost loop in which all its variables are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...core.stackless import Steps, run
from ..llvm.elementwise import LOWERINGS, select
from ..llvm.function import Function, number, vector_type
from ..schedule.affine import Var
from ..schedule.expr import Condition, Const, Expr, Guard, Index, Load, Op, Reduce, inside_guards, walk
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest
from .memory import BOOL, Mask, Memory, Place, index_at


class Expressions:
    """What has been written of a nest's expressions, loop by loop.

    Attributes:
        results: of reductions at the places of the present tile.
    """

    def __init__(self, f: Function, nest: Nest, tiling: LoopSchedule, memory: Memory):
        self.f, self.tiling, self.memory = f, tiling, memory
        self.results: dict[tuple[Expr, tuple[Any, ...]], str] = {}
        self._memo: list[dict[Any, tuple[str, bool]]] = [{}]
        self._guarded = inside_guards(nest.exprs)
        self._hoistable = _hoistable(nest.exprs, self._guarded)

    @contextmanager
    def level(self) -> Iterator[None]:
        """One loop deeper: what is written inside is forgotten behind."""
        self._memo.append({})
        yield
        self._memo.pop()

    def hoist(self, spots: list[Place]) -> None:
        """Write what is known at this loop, so that the loops inside need not."""
        if not spots:
            return
        known = set(spots[0])
        for expr in self._hoistable:
            if expr.vars <= known and (expr.vars or isinstance(expr, Load) or expr.args):
                for spot in distinct(spots, set(expr.vars)):
                    self.emit(expr, spot)

    def key(self, expr: Expr, spot: Place) -> tuple[Any, ...]:
        return tuple(spot[v] for v in sorted(expr.vars, key=lambda v: v.number) if v in spot)

    def vector(self, value: tuple[str, bool], dtype: np.dtype, lanes: int) -> str:
        """A value in all lanes."""
        text, is_vector = value
        return text if is_vector or lanes == 1 else self.f.splat(text, dtype, lanes)

    def emit(self, expr: Expr, spot: Place, mask: Mask | None = None) -> tuple[str, bool]:
        """An expression at a spot: its name, and whether it is a vector."""
        return run(self._at(expr, spot, mask))

    def _at(self, expr: Expr, spot: Place, mask: Mask | None) -> tuple[str, bool] | Steps:
        """What :meth:`emit` gives, or the steps to it."""
        if isinstance(expr, Const):
            return number(expr.number), False
        if isinstance(expr, Reduce):
            lanes = self.tiling.result_lanes
            return self.results[expr, self.key(expr, spot)], lanes > 1
        key = (expr.serial, self.key(expr, spot), mask if expr in self._guarded else None)
        for scope in reversed(self._memo):
            if key in scope:
                return scope[key]
        return self._steps(key, expr, spot, mask if expr in self._guarded else None)

    def _steps(self, key: Any, expr: Expr, spot: Place, mask: Mask | None) -> Steps:
        made = self._memo[-1][key] = yield from self._write(expr, spot, mask)
        return made

    def _write(self, expr: Expr, spot: Place, mask: Mask | None) -> Steps:
        f, lanes = self.f, self.tiling.lanes
        if isinstance(expr, Load):
            value, index = expr.value, expr.index
            if expr.args:
                return self.memory.gather(value, index, (yield self._at(expr.args[0], spot, mask)), spot, mask)
            return self.memory.load(value, index, spot, mask)
        if isinstance(expr, Index):
            return self._index(expr, spot)
        if isinstance(expr, Guard):
            return (yield from self._guard(expr, spot, mask))
        assert isinstance(expr, Op)
        args = []
        for arg in expr.args:
            args.append((yield self._at(arg, spot, mask)))
        is_vector = any(vector for _, vector in args)
        n = lanes if is_vector else 1
        names = [self.vector(a, x.dtype, n) for a, x in zip(args, expr.args, strict=True)]
        if expr.name == "where":
            condition, a, b = names
            return select(f, condition, a, b, expr.dtype, n), is_vector
        return LOWERINGS[expr.name].spell(f, names, expr.args[0].dtype, expr.dtype, n), is_vector

    def _index(self, expr: Index, spot: Place) -> tuple[str, bool]:
        f, affine, lanes = self.f, expr.affine, self.tiling.lanes
        base = f.integer(index_at(affine, spot))
        step = affine.coefficient(self.tiling.vector) if self.tiling.vector in spot else 0
        if not step or lanes == 1:
            return base, False
        kind = f"<{lanes} x i64>"
        steps = f"<{', '.join(f'i64 {step * i}' for i in range(lanes))}>"
        return f.value(f"add {kind} {f.splat(base, expr.dtype, lanes)}, {steps}"), True

    def _guard(self, expr: Guard, spot: Place, mask: Mask | None) -> Steps:
        f, lanes = self.f, self.tiling.lanes
        uniform, varying = None, None
        for condition in expr.conditions:
            text, is_vector = self._condition(condition, spot)
            if text == "true":
                continue
            if is_vector:
                varying = text if varying is None else f.value(f"and <{lanes} x i1> {varying}, {text}")
            else:
                uniform = text if uniform is None else f.pure(f"and i1 {uniform}, {text}")
        if uniform == "false":
            return (yield self._at(expr.args[1], spot, mask))
        holds: Mask
        if varying is not None:
            if uniform is not None:
                varying = f.value(f"and <{lanes} x i1> {varying}, {f.splat(uniform, BOOL, lanes)}")
            holds = varying, True
        elif uniform is not None:
            holds = uniform, False
        else:
            return (yield self._at(expr.args[0], spot, mask))
        body = yield self._at(expr.args[0], spot, self._both(mask, holds))
        other = yield self._at(expr.args[1], spot, mask)
        is_vector = holds[1] or body[1] or other[1]
        n = lanes if is_vector else 1
        a, b = (self.vector(x, expr.dtype, n) for x in (body, other))
        return select(f, self.vector(holds, BOOL, n), a, b, expr.dtype, n), is_vector

    def _both(self, a: Mask | None, b: Mask) -> Mask:
        if a is None:
            return b
        is_vector = a[1] or b[1]
        n = self.tiling.lanes if is_vector else 1
        kind = vector_type(BOOL, n)
        return self.f.value(f"and {kind} {self.vector(a, BOOL, n)}, {self.vector(b, BOOL, n)}"), is_vector

    def _condition(self, condition: Condition, spot: Place) -> tuple[str, bool]:
        f, (affine, low, high), lanes = self.f, condition, self.tiling.lanes
        base = index_at(affine, spot) + -low
        step = affine.coefficient(self.tiling.vector) if self.tiling.vector in spot else 0
        if not step or lanes == 1:
            if isinstance(base, int):
                return ("true" if 0 <= base < high - low else "false"), False
            return f.pure(f"icmp ult i64 {f.integer(base)}, {high - low}"), False
        steps = f"<{', '.join(f'i64 {step * i}' for i in range(lanes))}>"
        kind = f"<{lanes} x i64>"
        places = f.value(f"add {kind} {f.splat(f.integer(base), np.dtype(np.int64), lanes)}, {steps}")
        limit = f.splat(str(high - low), np.dtype(np.int64), lanes)
        return f.value(f"icmp ult {kind} {places}, {limit}"), True


def distinct(spots: list[Place], used: set[Var]) -> list[Place]:
    """One spot for each set of places that a reduction can tell apart."""
    found: dict[tuple[Any, ...], Place] = {}
    for spot in spots:
        found.setdefault(tuple(at for v, at in spot.items() if v in used), spot)
    return list(found.values())


def _hoistable(roots: Sequence[Expr], guarded: set[Expr]) -> list[Expr]:
    """Expressions that can be written as soon as their variables are known: neither held back nor made of a sum."""
    summed: set[Expr] = set()
    found: list[Expr] = []
    for expr in walk(roots):
        if isinstance(expr, Reduce) or any(arg in summed for arg in expr.args):
            summed.add(expr)
        elif isinstance(expr, (Load, Op, Guard)) and expr not in guarded:
            found.append(expr)
    return found
