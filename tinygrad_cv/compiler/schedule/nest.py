"""Loop nests: loop variables, and the expressions that are stored for each of their values.

    nest  = variables, stores
    store = value[index] = expr

The variables run over the stored elements; a reduction has variables of its own. A nest does not say in which order
its loops run, which of them is a vector, or how memory is laid out: see :class:`LoopSchedule` and :class:`Layout`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from ...ir.graph import Value
from .affine import Affine, Indices, Var
from .expr import Condition, Const, Expr, Exprs, Index, Load, Reduce, Scatter, conditions_of, factors, walk
from .layout import layout_of


@dataclass
class Store:
    """One element of a value, for all values of the loop variables."""

    value: Value
    index: Indices
    expr: Expr


def columns_of(store: Store) -> Affine:
    """Where in its row a scattered sum stores: the flat index in a row-major value, without that of the row."""
    value, scatter = store.value, store.expr
    assert isinstance(scatter, Scatter)
    return layout_of(value.shape, value.dtype).flat(store.index) - scatter.place * (value.size // scatter.rows)


@dataclass
class Nest:
    """Stores that run over the same loop variables; they stay as they are once its expressions have been asked for.

    Attributes:
        bounds: where one fails, only zeros are summed: loops may skip it.
        halo: whether it stores the zeros around a value, and not elements of it.
    """

    vars: tuple[Var, ...]
    stores: list[Store] = field(default_factory=list)
    bounds: list[Condition] = field(default_factory=list)
    halo: bool = False

    @property
    def exprs(self) -> list[Expr]:
        return [store.expr for store in self.stores]

    @cached_property
    def parts(self) -> list[Expr]:
        """All expressions in it, operands before their users."""
        return walk(self.exprs)

    @cached_property
    def loads(self) -> list[Load]:
        """All loads in it."""
        return [expr for expr in self.parts if isinstance(expr, Load)]

    @cached_property
    def reductions(self) -> list[Reduce]:
        """The reductions; one inside another comes first."""
        return [expr for expr in self.parts if isinstance(expr, Reduce)]

    @property
    def maps(self) -> list[Affine]:
        """All index maps that its results depend on, except the indices of what it loads and stores."""
        conditions = [affine for expr in self.parts for affine, _, _ in conditions_of(expr)]
        numbers = [expr.affine for expr in self.parts if isinstance(expr, Index)]
        return conditions + numbers + [r.position for r in self.reductions if r.kind == "argmax"]

    @property
    def scatter(self) -> Scatter | None:
        """The scattered sum that its only store stores; None if it is another nest."""
        only = self.stores[0].expr
        return only if isinstance(only, Scatter) else None

    @property
    def num_points(self) -> int:
        """How many elements each of its stores writes."""
        return math.prod(v.extent for v in self.vars)

    @cached_property
    def is_contraction(self) -> bool:
        """Whether one of its reductions is a contraction."""
        return any(map(is_contraction, self.reductions))


def products(reduction: Reduce) -> list[tuple[Expr, Load, Load]]:
    """The bodies of a sum of products, each with its two factors; empty for any other reduction."""
    found = [(body, pair[0], pair[1]) for body in reduction.args if (pair := factors(body))]
    return found if reduction.kind == "sum" and len(found) == len(reduction.args) else []


def is_contraction(reduction: Reduce) -> bool:
    """Whether it sums products of two loads, each with a variable of the result that the other does not have."""
    pairs = products(reduction)
    return bool(pairs) and all(
        (reduction.vars & a.vars) - b.vars and (reduction.vars & b.vars) - a.vars for _, a, b in pairs
    )


def over(exprs: Exprs, store: Store, new: Mapping[Var, Affine]) -> Store:
    """A store over other variables, those of its reductions included."""
    done: dict[Expr, Expr] = {}
    for part in walk([store.expr]):
        if isinstance(part, Const):  # which may be of another table
            done[part] = exprs.const(part.number, part.dtype)
            continue
        args = [done[a] for a in part.args]
        done[part] = exprs.rebuilt(
            part, args, lambda a: a.substitute(new), lambda v: new[v].terms[0][0] if v in new else v
        )
    return Store(store.value, tuple(a.substitute(new) for a in store.index), done[store.expr])
