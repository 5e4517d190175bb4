"""What is stored, how it is arranged, and the loops that compute it, decided together.

A definition may need more than was decided before (nests.py). Then everything is decided again with what was learned,
until nothing is missing; what was learned only grows, so this ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...ir.graph import Graph, Value
from .arrange import arrange
from .expr import Exprs
from .nest import Nest
from .nests import define
from .storage import Storage
from .store import Needs, Stored, store

if TYPE_CHECKING:
    from ..runtime.target import Target


@dataclass
class Nests:
    """Everything that has memory: inputs, constants and outputs that are copied, and the values of ``stored``.

    Attributes:
        storages: of values that are not row-major.
        loops: of each value, in order; none where NumPy computes it.
    """

    stored: Stored
    storages: dict[Value, Storage]
    loops: dict[Value, list[Nest]]

    @property
    def flat(self) -> list[Nest]:
        """All nests, in the order of their values."""
        return [nest for nests in self.loops.values() for nest in nests]


def settle(exprs: Exprs, graph: Graph, target: Target, on_host: Callable[[Value], bool]) -> Nests:
    """Store, arrange and define, again and again, until no definition needs anything more."""
    needs = Needs(hosted={value for value in graph.values() if on_host(value)})
    while True:
        stored = store(graph, needs)
        storages: dict[Value, Storage] = {}
        loops, missing = define(exprs, stored, stored.contractions, storages)
        if not missing:
            storages = arrange(graph, stored, loops, needs.whole, target)
            copied = [value for value in storages if value not in stored.everything]
            loops, missing = define(exprs, stored, [*copied, *stored.values], storages)
        if not missing:
            return Nests(stored, storages, {v: loops.get(v, []) for v in (*copied, *stored.values)})
        needs |= missing
