"""All rows: the grids of the families, and calls that Hypothesis draws."""

from __future__ import annotations

from tests.functional.agreement import (
    activations,
    convolutions,
    distances,
    dropouts,
    encodings,
    losses,
    normalizations,
    paddings,
    poolings,
    rearrangements,
    regions,
    resamplings,
    samplings,
    sequences,
)
from tests.functional.agreement.compare import leaves_of
from tests.functional.agreement.row import Row

FAMILIES = (
    activations,
    convolutions,
    poolings,
    paddings,
    regions,
    rearrangements,
    resamplings,
    samplings,
    normalizations,
    losses,
    sequences,
    distances,
    encodings,
    dropouts,
)


def rows() -> list[Row]:
    """The grids, family by family. Each row has an id of its own."""
    return [row for family in FAMILIES for row in family.rows()]


def without_derivative() -> set[str]:
    """The functionals of integers alone."""
    found = rows()
    return {row.name for row in found} - {row.name for row in found if leaves_of(row)}
