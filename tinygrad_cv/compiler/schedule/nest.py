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
from .affine import Indices, Var
from .expr import Condition, Expr, Load, Op, Reduce, unguarded, walk


@dataclass
class Store:
    """One element of a value, for every place of the loop variables."""

    value: Value
    index: Indices
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
    def reductions(self) -> list[Reduce]:
        """The reductions, inner ones first."""
        return [expr for expr in walk(self.exprs) if isinstance(expr, Reduce)]

    @property
    def places(self) -> int:
        """How many places it stores to, for each of its stores."""
        return math.prod(v.extent for v in self.vars)

    @property
    def is_contraction(self) -> bool:
        """Whether a reduction in it is a matrix product in disguise."""
        return any(map(is_contraction, self.reductions))


def factors(body: Expr) -> tuple[Load, Load] | None:
    """The two loads that a body multiplies, whatever guards it; None where it is something else."""
    product = unguarded(body)
    if isinstance(product, Op) and product.name == "mul":
        a, b = product.args
        if isinstance(a, Load) and isinstance(b, Load):
            return a, b
    return None


def products(reduction: Reduce) -> list[tuple[Expr, Load, Load]]:
    """The bodies of a sum of products, each with its two factors; none where it is something else."""
    found = [(body, pair[0], pair[1]) for body in reduction.args if (pair := factors(body))]
    return found if reduction.kind == "sum" and len(found) == len(reduction.args) else []


def is_contraction(reduction: Reduce) -> bool:
    """Whether in each of its products either load has a variable of the result that the other lacks."""
    pairs = products(reduction)
    return bool(pairs) and all(
        (reduction.vars & a.vars) - b.vars and (reduction.vars & b.vars) - a.vars for _, a, b in pairs
    )
