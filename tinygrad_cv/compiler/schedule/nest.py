"""Loop nests: what is computed over one set of loop variables, and where it goes.

    nest  = variables, stores
    store = value[index] = expr

The variables run over the stored places; a reduction brings its own. Nothing here says in which order loops run, what
is a vector or how memory lies: that is decided when a nest is lowered.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ...ir.graph import Value
from .affine import Index, Var, of
from .define import Definition, NeedSplit
from .expr import Condition, Expr, walk


@dataclass
class Store:
    """One element of a value, for every place of the loop variables."""

    value: Value
    index: Index
    expr: Expr


@dataclass
class Nest:
    """Stores that run over the same loop variables."""

    vars: tuple[Var, ...]
    stores: list[Store] = field(default_factory=list)
    bounds: list[Condition] = field(default_factory=list)  # where one fails, zeros are summed: loops may leave it out

    @property
    def exprs(self) -> list[Expr]:
        return [store.expr for store in self.stores]

    @property
    def reductions(self) -> list[Expr]:
        """The reductions, inner ones first."""
        return [expr for expr in walk(self.exprs) if expr.kind == "reduce"]

    @property
    def places(self) -> int:
        """How many places it stores to, for each of its stores."""
        return math.prod(v.extent for v in self.vars)

    @property
    def is_contraction(self) -> bool:
        """Whether a reduction in it is a matrix product in disguise."""
        return any(map(is_contraction, self.reductions))


def sums_products(expr: Expr) -> bool:
    """Whether it is a sum of products of two loads."""
    return expr.kind == "reduce" and expr.par[0] == "sum" and all(map(_is_product, expr.args))


def _is_product(body: Expr) -> bool:
    core = body.args[0] if body.kind == "guard" else body
    return core.kind == "op" and core.name == "mul" and all(a.kind == "load" for a in core.args)


def is_contraction(expr: Expr) -> bool:
    """Whether in each of its products either load has a variable of the result that the other lacks."""
    if not sums_products(expr):
        return False
    for body in expr.args:
        core = body.args[0] if body.kind == "guard" else body
        a, b = (arg.vars for arg in core.args)
        if not ((expr.vars & a) - b and (expr.vars & b) - a):
            return False
    return True


def nests_of(value: Value, definition: Definition, row_major: bool = False) -> list[Nest]:
    """The loops that compute a stored value: one nest, or one for each set of phases that run alike.

    They write its storage, or, if it has a copy there, its elements row-major.

    Raises:
        Unmappable: another value must be stored first.
    """
    storage = None if row_major else definition.storage.get(value)
    target = storage.value if storage else value
    first = tuple(Var(n, "i") for n in target.shape)
    todo: list[tuple[tuple[Var, ...], Index]] = [(first, tuple(map(of, first)))]
    nests: dict[tuple[Var, ...], Nest] = {}
    shared: dict[tuple[Var, int, int, bool], Var] = {}

    def part(var: Var, factor: int, extent: int, inner: bool) -> Var:
        """Phases of equal extent share their loop variable, so that they run in one nest."""
        return shared.setdefault((var, factor, extent, inner), Var(extent, "p"))

    while todo:
        variables, index = todo.pop(0)
        try:
            expr = definition.of(value, storage.index_at(index) if storage else index)
        except NeedSplit as need:
            if need.var not in variables:
                raise
            n, factor = need.var.extent, need.factor
            at = variables.index(need.var)
            if need.phases:
                for r in range(min(factor, n)):
                    q = part(need.var, factor, len(range(r, n, factor)), False)
                    new = {need.var: of(q) * factor + r}
                    todo.append(((*variables[:at], q, *variables[at + 1 :]), tuple(a.substitute(new) for a in index)))
            else:
                q, inner = part(need.var, factor, n // factor, False), part(need.var, factor, factor, True)
                new = {need.var: of(q) * factor + of(inner)}
                todo.append(
                    ((*variables[:at], q, inner, *variables[at + 1 :]), tuple(a.substitute(new) for a in index))
                )
            continue
        nests.setdefault(variables, Nest(variables)).stores.append(Store(target, index, expr))
    return [Nest(tuple(v for v in nest.vars if v.extent > 1), nest.stores) for nest in nests.values()]


def copies_of(value: Value, definition: Definition) -> list[Nest]:
    """The loops that copy a row-major value into its storage."""
    storage = definition.storage[value]
    variables = tuple(Var(n, "i") for n in storage.value.shape)
    place = tuple(map(of, variables))
    element = definition.exprs.load(value, storage.index_at(place))
    return [Nest(tuple(v for v in variables if v.extent > 1), [Store(storage.value, place, element)])]
