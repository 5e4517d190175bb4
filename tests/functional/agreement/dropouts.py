"""Dropout."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from tests.functional.agreement.row import Row, Samples


def rows() -> Iterator[Row]:
    """Only where nothing is random: the two libraries draw different numbers."""
    s = Samples("dropouts")
    for name, p, training in itertools.product(("dropout", "dropout2d"), (0.0, 0.3, 1.0), (True, False)):
        if not training or p in (0.0, 1.0):
            yield Row(name, (s.normal(2, 3, 4, 4),), {"p": p, "training": training})
