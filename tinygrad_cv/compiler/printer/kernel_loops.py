"""A kernel as its loops run: vectors, tiles, accumulators, and what is computed in which loop."""

from __future__ import annotations

from ..schedule.affine import Var
from ..schedule.expr import Expr, Reduce, Scatter, walk
from ..schedule.loop_schedule import LoopSchedule
from ..schedule.nest import Nest, columns_of
from .names import Names
from .nest_formulas import NestFormulas


class KernelLoops:
    """The loops of one nest as they run.

    Args:
        shared: whether threads share the outermost loop.
    """

    def __init__(self, nest: Nest, schedule: LoopSchedule, names: Names, shared: bool):
        self.nest, self.schedule, self.shared = nest, schedule, shared
        self.formulas = NestFormulas(nest, names, sums=True)
        self.out: list[str] = []
        self.depth = 1

    def lines(self) -> list[str]:
        """The loops, indented."""
        schedule = self.schedule
        if self.nest.scatter is not None:
            self._scattered(self.nest.scatter)
            return self.out
        if schedule.split:
            names = self.formulas.names
            self._line(", ".join(f"{names.of(s.value)} = 0" for s in self.nest.stores))
        for v, step in schedule.split.items():
            self._loop(v, v.extent, step, "split: partial sums are added to memory")
        for depth, v in enumerate(schedule.outer):
            self._loop(v, schedule.extent(v), self._step(v), self._note(v, depth < schedule.shared))
        self._body()
        return self.out

    def _scattered(self, scatter: Scatter) -> None:
        """The loops over parts, or columns, and in them over the terms: each is added to its row."""
        formulas, schedule = self.formulas, self.schedule
        (store,) = self.nest.stores
        places = {v for v, _ in (scatter.place - scatter.first).terms}
        for depth, v in enumerate(w for w in schedule.outer if w not in places and w not in schedule.within):
            self._loop(v, v.extent, self._step(v), self._note(v, depth < schedule.shared))
        name, columns = formulas.names.of(store.value), [formulas.affine(a) for a in store.index[1:]]
        if store.index[:1] != (scatter.place,):  # it is a reshape of the rows
            flat = columns_of(store)
            name, columns = f"{name}.rows", [formulas.affine(flat)] if flat.terms else []
        first = formulas.affine(scatter.first)
        rows = first if scatter.size == 1 else f"{first}..{formulas.affine(scatter.first + (scatter.size - 1))}"
        self._line(f"{name}[{', '.join([rows, *columns])}] = 0")
        for v in scatter.variables:
            along = v is schedule.vector
            self._loop(v, v.extent, self._step(v), f"{self._note(v, False)}, added one by one" if along else "")
        for v in schedule.within:
            self._loop(v, v.extent, self._step(v), self._note(v, False))
        for expr, bound, text in formulas.bindings:
            if not isinstance(expr, Reduce):
                self._line(f"{bound} = {text}")
        self._line(f"{name}[{', '.join([formulas.text(scatter.row), *columns])}] += {formulas.text(scatter.body)}")

    def _step(self, v: Var) -> int:
        schedule = self.schedule
        return schedule.lanes * schedule.vectors if v is schedule.vector else schedule.rows.get(v, 1)

    def _note(self, v: Var, first: bool) -> str:
        notes = []
        if first and self.shared:
            notes.append("shared by the threads")
        if v is self.schedule.vector:
            notes.append(_vectors(self.schedule.vectors, self.schedule.lanes))
        elif v in self.schedule.rows:
            notes.append(f"{self.schedule.rows[v]} rows")
        notes += self._collapsed(v)
        return ", ".join(notes)

    def _body(self) -> None:
        """The body of a tile: what the reductions need, the reductions, what is computed from them."""
        formulas, reductions = self.formulas, self.nest.reductions
        summed = {v for r in reductions for v in r.variables}
        pending = [b for b in formulas.bindings if not isinstance(b[0], Reduce) and summed.isdisjoint(b[0].vars)]
        inside = [b for b in formulas.bindings if not isinstance(b[0], Reduce) and not summed.isdisjoint(b[0].vars)]
        names = {expr: name for expr, name, _ in formulas.bindings}
        done: set[Expr] = set()
        groups: dict[tuple[Var, ...], list[Reduce]] = {}
        for reduction in reductions:
            groups.setdefault(reduction.variables, []).append(reduction)
        for variables, group in groups.items():
            pending = self._ready(pending, done)
            depth = self.depth
            self._sum_loops(variables)
            for expr, name, text in inside:
                if not set(variables).isdisjoint(expr.vars):
                    self._line(f"{name} = {text}")
            for reduction in group:
                self._accumulate(reduction, names.get(reduction))
            self.depth = depth
            done.update(group)
        self._ready(pending, done)
        for store in self.nest.stores:
            if store.expr not in done or store.expr in names:
                self._line(formulas.store(store))

    def _ready(self, pending: list[tuple[Expr, str, str]], done: set[Expr]) -> list[tuple[Expr, str, str]]:
        """Write the formulas whose reductions are done; returns the others."""
        left = []
        for binding in pending:
            if all(expr in done for expr in walk([binding[0]]) if isinstance(expr, Reduce)):
                self._line(f"{binding[1]} = {binding[2]}")
            else:
                left.append(binding)
        return left

    def _sum_loops(self, variables: tuple[Var, ...]) -> None:
        schedule = self.schedule
        order = [v for v in schedule.inner if v in variables] or list(variables)
        for v in order:
            extent = schedule.split.get(v, schedule.extent(v))
            step = schedule.lanes if v is schedule.vector else 1
            notes = [_vectors(1, schedule.lanes)] if v is schedule.vector else []
            if v is order[-1] and schedule.unroll > 1:
                notes.append(f"{schedule.unroll} accumulators")
            notes += self._collapsed(v)
            if v is not order[-1] and v not in schedule.split:
                cuts = (c for c in self.nest.bounds if schedule.cuts(c[0], v))
                notes += [f"where {self.formulas.condition(c)}" for c in cuts]
            self._loop(v, extent, step, ", ".join(notes))

    def _accumulate(self, reduction: Reduce, name: str | None) -> None:
        kind, formulas = reduction.kind, self.formulas
        if name is None:
            name = next(formulas.element(store) for store in self.nest.stores if store.expr is reduction)
        for body in reduction.args:
            text = formulas.text(body)
            self._line(f"{name} += {text}" if kind == "sum" else f"{name} = {kind}({name}, {text})")

    def _collapsed(self, v: Var) -> list[str]:
        replaced = ", ".join(self.formulas.letters[w] for w in self.schedule.collapsed.get(v, ()))
        return [f"collapsed with {replaced}"] if replaced else []

    def _loop(self, v: Var, extent: int, step: int, note: str) -> None:
        by = f" by {step}" if step > 1 else ""
        self._line(f"for {self.formulas.letters[v]} < {extent}{by}:" + (f"  # {note}" if note else ""))
        self.depth += 1

    def _line(self, text: str) -> None:
        self.out.append("  " * self.depth + text)


def _vectors(n: int, lanes: int) -> str:
    return f"a vector of {lanes}" if n == 1 else f"{n} vectors of {lanes}"
