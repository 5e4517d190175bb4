"""Borders and crops."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.functional.agreement.row import Row, Samples

SIZES = {1: (6,), 2: (5, 6), 3: (4, 3, 5)}
WIDTHS: dict[int, list[tuple[int, ...]]] = {
    1: [(1, 2), (3, 0), (5, 5), (-1, 2), (2, -2), (-2, -1), (0, 0)],
    2: [(1, 2, 3, 0), (0, 0, 4, 4), (-1, 2, 1, -2), (5, 5, 0, 0), (-2, -1, -1, -1)],
    3: [(1, 2, 2, 0, 1, 3), (0, 0, 0, 0, 3, 0), (-1, 2, 1, -1, 0, -2)],
}


def rows() -> Iterator[Row]:
    s = Samples("paddings")
    for dims, size in SIZES.items():
        for pad, mode, lead in itertools.product(
            WIDTHS[dims], ("constant", "reflect", "replicate", "circular"), ((2, 3), (3,))
        ):
            options: dict[str, Any] = {"pad": pad, "mode": mode}
            yield Row("pad", (s.normal(*lead, *size),), options)
    for value in (0.0, 2, -1.5, None):
        yield Row("pad", (s.normal(2, 3), (1, 2)), {"value": value})
        yield Row("pad", (s.normal(2, 3), (1, 2, 0, 1)), {"value": value}, note="all axes")
        everywhere = (1, -1, 0, 1, 1, 0, 2, 2, -1, 0)
        arguments = (s.normal(2, 1, 2, 3, 2), everywhere, "constant", value)
        yield Row("pad", arguments, note=f"by place, {value}")
    yield Row("pad", (s.normal(4), [2, 1]), note="a row")
    yield Row("pad", (s.normal(4), ()), note="nothing")
