"""Concatenations in place: each part is stored in its range of the memory of the whole.

What is joined need not be copied then. A concatenation whose parts lie side by side in the memory of a larger one, in
its order, is a range of that memory: it is not computed at all.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

from ...ir.graph import CONSTANT, INPUT, Value

RUN = 16  # elements of a part side by side in memory: at least, or in the mean where each part lies in one piece


class Region(NamedTuple):
    """A range of an axis of another value, in whose memory a value lies."""

    whole: Value
    axis: int
    start: int


Regions = Mapping[Value, Region]


def join(
    values: Iterable[Value], stored: Collection[Value], apart: Collection[Value]
) -> tuple[dict[Value, Region], set[Value]]:
    """The regions of values, and those of them that are not computed, since their parts lie side by side.

    Args:
        stored: values that are materialized.
        apart: values that must have memory of their own.
    """
    wholes = [v for v in values if v.op == "concatenate" and v not in apart and _is_cheap(v, stored, apart)]
    regions: dict[Value, Region] = {}
    views: set[Value] = set()
    for whole in sorted(wholes, key=lambda value: (-value.size, -value.number)):
        if whole not in regions and (region := _run(whole, regions)):
            regions[whole] = region
            views.add(whole)
            continue
        for part, region in parts_of(whole):
            if part not in regions and _can_move(part, apart):
                regions[part] = region
    return regions, views


def parts_of(whole: Value) -> Iterator[tuple[Value, Region]]:
    """The parts of a concatenation, each with its region."""
    axis, start = whole.params["axis"], 0
    for part in whole.args:
        yield part, Region(whole, axis, start)
        start += part.shape[axis]


def unplaced(whole: Value, regions: Regions) -> Iterator[tuple[Value, Region]]:
    """The parts of a concatenation that lie elsewhere, and are copied."""
    for part, region in parts_of(whole):
        if regions.get(part) != region:
            yield part, region


def root(value: Value, regions: Regions) -> Value:
    """The value whose memory holds this one."""
    while value in regions:
        value = regions[value].whole
    return value


def _can_move(part: Value, apart: Collection[Value]) -> bool:
    return part.op not in (INPUT, CONSTANT) and part not in apart


def _is_cheap(whole: Value, stored: Collection[Value], apart: Collection[Value]) -> bool:
    """Whether it is materialized anyway, or half of it can be stored in place of what is.

    Not where the parts take turns in memory, or are short by and large: they are computed at once then, and their
    vectors interleaved.
    """
    axis = whole.params["axis"]
    turns = math.prod(whole.shape[:axis]) > 1
    run = min(part.shape[axis] for part in whole.args) if turns else whole.shape[axis] / len(whole.args)
    if run * math.prod(whole.shape[axis + 1 :]) < RUN:
        return False
    if whole in stored:
        return True
    free = sum(part.size for part in set(whole.args) if part in stored and _can_move(part, apart))
    return 2 * free >= whole.size


def _run(whole: Value, regions: Regions) -> Region | None:
    """The region of a concatenation whose parts lie side by side; None if they do not."""
    first = regions.get(whole.args[0])
    if first is None or first.axis != whole.params["axis"]:
        return None
    for part, region in parts_of(whole):
        if regions.get(part) != region._replace(whole=first.whole, start=first.start + region.start):
            return None
    return first
