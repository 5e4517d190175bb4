"""Elementwise primitives: the VJP equals g times the derivative of the definition, as formulas.

On every cell of a primitive's domain, and for each input x,

    vjp(g, ...) - g ∂y/∂x = 0

is shown by sympy: the VJP's own function is called with formulas in place of tensors, the derivative is
``sympy.diff`` of the definition, and the difference is simplified to 0. First the definition is held against the
primitive's own values, so that it is the primitive's and not another function's.

VJPs consist of the same primitives, whose derivatives are proved alike: so derivatives of every order are proved.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import sympy

from tests.primitives.formulas import INPUTS, Cell
from tests.primitives.row import SEED
from tests.primitives.table import ROWS
from tests.proof.calls.gradient import value
from tests.proof.checks.stand_in import COTANGENT, Expression
from tests.proof.outcome import Outcome, Wrong, attempt
from tinygrad_cv.core.primitive import OUTPUT
from tinygrad_cv.ops import PRIMITIVES

POINTS = 8
ULPS = 4  # what NumPy promises of its elementary functions
DIGITS = 30


def outcomes(name: str, seed: int = SEED) -> Iterator[Outcome]:
    """For each cell: the VJP of each input, and the definition."""
    for number, cell in enumerate(ROWS[name].formula):
        symbols = INPUTS[PRIMITIVES[name].inputs]
        by = symbols if cell.by is None else cell.by
        for i, x in enumerate(symbols):
            if x in by and str(x) != "c":
                case = f"∂y/∂{x}, {cell.name}"
                yield attempt(name, "symbolic", case, _derivative, name, number, i, x, seed)
        yield attempt(name, "symbolic", f"definition, {cell.name}", _definition, name, cell, seed)


def _derivative(name: str, number: int, i: int, x: Any, seed: int) -> float:
    cell = ROWS[name].formula[number]
    expected = COTANGENT * derivative(name, number, x)
    found = _vjp(name, cell, i)
    if not _zero(found - expected, seed):
        raise Wrong(f"the VJP is {found}, the derivative of the definition {expected}")
    return 0.0


@cache
def derivative(name: str, number: int, variable: Any) -> Any:
    """∂y / ∂variable on a cell, by sympy."""
    cell = ROWS[name].formula[number]
    if cell.y in (sympy.true, sympy.false):  # a constant
        return sympy.Integer(0)
    return sympy.diff(cell.y, variable).subs(list(cell.at.items()), simultaneous=True)


def _vjp(name: str, cell: Cell, i: int) -> Any:
    """What the table's own function returns for formulas; 0 where the table says that there is no derivative."""
    primitive = PRIMITIVES[name]
    vjp = primitive.vjp(i)
    if vjp is None:
        return sympy.Integer(0)
    inputs = _inputs(name, cell)

    def read(source: Any) -> Any:
        if source == OUTPUT:
            return Expression(_value(cell))
        at, attribute = source
        if attribute != "value":
            raise Wrong(f"the VJP reads the {attribute} of an input; that is no formula")
        return Expression(inputs[at])

    result = vjp.function(Expression(COTANGENT), *[read(source) for _, source in vjp.reads])
    if not isinstance(result, Expression):
        raise Wrong(f"the VJP returns {result!r}, which is not a tensor")
    return result.value


def _inputs(name: str, cell: Cell) -> list[Any]:
    return [cell.at[x] for x in INPUTS[PRIMITIVES[name].inputs]]


def _value(cell: Cell) -> Any:
    return cell.y.subs(list(cell.at.items()), simultaneous=True)


def _zero(difference: Any, seed: int) -> bool:
    """Whether a formula is 0: surely not, if it is not at some point; else as far as sympy can show."""
    point = {symbol: _draw(symbol, np.random.default_rng(seed + k)) for k, symbol in enumerate(_free(difference))}
    if not abs(sympy.N(difference.subs(point), DIGITS)) < 10.0 ** (DIGITS // -2):
        return False
    return bool(sympy.simplify(difference) == 0)


def _free(formula: Any) -> list[Any]:
    return sorted(formula.free_symbols, key=str)


def _draw(symbol: Any, rng: np.random.Generator) -> Any:
    """A number that satisfies a symbol's restriction, exact in binary."""
    if symbol.is_integer:
        return sympy.Integer(int(rng.integers(-3, 4)))
    size = sympy.Rational(int(rng.integers(256, 1024)), 512)
    return size if symbol.is_positive or rng.random() < 0.5 else -size


def _definition(name: str, cell: Cell, seed: int) -> float:
    """The formula against the primitive's own values, in float64."""
    rng = np.random.default_rng(seed)
    worst = 0.0
    for _ in range(POINTS):
        point: dict[Any, Any] = {}
        for formula in _inputs(name, cell):
            point |= {symbol: _draw(symbol, rng) for symbol in _free(formula) if symbol not in point}
        arrays = [_array(formula.subs(point)) for formula in _inputs(name, cell)]
        exact = {x: sympy.sympify(v.item()) for x, v in zip(INPUTS[PRIMITIVES[name].inputs], arrays, strict=True)}
        expected = _array(cell.y.subs({**exact, **point}))
        found = value(PRIMITIVES[name], arrays, {})
        error = abs(float(found) - float(expected)) / (ULPS * np.finfo(float).eps * max(1.0, abs(float(expected))))
        if error > 1.0:
            raise Wrong(f"at {', '.join(map(str, arrays))} the primitive is {found}, its definition {expected}", error)
        worst = max(worst, error)
    return worst


def _array(formula: Any) -> np.ndarray:
    return np.array(bool(formula) if formula in (sympy.true, sympy.false) else float(sympy.N(formula, DIGITS)))
