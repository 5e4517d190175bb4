"""What is materialized, how it is arranged, and the loop nests that compute it: a fixed point.

A nest may need more than was decided before it (nests.py). The decisions are then made again with these needs, until
no nest has a new one. Needs only grow, so this terminates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...ir.graph import Graph, Value
from .arrange import arrange
from .expr import Exprs
from .materialize import Materialized, Needs, materialize
from .nest import Nest
from .nests import build_nests
from .storage import Storage

if TYPE_CHECKING:
    from ..runtime.target import Target


@dataclass
class Nests:
    """Everything that has memory: inputs, constants and outputs that are copied, and what is materialized.

    Attributes:
        storages: of values that are not row-major.
        loops: of each value, in order; none where NumPy computes it.
    """

    materialized: Materialized
    storages: dict[Value, Storage]
    loops: dict[Value, list[Nest]]

    @property
    def flat(self) -> list[Nest]:
        """All nests, in the order of their values."""
        return [nest for nests in self.loops.values() for nest in nests]


def settle(exprs: Exprs, graph: Graph, target: Target, on_host: Callable[[Value], bool]) -> Nests:
    """Materialize, arrange and build nests until no nest needs anything more."""
    needs = Needs(hosted={value for value in graph.values() if on_host(value)})
    while True:
        materialized = materialize(graph, needs)
        storages: dict[Value, Storage] = {}
        loops, missing = build_nests(exprs, materialized, materialized.contractions, storages)
        if not missing:
            storages = arrange(graph, materialized, loops, needs.whole, target)
            copied = [value for value in storages if value not in materialized.everything]
            loops, missing = build_nests(exprs, materialized, [*copied, *materialized.values], storages)
        if not missing:
            return Nests(materialized, storages, {v: loops.get(v, []) for v in (*copied, *materialized.values)})
        needs |= missing
