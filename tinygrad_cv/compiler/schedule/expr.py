"""Scalar expressions of loop variables: what one element of a value is.

    expr = load(value, index)            an element of a stored value
         | const(number)
         | index(affine)                 the loop variables' own values
         | op(name, expr, ...)           an elementwise primitive
         | guard(conditions, body, other)     body where low <= affine < high for all, else other
         | reduce(kind, variables, body, ...) several bodies: phases of one sum

Expressions of one kernel share their parts: they are made through one table, so equal ones are one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from ...ir.graph import Value
from .affine import Affine, Index, Var

Condition = tuple[Affine, int, int]  # low <= affine < high
INT = np.dtype(np.int64)


class Expr:
    """A node of an expression; made by :class:`Exprs` only."""

    __slots__ = ("args", "dtype", "kind", "number", "par", "vars")
    kind: str
    args: tuple[Expr, ...]
    par: Any
    dtype: np.dtype
    vars: frozenset[Var]
    number: int

    @property
    def name(self) -> str:
        """Of an op: which."""
        return self.par[0]

    def __repr__(self) -> str:
        args = ", ".join(map(repr, self.args))
        if self.kind == "load":
            places = list(map(str, self.par[1]))
            if self.args:
                places[0] = f"{args}"
            return f"{self.par[0]}[{', '.join(places)}]"
        if self.kind == "const":
            return repr(self.par.item())
        if self.kind == "index":
            return f"({self.par})"
        if self.kind == "guard":
            conditions = " & ".join(f"{low}<={a}<{high}" for a, low, high in self.par)
            return f"({self.args[0]} if {conditions} else {self.args[1]})"
        if self.kind == "reduce":
            return f"{self.par[0]}[{','.join(map(repr, self.par[1]))}]({args})"
        return f"{self.par[0]}({args})"


class Exprs:
    """Makes expressions, each once, and simplifies what needs no thought."""

    def __init__(self) -> None:
        self._made: dict[Any, Expr] = {}

    def _make(self, kind: str, args: tuple[Expr, ...], par: Any, key: Any, dtype: np.dtype) -> Expr:
        key = (kind, tuple(a.number for a in args), key)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = Expr()
            made.kind, made.args, made.par, made.dtype, made.number = kind, args, par, dtype, len(self._made)
            found: set[Var] = set()
            for arg in args:
                found |= arg.vars
            for affine in _affines(made):
                found.update(v for v, _ in affine.terms)
            if kind == "reduce":
                found -= set(par[1])
            made.vars = frozenset(found)
        return made

    def load(self, value: Value, index: Sequence[Affine], row: Expr | None = None) -> Expr:
        """An element of a stored value; ``row`` is a computed place on the first axis, for a gather."""
        args = () if row is None else (row,)
        key = (value.number, id(value), tuple(a.key for a in index))
        return self._make("load", args, (value, tuple(index)), key, value.dtype)

    def const(self, number: Any, dtype: np.dtype) -> Expr:
        scalar = np.asarray(number).astype(dtype)[()]
        return self._make("const", (), scalar, (scalar.tobytes(), dtype.str), np.dtype(dtype))

    def index(self, affine: Affine, dtype: np.dtype = INT) -> Expr:
        if not affine.terms:
            return self.const(affine.const, dtype)
        return self._make("index", (), affine, (affine.key, dtype.str), dtype)

    def op(self, name: str, args: Sequence[Expr], dtype: np.dtype) -> Expr:
        return self._make("op", tuple(args), (name,), (name, dtype.str), dtype)

    def guard(self, conditions: Iterable[Condition], body: Expr, other: Expr) -> Expr:
        """``body`` where all conditions hold, else ``other``; conditions that always hold are dropped."""
        kept: dict[Any, Condition] = {}
        for affine, low, high in conditions:
            least, most = affine.range()
            if most < low or least >= high:
                return other
            if not (low <= least and most < high):
                kept[affine.key] = (affine, low, high)
        if body.kind == "guard" and body.args[1] is other:
            for affine, low, high in body.par:
                if affine.key in kept:
                    low, high = max(low, kept[affine.key][1]), min(high, kept[affine.key][2])
                kept[affine.key] = (affine, low, high)
            body = body.args[0]
        if not kept or body is other:
            return body
        ordered = tuple(kept.values())
        return self._make(
            "guard", (body, other), ordered, frozenset((a.key, lo, hi) for a, lo, hi in ordered), body.dtype
        )

    def reduce(self, kind: str, variables: Sequence[Var], bodies: Sequence[Expr], dtype: np.dtype) -> Expr:
        """Σ, max or argmax of the bodies over the variables; a sum of a single sum is one sum."""
        variables = tuple(variables)
        if kind == "sum" and len(bodies) == 1 and bodies[0].kind == "reduce" and bodies[0].par[0] == "sum":
            inner = bodies[0]
            if inner.dtype == dtype and len(inner.args) == 1:
                variables, bodies = variables + inner.par[1], inner.args
        if kind == "sum" and all(is_number(body, 0) for body in bodies):
            return bodies[0]
        if not variables and len(bodies) == 1 and kind in ("sum", "max"):
            return bodies[0]
        key = (kind, tuple(v.number for v in variables), dtype.str)
        return self._make("reduce", tuple(bodies), (kind, variables), key, dtype)


def is_number(expr: Expr, number: float) -> bool:
    """Whether the expression is this constant."""
    return expr.kind == "const" and bool(expr.par == number)


def _affines(expr: Expr) -> Iterator[Affine]:
    if expr.kind == "load":
        yield from expr.par[1]
    elif expr.kind == "index":
        yield expr.par
    elif expr.kind == "guard":
        for affine, _, _ in expr.par:
            yield affine


_number = attrgetter("number")


def walk(roots: Iterable[Expr]) -> list[Expr]:
    """Every expression below the roots once, arguments before users."""
    seen: set[Expr] = set()
    stack = list(roots)
    while stack:
        expr = stack.pop()
        if expr not in seen:
            seen.add(expr)
            stack.extend(expr.args)
    return sorted(seen, key=_number)


def loads(roots: Iterable[Expr]) -> list[Expr]:
    """The loads below the roots."""
    return [expr for expr in walk(roots) if expr.kind == "load"]


def inside_guards(roots: Iterable[Expr]) -> set[Expr]:
    """Expressions that stand in a guard's body, where loads may have to be held back."""
    found: set[Expr] = set()
    stack = [expr.args[0] for expr in walk(roots) if expr.kind == "guard"]
    while stack:
        expr = stack.pop()
        if expr not in found:
            found.add(expr)
            stack.extend(expr.args)
    return found


def substitute(exprs: Exprs, root: Expr, new: dict[Expr, Expr]) -> Expr:
    """The expression with some of its parts replaced."""
    done = dict(new)
    for expr in walk([root]):
        if expr in done:
            continue
        args = tuple(done[a] for a in expr.args)
        if args == expr.args:
            done[expr] = expr
        elif expr.kind == "load":
            done[expr] = exprs.load(expr.par[0], expr.par[1], args[0])
        elif expr.kind == "guard":
            done[expr] = exprs.guard(expr.par, *args)
        elif expr.kind == "reduce":
            kind, variables = expr.par
            done[expr] = exprs.reduce(kind, variables, args, expr.dtype)
        else:
            done[expr] = exprs.op(expr.name, args, expr.dtype)
    return done[root]


def renamed(exprs: Exprs, root: Expr, new: dict[Var, Affine]) -> Expr:
    """The expression with loop variables replaced by index maps."""
    done: dict[Expr, Expr] = {}

    def index_of(index: Index) -> list[Affine]:
        return [a.substitute(new) for a in index]

    for expr in walk([root]):
        args = tuple(done[a] for a in expr.args)
        if expr.kind == "load":
            done[expr] = exprs.load(expr.par[0], index_of(expr.par[1]), *args)
        elif expr.kind == "index":
            done[expr] = exprs.index(expr.par.substitute(new), expr.dtype)
        elif expr.kind == "guard":
            done[expr] = exprs.guard([(a.substitute(new), lo, hi) for a, lo, hi in expr.par], *args)
        elif expr.kind == "reduce":
            kind, variables = expr.par
            done[expr] = exprs.reduce(kind, variables, args, expr.dtype)
        elif expr.kind == "op":
            done[expr] = exprs.op(expr.name, args, expr.dtype)
        else:
            done[expr] = expr
    return done[root]
