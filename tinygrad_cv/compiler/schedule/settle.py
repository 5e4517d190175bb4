"""Materialized values, their storages and their loop nests, found together as a fixed point.

Building a nest may show that something else is needed (nests.py). All decisions are then made again with these needs,
until there is no new one. Needs only grow, so this terminates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...ir.graph import Graph, Value
from .aliases import Aliases, aliases_of
from .arrange import arrange
from .expr import Exprs
from .materialize import Materialized, Needs, materialize
from .nest import Nest
from .nests import build_nests
from .storage import Storage
from .updates import Updates

if TYPE_CHECKING:
    from ..runtime.target import Target


@dataclass
class Nests:
    """What is materialized, and how it is computed.

    Attributes:
        storages: the storages of values that are not row-major.
        loops: the nests of each value, in order; none if NumPy computes it. Inputs and constants that are copied first
            have nests too.
    """

    materialized: Materialized
    storages: dict[Value, Storage]
    loops: dict[Value, list[Nest]]

    @property
    def aliases(self) -> Aliases:
        """The stored values that have no memory of their own."""
        return aliases_of(self.materialized, self.storages)

    @property
    def updates(self) -> Updates:
        """The outputs that are computed last, over the values that they replace."""
        return self.materialized.updates

    @property
    def flat(self) -> list[Nest]:
        """All nests, in the order of their values."""
        return [nest for nests in self.loops.values() for nest in nests]


def settle(exprs: Exprs, graph: Graph, target: Target, on_host: Callable[[Value], bool]) -> Nests:
    """Materialize, arrange and build nests, again and again until no nest needs anything else."""
    needs = Needs(hosted={value for value in graph.values() if on_host(value)})
    while True:
        materialized = materialize(graph, needs)
        storages: dict[Value, Storage] = {}
        loops, missing = build_nests(exprs, materialized, materialized.contractions, storages)
        if not missing:
            storages = arrange(graph, materialized, loops, needs.unblocked, target)
            stored = materialized.everything
            copied = [value for value in storages if value not in stored]
            loops, missing = build_nests(exprs, materialized, [*copied, *materialized.values], storages)
        if not missing:
            return Nests(materialized, storages, {v: loops.get(v, []) for v in (*copied, *materialized.values)})
        needs |= missing
