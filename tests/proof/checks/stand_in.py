"""A stand-in for a tensor in the VJPs of elementwise primitives: its value is an expression of sympy.

``times`` is the plain product, but for a first factor that is 0 as a formula: what it does where a value happens to be
0 beside an infinity or a NaN is a matter of values, not of formulas.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import sympy

from tests.proof.outcome import Wrong

COTANGENT = sympy.Symbol("g", real=True)
DENOMINATOR = 1024  # floats that are such fractions stand for themselves


class Expression:
    """One element, as a formula; a condition has the value true or false."""

    __slots__ = ("value",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any):
        self.value = value

    def __neg__(self) -> Expression:
        return Expression(-self.value)

    def __add__(self, other: Any) -> Expression:
        return Expression(self.value + exact(other))

    def __sub__(self, other: Any) -> Expression:
        return Expression(self.value - exact(other))

    def __rsub__(self, other: Any) -> Expression:
        return Expression(exact(other) - self.value)

    def __mul__(self, other: Any) -> Expression:
        return Expression(self.value * exact(other))

    __radd__, __rmul__ = __add__, __mul__

    def times(self, other: Any) -> Expression:
        return self if self.value == 0 else self * other

    def __truediv__(self, other: Any) -> Expression:
        return Expression(self.value / exact(other))

    def __rtruediv__(self, other: Any) -> Expression:
        return Expression(exact(other) / self.value)

    def __pow__(self, other: Any) -> Expression:
        return Expression(self.value ** exact(other))

    def __rpow__(self, other: Any) -> Expression:
        return Expression(exact(other) ** self.value)

    def __eq__(self, other: Any) -> Expression:  # type: ignore[override]
        return Expression(sympy.Eq(self.value, exact(other)))

    def __ne__(self, other: Any) -> Expression:  # type: ignore[override]
        return Expression(sympy.Ne(self.value, exact(other)))

    def __lt__(self, other: Any) -> Expression:
        return Expression(sympy.Lt(self.value, exact(other)))

    def __le__(self, other: Any) -> Expression:
        return Expression(sympy.Le(self.value, exact(other)))

    def __gt__(self, other: Any) -> Expression:
        return Expression(sympy.Gt(self.value, exact(other)))

    def __ge__(self, other: Any) -> Expression:
        return Expression(sympy.Ge(self.value, exact(other)))

    def __and__(self, other: Any) -> Expression:
        return Expression(sympy.And(self.value, exact(other)))

    def __or__(self, other: Any) -> Expression:
        return Expression(sympy.Or(self.value, exact(other)))

    def __invert__(self) -> Expression:
        return Expression(sympy.Not(self.value))

    def where(self, a: Any, b: Any) -> Expression:
        """The branch; a cell of the domain decides every condition on which something depends.

        A condition on the cotangent is never decided: a VJP is linear in it.
        """
        if exact(a) == exact(b) and COTANGENT not in self.value.free_symbols:
            return Expression(exact(a))
        if self.value not in (sympy.true, sympy.false):
            raise Wrong(f"the VJP branches on {self.value}, which is open here")
        return Expression(exact(a if self.value == sympy.true else b))

    def maximum(self, other: Any) -> Expression:
        return Expression(sympy.Max(self.value, exact(other)))

    def square(self) -> Expression:
        return Expression(self.value**2)

    def sqrt(self) -> Expression:
        return Expression(sympy.sqrt(self.value))

    def exp(self) -> Expression:
        return Expression(sympy.exp(self.value))

    def log(self) -> Expression:
        return Expression(sympy.log(self.value))

    def sin(self) -> Expression:
        return Expression(sympy.sin(self.value))

    def cos(self) -> Expression:
        return Expression(sympy.cos(self.value))

    def tanh(self) -> Expression:
        return Expression(sympy.tanh(self.value))

    def erf(self) -> Expression:
        return Expression(sympy.erf(self.value))

    def floor(self) -> Expression:
        return Expression(sympy.floor(self.value))


def exact(value: Any) -> Any:
    """What an operand stands for."""
    return value.value if isinstance(value, Expression) else value if _symbolic(value) else _number(value)


def _symbolic(value: Any) -> bool:
    return isinstance(value, sympy.Basic)


@cache
def _number(value: float) -> Any:
    """A float as the number that it is the rounding of: a short fraction, or one that √π makes; else itself."""
    fraction = sympy.Rational(value)
    if fraction.q <= DENOMINATOR:
        return fraction
    found = sympy.nsimplify(value, [sympy.sqrt(sympy.pi)])
    return found if found.has(sympy.pi) and float(found) == value else fraction
