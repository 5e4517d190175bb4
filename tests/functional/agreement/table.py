"""All rows: the grids of the families, and calls that Hypothesis draws."""

from __future__ import annotations

from tests.functional.agreement import (
    activations,
    convolutions,
    distances,
    dropouts,
    losses,
    normalizations,
    poolings,
    rearrangements,
    resamplings,
    sequences,
)
from tests.functional.agreement.row import Row

FAMILIES = (
    activations,
    convolutions,
    poolings,
    rearrangements,
    resamplings,
    normalizations,
    losses,
    sequences,
    distances,
    dropouts,
)


def rows() -> list[Row]:
    """The grids, family by family. Each row has an id of its own."""
    return [row for family in FAMILIES for row in family.rows()]
