"""The loop IR: one element of a value as an expression of loop variables. Expressions are hash-consed.

expr = Load(value, index)                    an element of a stored value
     | Load(value, index, row, axis)         an element whose index on one axis is computed: a gather
     | Const(number)
     | Index(affine)                         the value of an index map
     | Op(name, expr, ...)                   an elementwise primitive
     | Guard(conditions, body, other)        body if low <= affine < high for all conditions, else other
     | Reduce(kind, variables, body, ...)    sum, max or argmax over variables; of several bodies: phases of one sum
     | Scatter(variables, row, body, place)  sum of body over those variables where row is place: a scattered sum
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any, TypeVar

import numpy as np

from ...ir.graph import Value
from .affine import Affine, Indices, Var, of

Condition = tuple[Affine, int, int]  # low <= affine < high
INT = np.dtype(np.int64)


class Expr:
    """An expression; only :class:`Exprs` makes them.

    Attributes:
        args: its operands, which are expressions too.
        vars: the loop variables that it depends on.
        serial: its number, in the order in which expressions were made; operands come before their users.
    """

    __slots__ = ("args", "dtype", "serial", "vars")
    args: tuple[Expr, ...]
    dtype: np.dtype
    vars: frozenset[Var]
    serial: int


class Load(Expr):
    """An element of a stored value. Its only operand, if it has one, is the index on ``axis``; ``index`` is 0 there."""

    __slots__ = ("axis", "index", "value")

    def __init__(self, value: Value, index: Indices, axis: int = 0):
        self.value, self.index, self.axis = value, index, axis

    def indices(self, computed: Sequence[str], affine: Callable[[Affine], str]) -> list[str]:
        """The index on each axis as text."""
        texts = [affine(a) for a in self.index]
        texts[self.axis : self.axis + len(computed)] = computed
        return texts

    def __repr__(self) -> str:
        return f"{self.value}[{', '.join(self.indices([*map(repr, self.args)], str))}]"


class Const(Expr):
    """A number."""

    __slots__ = ("number",)

    def __init__(self, number: Any):
        self.number = number

    def __repr__(self) -> str:
        return repr(self.number.item())


class Index(Expr):
    """The value of an index map."""

    __slots__ = ("affine",)

    def __init__(self, affine: Affine):
        self.affine = affine

    def __repr__(self) -> str:
        return f"({self.affine})"


class Op(Expr):
    """An elementwise primitive."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(map(repr, self.args))})"


class Guard(Expr):
    """``body`` if all conditions hold, else ``other``."""

    __slots__ = ("conditions",)

    def __init__(self, conditions: tuple[Condition, ...]):
        self.conditions = conditions

    @property
    def body(self) -> Expr:
        return self.args[0]

    @property
    def other(self) -> Expr:
        return self.args[1]

    def __repr__(self) -> str:
        conditions = " & ".join(f"{low}<={a}<{high}" for a, low, high in self.conditions)
        return f"({self.body} if {conditions} else {self.other})"


class Reduce(Expr):
    """The sum, max or argmax of its operands, the bodies, over variables."""

    __slots__ = ("kind", "variables")

    def __init__(self, kind: str, variables: tuple[Var, ...]):
        self.kind, self.variables = kind, variables

    @property
    def position(self) -> Affine:
        """The place of an element among all that are reduced, in row-major order: what argmax finds."""
        place = Affine()
        for v in self.variables:
            place = place * v.extent + of(v)
        return place

    def __repr__(self) -> str:
        return f"{self.kind}[{','.join(map(repr, self.variables))}]({', '.join(map(repr, self.args))})"


class Scatter(Reduce):
    """The sum of ``body`` over variables, where the number ``row`` is ``place``. Only stores have it.

    It is computed for all of ``size`` places at once, from ``first`` on, by adding every body where its row says.

    Attributes:
        rows: how many there are; negative numbers count from their end.
    """

    __slots__ = ("first", "place", "rows", "size")

    def __init__(self, variables: tuple[Var, ...], place: Affine, first: Affine, size: int, rows: int):
        super().__init__("scatter", variables)
        self.place, self.first, self.size, self.rows = place, first, size, rows

    @property
    def row(self) -> Expr:
        return self.args[0]

    @property
    def body(self) -> Expr:
        return self.args[1]

    def __repr__(self) -> str:
        return f"sum[{','.join(map(repr, self.variables))}]({self.body} where {self.row} is {self.place})"


E = TypeVar("E", bound=Expr)


class Exprs:
    """A table of expressions: makes each once, and simplifies it where the operands alone decide."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}

    def _make(
        self,
        kind: type[E],
        parts: tuple[Any, ...],
        args: tuple[Expr, ...],
        key: Any,
        dtype: np.dtype,
        maps: Iterable[Affine] = (),
    ) -> E:
        """The expression with these parts. ``maps``: what depends on variables, beside its operands."""
        key = (kind, tuple([a.serial for a in args]), key)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = kind(*parts)
            made.args, made.dtype, made.serial = args, dtype, len(self._made)
            made.vars = frozenset([v for a in maps for v, _ in a.terms]).union(*[a.vars for a in args])
        return made

    def load(self, value: Value, index: Sequence[Affine], row: Expr | None = None, axis: int = 0) -> Load:
        """An element of a stored value; ``row``: the index on an axis, if it is computed."""
        args = () if row is None else (row,)
        key = (value.number, id(value), tuple([a.key for a in index]), axis)
        return self._make(Load, (value, tuple(index), axis), args, key, value.dtype, index)

    def const(self, number: Any, dtype: np.dtype) -> Const:
        scalar = np.asarray(number).astype(dtype)[()]
        return self._make(Const, (scalar,), (), (scalar.tobytes(), dtype.str), np.dtype(dtype))

    def index(self, affine: Affine, dtype: np.dtype = INT) -> Index | Const:
        if not affine.terms:
            return self.const(affine.const, dtype)
        return self._make(Index, (affine,), (), (affine.key, dtype.str), dtype, (affine,))

    def op(self, name: str, args: Sequence[Expr], dtype: np.dtype) -> Op:
        return self._make(Op, (name,), tuple(args), (name, dtype.str), dtype)

    def guard(self, conditions: Iterable[Condition], body: Expr, other: Expr) -> Expr:
        """``body`` if all conditions hold, else ``other``; conditions that always hold are dropped."""
        needed: dict[Any, Condition] = {}
        for affine, low, high in conditions:
            least, most = affine.range()
            if most < low or least >= high:
                return other
            if not (low <= least and most < high):
                needed[affine.key] = (affine, low, high)
        if isinstance(body, Guard) and body.other is other:
            for affine, low, high in body.conditions:
                if affine.key in needed:
                    low, high = max(low, needed[affine.key][1]), min(high, needed[affine.key][2])
                needed[affine.key] = (affine, low, high)
            body = body.body
        if not needed or body is other:
            return body
        ordered = tuple(needed.values())
        key = frozenset((a.key, lo, hi) for a, lo, hi in ordered)
        return self._make(Guard, (ordered,), (body, other), key, body.dtype, [a for a, _, _ in ordered])

    def reduce(self, kind: str, variables: Sequence[Var], bodies: Sequence[Expr], dtype: np.dtype) -> Expr:
        """The sum, max or argmax of the bodies over the variables. A sum of a sum becomes one sum."""
        variables = tuple(variables)
        inner = bodies[0] if len(bodies) == 1 else None
        if isinstance(inner, Reduce) and inner.kind == kind == "sum" and inner.dtype == dtype and len(inner.args) == 1:
            variables, bodies = variables + inner.variables, inner.args
        if kind == "sum" and all(is_number(body, 0) for body in bodies):
            return bodies[0]
        if not variables and len(bodies) == 1 and kind in ("sum", "max"):
            return bodies[0]
        key = (kind, tuple([v.number for v in variables]), dtype.str)
        made = self._make(Reduce, (kind, variables), tuple(bodies), key, dtype)
        made.vars -= set(variables)
        return made

    def scatter(
        self, variables: Sequence[Var], row: Expr, body: Expr, place: Affine, first: Affine, size: int, rows: int
    ) -> Scatter:
        """The sum of the bodies over the variables, where the row is a place: one of ``size``, from ``first`` on."""
        variables = tuple(variables)
        key = (tuple([v.number for v in variables]), place.key, first.key, size, rows)
        parts = variables, place, first, size, rows
        made = self._make(Scatter, parts, (row, body), key, body.dtype, (place, first))
        made.vars -= set(variables)
        return made

    def rebuilt(
        self,
        expr: Expr,
        args: Sequence[Expr],
        affine: Callable[[Affine], Affine] = lambda a: a,
        var: Callable[[Var], Var] = lambda v: v,
    ) -> Expr:
        """The same expression with other operands, index maps and reduced variables."""
        if isinstance(expr, Load):
            return self.load(expr.value, [affine(a) for a in expr.index], next(iter(args), None), expr.axis)
        if isinstance(expr, Index):
            return self.index(affine(expr.affine), expr.dtype)
        if isinstance(expr, Op):
            return self.op(expr.name, args, expr.dtype)
        if isinstance(expr, Guard):
            return self.guard([(affine(a), low, high) for a, low, high in expr.conditions], *args)
        if isinstance(expr, Scatter):
            (row, body), variables = args, [var(v) for v in expr.variables]
            return self.scatter(variables, row, body, affine(expr.place), affine(expr.first), expr.size, expr.rows)
        if isinstance(expr, Reduce):
            return self.reduce(expr.kind, [var(v) for v in expr.variables], args, expr.dtype)
        return expr


def is_number(expr: Expr, number: float) -> bool:
    """Whether an expression is this constant."""
    return isinstance(expr, Const) and bool(expr.number == number)


def unguarded(expr: Expr) -> Expr:
    """The body of a guard; any other expression itself."""
    return expr.body if isinstance(expr, Guard) else expr


def factors(body: Expr) -> tuple[Load, Load] | None:
    """The two loads whose product a body is, guarded or not; None if it is something else."""
    product = unguarded(body)
    if isinstance(product, Op) and product.name == "mul":
        a, b = product.args
        if isinstance(a, Load) and isinstance(b, Load):
            return a, b
    return None


def conditions_of(expr: Expr) -> tuple[Condition, ...]:
    """The conditions of a guard; none for any other expression."""
    return expr.conditions if isinstance(expr, Guard) else ()


_serial = attrgetter("serial")


def walk(roots: Iterable[Expr]) -> list[Expr]:
    """The roots and everything that they are made of, each expression once, operands before their users."""
    seen: set[Expr] = set()
    stack = list(roots)
    while stack:
        expr = stack.pop()
        if expr not in seen:
            seen.add(expr)
            stack.extend(expr.args)
    return sorted(seen, key=_serial)


def loads(roots: Iterable[Expr]) -> list[Load]:
    """The loads in these expressions."""
    return [expr for expr in walk(roots) if isinstance(expr, Load)]


def inside_guards(roots: Iterable[Expr]) -> set[Expr]:
    """Expressions in the body of a guard, where loads may need a mask."""
    found: set[Expr] = set()
    stack = [expr.body for expr in walk(roots) if isinstance(expr, Guard)]
    while stack:
        expr = stack.pop()
        if expr not in found:
            found.add(expr)
            stack.extend(expr.args)
    return found


def substitute(exprs: Exprs, root: Expr, new: dict[Expr, Expr]) -> Expr:
    """An expression with some of its parts replaced."""
    done = dict(new)
    for expr in walk([root]):
        if expr not in done:
            args = tuple([done[a] for a in expr.args])
            done[expr] = expr if args == expr.args else exprs.rebuilt(expr, args)
    return done[root]


def renamed(exprs: Exprs, root: Expr, new: dict[Var, Affine]) -> Expr:
    """An expression with loop variables replaced by index maps."""
    done: dict[Expr, Expr] = {}
    for expr in walk([root]):
        done[expr] = exprs.rebuilt(expr, [done[a] for a in expr.args], lambda a: a.substitute(new))
    return done[root]
