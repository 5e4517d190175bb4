"""Materialized values, their storages and their loop nests, found together as a fixed point.

Building a nest may show that something else is needed (nests.py). All decisions are then made again with these needs,
until there is no new one. Needs only grow, so this terminates. Nests that new decisions do not touch are kept.
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
    last: Nests | None = None
    while True:
        materialized = materialize(graph, needs)
        loops, missing = build_nests(exprs, materialized, materialized.contractions, {})
        if not missing:
            storages = arrange(graph, materialized, loops, needs.unblocked, target)
            stored = materialized.everything
            wanted = [*(value for value in storages if value not in stored), *materialized.values]
            known: dict[Value, list[Nest]] = {}
            if last is not None:
                storages = {value: _kept(storage, last.storages.get(value)) for value, storage in storages.items()}
                anew = _touched(graph, last, Nests(materialized, storages, {}))
                known = {value: last.loops[value] for value in wanted if value in last.loops and value not in anew}
            loops, missing = build_nests(exprs, materialized, [v for v in wanted if v not in known], storages)
            loops |= known
            last = Nests(materialized, storages, loops)
            if not missing:
                return Nests(materialized, storages, {value: loops.get(value, []) for value in wanted})
        needs |= missing


def _kept(storage: Storage, old: Storage | None) -> Storage:
    """The old storage where it is the same: nests that are kept load its value."""
    return old if old is not None and (old.axis, old.block) == (storage.axis, storage.block) else storage


def _touched(graph: Graph, last: Nests, now: Nests) -> set[Value]:
    """The values whose elements are computed otherwise than before, because of another decision."""
    old, new = last.materialized, now.materialized
    stored = new.everything
    touched = old.everything ^ stored
    touched |= old.hosted ^ new.hosted
    touched |= {v for v in {**last.storages, **now.storages} if last.storages.get(v) is not now.storages.get(v)}
    for part in {**old.regions, **new.regions}:
        if (before := old.regions.get(part)) != (region := new.regions.get(part)):
            touched |= {part, *(r.whole for r in (before, region) if r is not None)}
    decided = frozenset(touched)
    for value in graph.values():
        if any(arg in decided or (arg in touched and arg not in stored) for arg in value.args):
            touched.add(value)
    return touched
