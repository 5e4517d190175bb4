"""Where in the arena values lie, which all of a program's values share."""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from ...ir.graph import Value
from .layout import Layout
from .lives import Lives, nbytes


def place(lives: Lives, layouts: Mapping[Value, Layout]) -> tuple[dict[Value, int], int]:
    """Byte offsets in the arena such that values that are live at the same time do not overlap; and its size.

    The zeros of a halo are there from the start, and never written: so values with a halo share memory only with values
    of the same layout.
    """
    offsets: dict[Value, int] = {}
    taken: list[tuple[int, int, int, int]] = []  # start and end, first and last step; by start
    size = 0
    slots: dict[Any, list[list[int]]] = defaultdict(list)  # for each layout with a halo: [offset, last step]
    for value, (start, last) in sorted(lives.items(), key=lambda item: (item[1][0], -item[0].number)):
        layout = layouts[value]
        if not layout.halo:
            continue
        key = (layout.shape, layout.low, layout.high, layout.dtype)
        slot = next((s for s in slots[key] if s[1] < start), None)
        if slot is None:
            slot = [size, last]
            slots[key].append(slot)
            size += nbytes(layout)
        slot[1] = last
        offsets[value] = slot[0]
    base = size
    for value, (start, last) in sorted(lives.items(), key=lambda item: -layouts[item[0]].size):
        if value in offsets:
            continue
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
