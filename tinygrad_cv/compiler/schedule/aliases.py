"""Stored values that have no memory of their own: reshapes of others, and parts of concatenations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...ir.graph import Value
from .join import Region, parts_of, unplaced
from .materialize import Materialized
from .storage import Storage


@dataclass
class Aliases:
    """Whose memory a stored value is, and what is in it.

    Attributes:
        reshapes: each with the value whose memory it is.
        regions: values that lie in the memory of another, each with its place there.
        parts: of values in whose memory others lie, all values that kernels store there.
    """

    reshapes: dict[Value, Value] = field(default_factory=dict)
    regions: dict[Value, Region] = field(default_factory=dict)
    parts: dict[Value, tuple[Value, ...]] = field(default_factory=dict)

    def __contains__(self, value: Value) -> bool:
        return value in self.reshapes or value in self.regions

    def base(self, value: Value) -> Value:
        """The value whose memory holds this one."""
        value = self.reshapes.get(value, value)
        while value in self.regions:
            value = self.regions[value].whole
        return value

    def within(self, value: Value) -> list[tuple[Value, Region]]:
        """The value and those that it lies in, each with its region, the smallest first."""
        links = []
        while value in self.regions:
            links.append((value, self.regions[value]))
            value = self.regions[value].whole
        return links

    def makers(self, value: Value) -> tuple[Value, ...]:
        """The values that are stored where this one is read."""
        value = self.reshapes.get(value, value)
        return self.parts.get(value, (value,))

    def shifted(self, value: Value) -> set[int]:
        """The axes along which indices of a value are not those of its base."""
        return {region.axis for _, region in self.within(value)}


def aliases_of(materialized: Materialized, storages: Mapping[Value, Storage]) -> Aliases:
    """The aliases among stored values."""

    def stored(value: Value) -> Value:
        return storages[value].value if value in storages else value

    regions = {}
    for value, (whole, axis, start) in materialized.regions.items():
        if whole in storages:
            axis, start = storages[whole].range_of(axis, start)
        regions[stored(value)] = Region(stored(whole), axis, start)
    wholes = {region.whole for region in materialized.regions.values()} | materialized.views
    parts: dict[Value, tuple[Value, ...]] = {}
    for whole in sorted(wholes, key=lambda value: value.number):  # smaller numbers first: parts of parts are known
        made: list[Value] = []
        for part, _ in parts_of(whole):
            if part in materialized.regions:
                made.extend(parts.get(stored(part), (stored(part),)))
        if whole not in materialized.views and any(True for _ in unplaced(whole, materialized.regions)):
            made.append(stored(whole))
        parts[stored(whole)] = tuple(dict.fromkeys(made))
    return Aliases(dict(materialized.aliases), regions, parts)
