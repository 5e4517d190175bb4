"""What each elementwise primitive is, as a formula of sympy; derivatives follow by ``sympy.diff``.

A definition is a list of cells. On a cell the inputs are restricted (a > b, say) by a substitution of symbols that
carry the restriction, and the value is one formula, smooth in the inputs. Tests of the proof hold the formulas against
the primitives' own values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import sympy

A, B, C, X = sympy.symbols("a b c x")
INPUTS: dict[tuple[str, ...], tuple[Any, ...]] = {("x",): (X,), ("a", "b"): (A, B), ("c", "a", "b"): (C, A, B)}

_real = sympy.symbols("r s", real=True)
_nonzero = sympy.Symbol("q", real=True, nonzero=True)
_p, _q = sympy.symbols("p q", positive=True)
_n = sympy.Symbol("n", integer=True)


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


def _everywhere(y: Any, **at: Any) -> tuple[Cell, ...]:
    return (Cell("everywhere", y, {A: _real[0], B: _real[1], X: _real[0]}),)


_ORDERS = {
    "a < b": {A: _real[0], B: _real[0] + _p},
    "a = b": {A: _real[0], B: _real[0]},
    "a > b": {A: _real[0] + _p, B: _real[0]},
}


def _compared(*values: bool) -> tuple[Cell, ...]:
    """A comparison: constant for a < b and for a > b; a = b is an edge, without a derivative."""
    pairs = zip(_ORDERS.items(), values, strict=True)
    return tuple(Cell(name, sympy.sympify(y), at, () if name == "a = b" else None) for (name, at), y in pairs)


DEFINITIONS: dict[str, tuple[Cell, ...]] = {
    "neg": _everywhere(-X),
    "add": _everywhere(A + B),
    "sub": _everywhere(A - B),
    "mul": _everywhere(A * B),
    "times": (
        Cell("a ≠ 0", A * B, {A: _nonzero, B: _real[1]}),
        Cell("a = 0", A * B, {A: sympy.Integer(0), B: _real[1]}),
    ),
    "div": (Cell("b ≠ 0", A / B, {A: _real[0], B: _nonzero}),),
    "square": _everywhere(X**2),
    "sqrt": (Cell("x > 0", sympy.sqrt(X), {X: _p}),),
    "exp": _everywhere(sympy.exp(X)),
    "log": (Cell("x > 0", sympy.log(X), {X: _p}),),
    "sin": _everywhere(sympy.sin(X)),
    "cos": _everywhere(sympy.cos(X)),
    "tanh": _everywhere(sympy.tanh(X)),
    "erf": _everywhere(sympy.erf(X)),
    "floor": (Cell("between whole numbers", _n, {X: _n + 1 / (1 + _p)}),),
    "pow": (
        Cell("a > 0", A**B, {A: _p, B: _real[0]}),
        Cell("a < 0, b whole", A**B, {A: -_p, B: _n}, (A,)),  # by b it is defined at points only
        Cell("a = 0, b = 1", A, {A: sympy.Integer(0), B: sympy.Integer(1)}, (A,)),
        Cell("a = 0, b = 2", A**2, {A: sympy.Integer(0), B: sympy.Integer(2)}, (A,)),
        Cell("a = 0, b = 3", A**3, {A: sympy.Integer(0), B: sympy.Integer(3)}, (A,)),
        Cell("a = 0, b > 0", sympy.Integer(0), {A: sympy.Integer(0), B: _p}, (B,)),
    ),
    "maximum": (
        Cell("a < b", B, _ORDERS["a < b"]),
        Cell("a = b", (A + B) / 2, _ORDERS["a = b"]),  # half to each: the mean of both sides
        Cell("a > b", A, _ORDERS["a > b"]),
    ),
    "equal": _compared(False, True, False),
    "less": _compared(True, False, False),
    "less_equal": _compared(True, True, False),
    "where": (
        Cell("c", A, {C: sympy.true, A: _real[0], B: _real[1]}),
        Cell("not c", B, {C: sympy.false, A: _real[0], B: _real[1]}),
    ),
}


@cache
def derivative(name: str, cell: int, variable: Any) -> Any:
    """∂y / ∂variable on a cell, by sympy."""
    y = DEFINITIONS[name][cell].y
    if y in (sympy.true, sympy.false):  # a constant
        return sympy.Integer(0)
    return sympy.diff(y, variable).subs(list(DEFINITIONS[name][cell].at.items()), simultaneous=True)
