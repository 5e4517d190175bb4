"""What an elementwise primitive is, as formulas of sympy; derivatives follow by ``sympy.diff``.

A definition is a tuple of cells. On a cell the inputs are restricted (a > b, say) by a substitution of symbols that
carry the restriction, and the value is one formula, smooth in the inputs. The proof holds the formulas against the
primitives' own values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sympy

A, B, C, X = sympy.symbols("a b c x")
INPUTS: dict[tuple[str, ...], tuple[Any, ...]] = {("x",): (X,), ("a", "b"): (A, B), ("c", "a", "b"): (C, A, B)}

# what inputs are substituted by: any number, a positive one, one that is not 0, a whole one
R, S = sympy.symbols("r s", real=True)
P = sympy.Symbol("p", positive=True)
NONZERO = sympy.Symbol("q", real=True, nonzero=True)
N = sympy.Symbol("n", integer=True)


@dataclass(frozen=True)
class Cell:
    """A part of the domain on which the primitive is one smooth formula.

    Attributes:
        name: the restriction in words.
        y: the value, by the inputs' symbols.
        at: the inputs, by symbols that satisfy the restriction.
        by: the inputs by which there is a derivative here; all, where nothing is said.
    """

    name: str
    y: Any
    at: Mapping[Any, Any] = field(default_factory=dict)
    by: tuple[Any, ...] | None = None


def everywhere(y: Any) -> tuple[Cell, ...]:
    """One formula for all numbers."""
    return (Cell("everywhere", y, {A: R, B: S, X: R}),)


def above_zero(y: Any) -> tuple[Cell, ...]:
    """One formula, for x > 0."""
    return (Cell("x > 0", y, {X: P}),)


ORDERS = {
    "a < b": {A: R, B: R + P},
    "a = b": {A: R, B: R},
    "a > b": {A: R + P, B: R},
}


def compared(*values: bool) -> tuple[Cell, ...]:
    """A comparison: constant for a < b and for a > b; a = b is an edge, without a derivative."""
    pairs = zip(ORDERS.items(), values, strict=True)
    return tuple(Cell(name, sympy.sympify(y), at, () if name == "a = b" else None) for (name, at), y in pairs)
