"""Loops over neighbouring memory that run as one: where all index maps are contiguous across them.

    for j < 56, k < 56:  x[j, k]  →  for k < 3136:  x[0, k]

The one loop has whole vectors where the two had a part of a vector in each row, and begins once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from .affine import Affine, Var


def collapse(loops: Sequence[Var], maps: Iterable[Affine]) -> dict[Var, tuple[Var, ...]]:
    """The loops that are left, each with the next outer ones that it replaces; all of them outermost first.

    Args:
        maps: whatever depends on the loops' variables: offsets in memory, places, conditions.
    """
    maps = list(maps)
    left: dict[Var, tuple[Var, ...]] = {}
    inner: Var | None = None
    for var in reversed(loops):
        if inner is not None and all(runs_on(m, var, inner, left[inner]) for m in maps):
            left[inner] = (var, *left[inner])
        else:
            inner, left[var] = var, ()
    return dict(reversed(left.items()))


def runs_on(affine: Affine, outer: Var, inner: Var, between: Iterable[Var]) -> bool:
    """Whether a step of the outer loop is as far as the inner one runs, with those that it replaces already."""
    return affine.coefficient(outer) == extent(inner, between) * affine.coefficient(inner)


def extent(var: Var, replaced: Iterable[Var]) -> int:
    """The range of a loop that replaces others."""
    return var.extent * math.prod(v.extent for v in replaced)
