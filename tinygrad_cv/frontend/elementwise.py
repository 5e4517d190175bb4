"""Tensor methods that act on each element by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.errors import DTypeError
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import elementwise as ops
from ..ops.arrays import HALF
from .integers import counted, floor_divide, no_difference, power, remainder
from .precision import in_single
from .promotion import (
    DOUBLE,
    FLOAT,
    SCALARS,
    beyond,
    broadcast_shape,
    cast,
    check_dtype,
    expand,
    floating,
    given,
    number,
    operand,
    to_array,
    together,
)

ARRAYS = (np.ndarray, list, tuple)
PRODUCTS = (ops.mul, ops.times)  # a cotangent is multiplied, and then summed over the axes that are broadcast


def _binary(primitive: Any, a: Any, b: Any, swap: bool = False) -> Any:
    """Apply to two operands, of which the first is a tensor."""
    value = a._value
    if isinstance(b, Variable) and value.shape == b._value.shape and value.dtype == b._value.dtype:
        return apply(primitive, b, a) if swap else apply(primitive, a, b)
    if type(b) in (float, int) and value.dtype.kind == "f":
        b = expand(a._result(number(b, value.dtype)), value.shape)
    else:
        b = operand(b, a)
        if b is NotImplemented:
            return NotImplemented
        if primitive in PRODUCTS and a._value.dtype == b._value.dtype == HALF:
            return _halves(primitive, a, b, swap)
        a, b = together(primitive.name, a, b)
    return apply(primitive, b, a) if swap else apply(primitive, a, b)


def _elementary(primitive: Any, x: Any, converted: Callable[[Any], Any] = floating) -> Any:
    """Apply to one operand whose derivative takes several operations; ``converted`` says how integers take part."""
    dtype = x._value.dtype
    if dtype is not FLOAT:  # a quick look first
        if dtype == HALF:
            return cast(apply(primitive, cast(x, FLOAT)), HALF)
        x = converted(x)
    return apply(primitive, x)


def _divide(a: Any, b: Any, swap: bool = False) -> Any:
    whole = a._value.dtype.kind != "f"
    if whole and isinstance(b, SCALARS):
        a = floating(a)
    b = operand(b, a)
    if b is NotImplemented:
        return NotImplemented
    if whole and b._value.dtype.kind != "f":
        a, b = floating(a), floating(b)
    return _binary(ops.div, a, b, swap) if a._value.dtype != HALF else _halves(ops.div, a, b, swap)


_halves = in_single(_binary)


def _compare(primitive: Any, a: Any, b: Any, swap: bool = False) -> Any:
    """As ``_binary``; a number beyond an integer dtype's range is as good as infinite, and a float is not rounded."""
    if a._value.dtype.kind in "iu":
        if isinstance(b, (float, np.floating)):
            a, b = cast(a, DOUBLE), float(b)
        elif isinstance(b, (int, np.integer)) and (sign := beyond(b, a._value.dtype)):
            a, b = cast(a, DOUBLE), sign * math.inf
    return _binary(primitive, a, b, swap)


def turned(x: Any) -> Any:
    """-x; for integers and booleans, which may have no -x, another value that falls as x rises, and turns back."""
    kind = x._value.dtype.kind
    if kind == "b":
        return ~x
    return -x if kind == "f" else (np.iinfo(x._value.dtype).max if kind == "u" else -1) - x


class ElementwiseMethods(Variable):
    """Arithmetic, comparisons and elementary functions; NumPy names and broadcasting."""

    __slots__ = ()
    __hash__ = Variable.__hash__

    def __neg__(self) -> Any:
        if self._value.dtype.kind == "b":
            raise no_difference("-x")
        return apply(ops.neg, self)

    def __pos__(self) -> Any:
        return self.clone()

    def __add__(self, other: Any) -> Any:
        return _binary(ops.add, self, other)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return _subtract(self, other) if self._value.dtype.kind == "b" else _binary(ops.sub, self, other)

    def __rsub__(self, other: Any) -> Any:
        return _subtract(self, other, True) if self._value.dtype.kind == "b" else _binary(ops.sub, self, other, True)

    def __mul__(self, other: Any) -> Any:
        return _binary(ops.mul, self, other)

    __rmul__ = __mul__

    def times(self, other: Any) -> Any:
        """x · other, and 0 where x is 0 whatever the other is: how a derivative takes its cotangent."""
        return _binary(ops.times, self, other)

    def __truediv__(self, other: Any) -> Any:
        return _divide(self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return _divide(self, other, swap=True)

    def __floordiv__(self, other: Any) -> Any:
        """The quotient rounded down; 0 for integers where the divisor is 0."""
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else floor_divide(self, b)

    def __rfloordiv__(self, other: Any) -> Any:
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else floor_divide(b, self)

    def __mod__(self, other: Any) -> Any:
        """What the quotient rounded down leaves: x - b ⌊x / b⌋; 0 for integers where b is 0."""
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else remainder(self, b)

    def __rmod__(self, other: Any) -> Any:
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else remainder(b, self)

    def __pow__(self, exponent: Any) -> Any:
        """Powers; the frequent ones by their own primitives. Integers have no negative integer powers."""
        if isinstance(exponent, float):
            x = floating(self)
        elif isinstance(exponent, int) and not isinstance(exponent, bool):
            x = self
        else:
            return power(self, exponent)
        if exponent == 2:
            return x.square()
        if exponent == 1 and x._value.dtype.kind != "b":
            return x.clone() if x is self else x
        if exponent == 0.5:
            return x.sqrt()
        if exponent == -1 and x._value.dtype.kind == "f":
            return 1.0 / x
        return power(self, exponent)

    def __rpow__(self, base: Any) -> Any:
        base = operand(base, self)
        return NotImplemented if base is NotImplemented else power(base, self)

    def __eq__(self, other: Any) -> Any:
        return _compare(ops.equal, self, other)

    def __ne__(self, other: Any) -> Any:
        same = _compare(ops.equal, self, other)
        return NotImplemented if same is NotImplemented else ~same

    def __lt__(self, other: Any) -> Any:
        return _compare(ops.less, self, other)

    def __gt__(self, other: Any) -> Any:
        return _compare(ops.less, self, other, swap=True)

    def __le__(self, other: Any) -> Any:
        return _compare(ops.less_equal, self, other)

    def __ge__(self, other: Any) -> Any:
        return _compare(ops.less_equal, self, other, swap=True)

    def __and__(self, other: Any) -> Any:
        """Logical and, of booleans."""
        return _binary(ops.mul, _boolean("&", self), _boolean("&", operand(other, self)))

    def __or__(self, other: Any) -> Any:
        """Logical or, of booleans."""
        return _binary(ops.add, _boolean("|", self), _boolean("|", operand(other, self)))

    __rand__, __ror__ = __and__, __or__

    def __invert__(self) -> Any:
        """Logical not, of booleans."""
        return _binary(ops.equal, _boolean("~", self), False)

    def __abs__(self) -> Any:
        """|x|, with derivative 0 at 0."""
        if self._value.dtype.kind == "b":
            return self.clone()
        return (self == 0).where(0, (self < 0).where(-self, self))

    abs = __abs__

    def sign(self) -> Any:
        """-1, 0 or 1; of a boolean, itself."""
        if self._value.dtype.kind == "b":
            return self.clone()
        return (0 < self).astype(self._value.dtype) - (self < 0).astype(self._value.dtype)

    def square(self) -> Any:
        """x²"""
        return _elementary(ops.square, self, counted)

    def sqrt(self) -> Any:
        """√x"""
        return _elementary(ops.sqrt, self)

    def exp(self) -> Any:
        """eˣ"""
        return _elementary(ops.exp, self)

    def log(self) -> Any:
        """The natural logarithm."""
        return _elementary(ops.log, self)

    def sin(self) -> Any:
        """sin x, x in radians"""
        return _elementary(ops.sin, self)

    def cos(self) -> Any:
        """cos x, x in radians"""
        return _elementary(ops.cos, self)

    def tanh(self) -> Any:
        """tanh x"""
        return _elementary(ops.tanh, self)

    def erf(self) -> Any:
        """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
        return _elementary(ops.erf, self)

    @in_single
    def sigmoid(self) -> Any:
        """1 / (1 + exp(-x)), right to the last digits on both sides."""
        x = floating(self)
        below = x < 0
        e = below.where(x, -x).exp()  # never above 1
        return below.where(e, 1.0) / (1.0 + e)

    def relu(self) -> Any:
        """max(x, 0): derivative 0 at 0, and NaN stays NaN."""
        return (self <= 0).where(0, self)

    def floor(self) -> Any:
        """The largest integer not above x; its derivative is 0."""
        return apply(ops.floor, self) if self._value.dtype.kind == "f" else self.clone()

    def maximum(self, other: Any) -> Any:
        """The larger of two; at a tie each gets half of the gradient. NaN wins."""
        return _binary(ops.maximum, self, given("maximum", other, self))

    def minimum(self, other: Any) -> Any:
        """The smaller of two; at a tie each gets half of the gradient. NaN wins."""
        a, b = together("minimum", self, given("minimum", other, self))
        return turned(turned(a).maximum(turned(b)))

    def clip(self, low: Any = None, high: Any = None) -> Any:
        """x held between bounds; the derivative is 1 inside and at the bounds, 0 outside."""
        x = self.clone() if low is high is None else self
        if low is not None:
            x = (x < low).where(low, x)
        if high is not None:
            x = (high < x).where(high, x)
        return x

    def where(self, a: Any, b: Any) -> Any:
        """``a`` where this condition holds, else ``b``; the branch not taken adds exactly nothing to the gradient."""
        condition = _boolean("where", self)
        if not isinstance(a, Variable) and not isinstance(b, Variable):
            a, b = _branches(condition, a, b)
        like = a if isinstance(a, Variable) else b
        a, b = together("where", given("where", a, like), given("where", b, like))
        shape = broadcast_shape("where", condition, a)
        condition, a, b = (expand(tensor, shape) for tensor in (condition, a, b))
        return apply(ops.where, condition, a, b)

    def astype(self, dtype: Any) -> Any:
        """A copy of the values in a dtype; between floats the gradient goes through."""
        dtype = check_dtype(dtype)
        return self.clone() if dtype == self._value.dtype else cast(self, dtype)

    def isnan(self) -> Any:
        """Where x is NaN."""
        return self != self  # noqa: PLR0124 (only NaN differs from itself)

    def isfinite(self) -> Any:
        """Where x is neither NaN nor infinite."""
        return abs(self) < math.inf


def _subtract(a: Any, b: Any, swap: bool = False) -> Any:
    b = operand(b, a)
    if b is not NotImplemented and b._value.dtype.kind == "b":
        raise no_difference("a - b")
    return _binary(ops.sub, a, b, swap)


def _branches(condition: Any, a: Any, b: Any) -> tuple[Any, Any]:
    """Two branches of which neither is a tensor: arrays keep their dtypes, and so does a number beside a number."""
    own = SCALARS if isinstance(a, SCALARS) and isinstance(b, SCALARS) else ARRAYS
    a, b = (condition._result(to_array(x)) if isinstance(x, own) else x for x in (a, b))
    like = next((x for x in (a, b) if isinstance(x, Variable)), condition._result(np.zeros((), FLOAT)))
    return given("where", a, like), given("where", b, like)


def _boolean(op: str, x: Any) -> Any:
    if isinstance(x, Variable) and x._value.dtype.kind != "b":
        raise DTypeError(f"{op} of a tensor of dtype {x._value.dtype}: it takes booleans. Compare first: (x != 0).")
    return x
