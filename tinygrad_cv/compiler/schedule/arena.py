"""Where in the arena values lie, which all of a program's values share."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from ...ir.graph import Value
from .kernel import Plan
from .layout import Layout
from .lives import Lives, lives_of, nbytes


def size_of(plan: Plan) -> int:
    """The size of the arena of a plan."""
    return place(lives_of(plan), plan.layouts, plan.cleared)[1]


def place(
    lives: Lives, layouts: Mapping[Value, Layout], cleared: Collection[Value] = ()
) -> tuple[dict[Value, int], int]:
    """Byte offsets in the arena such that values that are live at the same time do not overlap; and its size.

    The zeros of a halo that is not cleared are there from the start, and never written: so such values share memory
    only with values of the same layout.
    """
    fixed = {value: span for value, span in lives.items() if layouts[value].halo and value not in cleared}
    free = {value: span for value, span in lives.items() if value not in fixed}
    offsets, base = _slots(fixed, layouts)
    orders: list[Callable[[Value], float]] = [  # the largest first, or those that are so for long
        lambda value: nbytes(layouts[value]),
        lambda value: nbytes(layouts[value]) * (lives[value][1] - lives[value][0] + 1),
    ]
    found = [_fitted(sorted(free, key=order, reverse=True), lives, layouts, base) for order in orders]
    fitted, size = min(found, key=lambda one: one[1])
    return offsets | fitted, size


def _slots(lives: Lives, layouts: Mapping[Value, Layout]) -> tuple[dict[Value, int], int]:
    """Offsets of values of which only those of the same layout share memory; and the size of that."""
    offsets: dict[Value, int] = {}
    size = 0
    slots: dict[Any, list[list[int]]] = defaultdict(list)  # for each layout with a halo: [offset, last step]
    for value, (start, last) in sorted(lives.items(), key=lambda item: (item[1][0], -item[0].number)):
        layout = layouts[value]
        key = (layout.shape, layout.low, layout.high, layout.dtype)
        slot = next((s for s in slots[key] if s[1] < start), None)
        if slot is None:
            slot = [size, last]
            slots[key].append(slot)
            size += nbytes(layout)
        slot[1] = last
        offsets[value] = slot[0]
    return offsets, size


def _fitted(
    values: Iterable[Value], lives: Lives, layouts: Mapping[Value, Layout], base: int
) -> tuple[dict[Value, int], int]:
    """Offsets from ``base`` on, each the lowest that those before leave free; and where all of them end."""
    offsets: dict[Value, int] = {}
    taken: list[tuple[int, int, int, int]] = []  # start and end, first and last step; by start
    size = base
    for value in values:
        start, last = lives[value]
        need = nbytes(layouts[value])
        at = base
        for low, high, one, other in taken:
            if at + need <= low:
                break
            if at < high and one <= last and other >= start:
                at = high
        offsets[value] = at
        insort(taken, (at, at + need, start, last))
        size = max(size, at + need)
    return offsets, size
