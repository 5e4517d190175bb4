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
from .affine import Index, Var
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
