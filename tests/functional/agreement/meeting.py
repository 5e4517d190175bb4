"""Of a grid of rows those in which every two values meet that meet somewhere in it, for what costs much a row."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from tests.functional.agreement.row import Fixed, Row

Value = tuple[str, Hashable]  # a parameter and what is given for it


def meeting(rows: Sequence[Row]) -> list[Row]:
    """Rows of one functional in which each two values of two parameters occur together if they do in the given rows.

    Of arrays what counts is the shape, the kind of dtype, and whether they are differentiated by; each note occurs too.
    A row with most of what is missing comes next, so they are few.
    """
    holds = [_pairs(row) for row in rows]
    missing, chosen = frozenset[Any]().union(*holds), set()
    while missing:
        best = max(range(len(rows)), key=lambda i: len(holds[i] & missing))
        chosen.add(best)
        missing -= holds[best]
    return [rows[i] for i in sorted(chosen)]


def _pairs(row: Row) -> frozenset[Any]:
    values = [*_values(row)]
    return frozenset([*map(frozenset, itertools.combinations(values, 2)), *values, ("note", row.note)])


def _values(row: Row) -> list[Value]:
    named = [(str(place), value) for place, value in enumerate(row.arguments)] + [*row.options.items()]
    return [(name, _word(value)) for name, value in named]


def _word(value: Any) -> Hashable:
    if isinstance(value, (Fixed, np.ndarray)):
        array = value.array if isinstance(value, Fixed) else value
        return isinstance(value, Fixed), array.shape, array.dtype.kind
    return type(value), (tuple(map(_word, value)) if isinstance(value, list) else str(value))
