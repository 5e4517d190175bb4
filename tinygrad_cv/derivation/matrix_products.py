"""Contractions that are products of two matrices."""

from __future__ import annotations

from typing import NamedTuple

from ..ops.contraction import parse


class MatrixProduct(NamedTuple):
    """Which operand comes first, and whether the first and the second are transposed."""

    first: int
    transposed: tuple[bool, bool]


def matrix_product(spec: str) -> MatrixProduct | None:
    """``ik,jk->ij`` is a bᵀ; None for other contractions."""
    groups = parse(spec)
    if not (len(groups.a) == len(groups.b) == len(groups.y) == 2 and len(groups.contracted) == 1):
        return None
    (k,) = groups.contracted
    first = 0 if groups.y[0] in groups.a else 1
    left, right = (groups.a, groups.b)[:: 1 - 2 * first]
    return MatrixProduct(first, (left[0] == k, right[1] == k))
