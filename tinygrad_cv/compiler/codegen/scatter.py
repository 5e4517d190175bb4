"""The loops of a scattered sum: zeros in the rows of a part, and then its terms, each added to its row.

A term whose row is not one of the part's is left out: nothing is written beyond it, whatever the numbers are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..llvm.elementwise import select
from ..llvm.function import number, vector_type
from ..llvm.integer import Int
from ..schedule.affine import Var
from ..schedule.expr import Scatter
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest, columns_of
from .memory import BOOL, Memory, Point, index_at
from .nest import NestLowering

INT = np.dtype(np.int64)


class ScatterLowering(NestLowering):
    """Writes the loops of a scattered sum into a function.

    Attributes:
        places: the variables that run over the rows of a part.
        outside, inside: the other variables of the result, whose loops run outside of those of the sum, or inside; if
            there are none outside, the places are.
    """

    def __init__(self, nest: Nest, zeroed: Nest, schedule: LoopSchedule, memory: Memory, multiply_add: str):
        super().__init__(nest, schedule, memory, multiply_add)
        scatter = nest.scatter
        assert scatter is not None
        self.scatter: Scatter = scatter
        self.places = [v for v, _ in (scatter.place - scatter.first).terms]
        self.inside = schedule.within
        rest = [v for v in schedule.outer if v not in self.places and v not in self.inside]
        self.outside = rest or self.places
        self.width = nest.stores[0].value.size // scatter.rows
        self.zeros = NestLowering(zeroed, replace(schedule, rows={}), memory, multiply_add)
        self.terms = _Terms(nest, schedule, memory, multiply_add)
        self.terms.exprs = self.exprs

    def write_result_loops(self, point: Point) -> None:
        """The loops that threads share; inside of them, zeros and the terms."""
        self.loops(self.outside, point, {}, shared=True)

    def write_tile(self, point: Point, tile: dict[Var, int]) -> None:
        """The zeros and the terms of one part, for some columns or for all."""
        parts = {v for v, _ in self.scatter.first.terms}
        if parts.union(self.places).issuperset(self.outside):  # all columns are inside
            first = index_at(self.scatter.first, point) * self.width
            self.memory.clear(self.nest.stores[0].value, first, self.scatter.size * self.width)
        else:
            self.zeros.loops([*self.places, *self.inside], point, tile)
        self._sum_loops(self.scatter.variables, self._columns(point), tile)

    def points(self, point: Point, tile: dict[Var, int]) -> list[Point]:
        """Those of the columns: expressions do not depend on the places."""
        return super().points(self._columns(point), tile)

    def _columns(self, point: Point) -> Point:
        return {v: at for v, at in point.items() if v not in self.places}

    def _sum_loops(self, variables: Sequence[Var], point: Point, tile: dict[Var, int]) -> None:
        """The loops over the terms, in the order in which they are added."""
        if not variables:
            self._add(point, tile)
            return
        var, inner = variables[0], variables[1:]

        def body(i: Int, _: list[str]) -> list[str]:
            here = {**point, var: i}
            with self.exprs.level():
                if inner or self.inside:
                    self.exprs.hoist(self.points(here, tile))
                self._sum_loops(inner, here, tile)
            return []

        step = self.schedule.lanes if var is self.schedule.vector else 1
        whole = var.extent - var.extent % step
        self.f.loop(0, whole, step, [], body)
        if whole < var.extent:
            body(whole, [])

    def _add(self, point: Point, tile: dict[Var, int]) -> None:
        """Add a term, or as many as a vector holds, of all columns inside. Those of other parts add nothing."""
        f, scatter = self.f, self.scatter
        lanes = self.schedule.lanes if self.schedule.vector in scatter.variables else 1
        kind, mask = vector_type(INT, lanes), vector_type(BOOL, lanes)
        number = self.exprs.vector(self.exprs.emit(scatter.row, point), INT, lanes)
        first = f.splat(f.integer(index_at(scatter.first, point)), INT, lanes)
        rows, size, zero = (f.splat(str(n), INT, lanes) for n in (scatter.rows, scatter.size, 0))
        negative = f.value(f"icmp slt {kind} {number}, {zero}")
        row = f.value(f"select {mask} {negative}, {kind} {f.value(f'add {kind} {number}, {rows}')}, {kind} {number}")
        owned = f.value(f"icmp ult {kind} {f.value(f'sub {kind} {row}, {first}')}, {size}")
        if lanes == 1:
            self.terms.rows = [f.known(row) * self.width]
            f.branch(owned, lambda: self._terms(point, tile))
            return
        row = f.value(f"select {mask} {owned}, {kind} {row}, {kind} {first}")
        self.terms.owned = owned
        self.terms.rows = [
            f.known(f.value(f"extractelement {kind} {row}, i32 {lane}")) * self.width
            for lane in range(self.memory.live(point))
        ]
        self._terms(point, tile)

    def _terms(self, point: Point, tile: dict[Var, int]) -> None:
        with self.exprs.level():
            self.terms.loops(self.inside, point, tile)


class _Terms(NestLowering):
    """Writes the loops inside of those of a sum: one term for each lane, or of several columns, added to its row.

    Attributes:
        rows: where the row of each lane begins.
        owned: whether each lane's row is one of the part's; if it is not, the term is 0.
    """

    rows: Sequence[Int]
    owned: str

    def write_tile(self, point: Point, tile: dict[Var, int]) -> None:
        f, lanes = self.f, self.schedule.lanes
        (store,) = self.nest.stores
        value, scatter = store.value, store.expr
        assert isinstance(scatter, Scatter)
        columns = columns_of(store)
        for each in self.points(point, tile):
            text, is_vector = self.exprs.emit(scatter.body, each)
            if self.schedule.vector not in scatter.variables:
                self.memory.add(value, self.rows[0], columns, each, text, is_vector)
                continue
            kind, zero = vector_type(value.dtype, lanes), number(value.dtype.type(0))
            terms = self.exprs.vector((text, is_vector), value.dtype, lanes)
            terms = select(f, self.owned, terms, f.splat(zero, value.dtype, lanes), value.dtype, lanes)
            for lane, row in enumerate(self.rows):
                term = f.value(f"extractelement {kind} {terms}, i32 {lane}")
                self.memory.add(value, row, columns, each, term, False)
