"""What a plan means: its kernels in order, expressions element by element, with NumPy and without loops or vectors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_cv.compiler.schedule.affine import Affine, Var
from tinygrad_cv.compiler.schedule.expr import Const, Expr, Guard, Index, Load, Reduce, Scatter
from tinygrad_cv.compiler.schedule.kernel import HostKernel, Plan
from tinygrad_cv.compiler.schedule.nest import Nest, Store, columns_of
from tinygrad_cv.core.context import quiet
from tinygrad_cv.ir.graph import CONSTANT, INPUT, Value
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
Places = dict[Var, Array]  # of each variable all values, along an axis of its own


def interpret(plan: Plan, arrays: Sequence[Array]) -> list[Array]:
    """The outputs of a plan."""
    memory: dict[Value, Array] = {}
    for value, layout in plan.layouts.items():
        extents = [a + n + b for a, n, b in zip(layout.low, layout.shape, layout.high, strict=True)]
        memory[value] = np.zeros(extents, value.dtype)  # halos stay as they are
        if value.op in (INPUT, CONSTANT):
            memory[value] = arrays[value.params["index"]] if value.op == INPUT else value.params["array"]
    for value in plan.aliases.regions:
        for part, (whole, axis, start) in reversed(plan.aliases.within(value)):
            first = start + plan.layouts[whole].low[axis]
            memory[part] = np.moveaxis(np.moveaxis(memory[whole], axis, 0)[first : first + part.shape[axis]], 0, axis)
    run = _Run(plan, memory)
    with np.errstate(all="ignore"):
        for kernel in plan.kernels:
            if isinstance(kernel, HostKernel):
                host = kernel.value
                memory[host] = np.asarray(quiet(PRIMITIVES[host.op], [run.read(a) for a in host.args], host.params))
            else:
                run.nest(kernel.nest)
    return [np.array(run.read(value)) for value in plan.graph.outputs]


class _Run:
    def __init__(self, plan: Plan, memory: dict[Value, Array]):
        self.plan, self.memory = plan, memory

    def read(self, value: Value) -> Array:
        """A value that is stored, or has another one's memory."""
        if value in self.plan.aliases.reshapes:
            return self.read(self.plan.aliases.reshapes[value]).reshape(value.shape)
        return self.memory[value]

    def nest(self, nest: Nest) -> None:
        """All places at once; a store sees what was there before."""
        grids = np.indices([v.extent for v in nest.vars], sparse=True)
        places: Places = dict(zip(nest.vars, grids, strict=True))
        for store in nest.stores:
            if isinstance(store.expr, Scatter):
                self._scatter(nest, store)
                continue
            shape = tuple(v.extent for v in nest.vars)
            element = np.broadcast_to(self.element(store.expr, places, {}), shape)
            lows = self.plan.layouts[store.value].low
            index = [_at(a, places) + low for a, low in zip(store.index, lows, strict=True)]
            self.memory[store.value][tuple(np.broadcast_to(i, shape) for i in index)] = element

    def _scatter(self, nest: Nest, store: Store) -> None:
        """A scattered sum, term by term."""
        scatter = store.expr
        assert isinstance(scatter, Scatter)
        own = [v for v, _ in (scatter.place - scatter.first).terms]
        variables = [v for v in nest.vars if v not in own] + list(scatter.variables)
        shape = tuple(v.extent for v in variables)
        places: Places = dict(zip(variables, np.indices(shape, sparse=True), strict=True))
        known: dict[Expr, Any] = {}
        rows, terms = (np.broadcast_to(self.element(x, places, known), shape) for x in scatter.args)
        rows = np.where(rows < 0, rows + scatter.rows, rows)
        first = np.broadcast_to(_at(scatter.first, places), shape)
        inside = (first <= rows) & (rows < first + scatter.size)
        columns = np.broadcast_to(_at(columns_of(store), places), shape)
        grids = np.indices([v.extent for v in nest.vars], sparse=True)
        stored = [_at(a, dict(zip(nest.vars, grids, strict=True))) for a in store.index]
        memory = self.memory[store.value]
        memory[tuple(np.broadcast_arrays(*stored))] = 0
        np.add.at(memory.reshape(scatter.rows, -1), (rows[inside], columns[inside]), terms[inside])

    def element(self, expr: Expr, places: Places, known: dict[Expr, Any]) -> Any:
        """The value of an expression at all places."""
        if expr not in known:
            known[expr] = self._element(expr, places, known)
        return known[expr]

    def _element(self, expr: Expr, places: Places, known: dict[Expr, Any]) -> Any:
        if isinstance(expr, Const):
            return expr.number
        if isinstance(expr, Index):
            return np.asarray(_at(expr.affine, places)).astype(expr.dtype)
        if isinstance(expr, Reduce):
            return self._reduce(expr, places)
        args = [self.element(a, places, known) for a in expr.args]
        if isinstance(expr, Load):
            return self._load(expr, args, places)
        if isinstance(expr, Guard):
            holds = np.asarray(True)
            for affine, low, high in expr.conditions:
                holds = holds & (low <= _at(affine, places)) & (_at(affine, places) < high)
            return np.where(holds, *args)
        if expr.name.startswith("draw_"):  # bits of a stream, one by one
            bits, shape = int(expr.name.removeprefix("draw_")), np.broadcast_shapes(*map(np.shape, args))
            draws = np.vectorize(
                lambda seed, first, i: _stream(int(seed), int(first), bits, int(i)), otypes=[expr.dtype]
            )
            return draws(*(np.broadcast_to(arg, shape) for arg in args))
        if expr.name in ("and", "not"):
            return np.logical_and(*args) if expr.name == "and" else np.logical_not(*args)
        if expr.name == "cast":
            return np.asarray(PRIMITIVES["cast"].eval(np.asarray(args[0]), dtype=expr.dtype))
        return PRIMITIVES[expr.name].eval(*map(np.array, np.broadcast_arrays(*args)))

    def _load(self, expr: Expr, rows: list[Any], places: Places) -> Any:
        """Where a condition fails, anything."""
        value, index = expr.value, expr.index
        lows = self.plan.layouts[value].low if value in self.plan.layouts else (0,) * value.ndim
        where = [_at(a, places) + low for a, low in zip(index, lows, strict=True)]
        if rows:  # negative numbers count from the end
            axis = expr.axis
            where[axis] = np.where(rows[0] < 0, rows[0] + value.shape[axis], rows[0]) + lows[axis]
        array = self.read(value)
        clipped = [np.clip(i, 0, n - 1) for i, n in zip(where, array.shape, strict=True)]
        return array[tuple(np.broadcast_arrays(*clipped))] if clipped else array[()]

    def _reduce(self, expr: Expr, places: Places) -> Any:
        kind, variables = expr.kind, expr.variables
        extents = [v.extent for v in variables]
        more = len(variables)
        inside = {v: place.reshape(*place.shape, *(1,) * more) for v, place in places.items()}
        rank = len(places)
        for k, v in enumerate(variables):
            inside[v] = np.arange(v.extent).reshape(*(1,) * (rank + k), v.extent, *(1,) * (more - 1 - k))
        total: Any = None
        for body in expr.args:
            terms = np.asarray(self.element(body, inside, {}))
            terms = np.broadcast_to(terms, np.broadcast_shapes(terms.shape, (*(1,) * rank, *extents)))
            terms = terms.reshape(*terms.shape[:rank], math.prod(extents))
            if kind == "argmax":
                return terms.argmax(-1).astype(expr.dtype)
            if kind == "max":
                part = terms.max(-1)
                total = part if total is None else np.maximum(total, part)
            else:
                part = terms.any(-1) if expr.dtype == bool else terms.sum(-1, dtype=expr.dtype)
                total = part if total is None else total + part
        return total


def _at(affine: Affine, places: Places) -> Any:
    return sum((c * places[v] for v, c in affine.terms), np.int64(affine.const))


def _stream(seed: int, first: int, bits: int, place: int) -> int:
    """The integer at a place of a draw, from NumPy's own generator."""
    halves = bits <= 32
    number = first + (place // 2 if halves else place)
    state = np.array([seed, number], np.uint64)
    drawn = PRIMITIVES["random_bits"].eval(state, shape=(2 if halves else 1,), bits=bits)
    return int(drawn[place % 2 if halves else 0])
