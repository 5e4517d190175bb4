"""Tensor methods that act on each element by itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import DTypeError
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import elementwise as ops
from ..ops.arrays import HALF
from .forward import Tensor
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

if TYPE_CHECKING:
    from ..core.primitive import Primitive
    from .typing import DTypeLike, TensorLike

ARRAYS = (np.ndarray, list, tuple)
PRODUCTS = (ops.mul, ops.times)  # their VJPs multiply the cotangent and then sum it over broadcast axes


def _binary(primitive: Primitive, a: Tensor, b: TensorLike, swap: bool = False) -> Tensor:
    """Apply a primitive to a tensor and another operand."""
    value = a._value
    if isinstance(b, Tensor) and value.shape == b._value.shape and value.dtype == b._value.dtype:
        return apply(primitive, b, a) if swap else apply(primitive, a, b)
    if type(b) in (float, int) and value.dtype.kind == "f":
        b = expand(a._new(number(b, value.dtype)), value.shape)
    else:
        b = operand(b, a)
        if b is NotImplemented:
            return NotImplemented
        if primitive in PRODUCTS and a._value.dtype == b._value.dtype == HALF:
            return _halves(primitive, a, b, swap)
        a, b = together(primitive.name, a, b)
    return apply(primitive, b, a) if swap else apply(primitive, a, b)


def _elementary(primitive: Primitive, x: Tensor, converted: Callable[[Tensor], Tensor] = floating) -> Tensor:
    """Apply a primitive whose derivative takes several operations; ``converted`` converts integers."""
    dtype = x._value.dtype
    if dtype is not FLOAT:  # the common case first
        if dtype == HALF:
            return cast(apply(primitive, cast(x, FLOAT)), HALF)
        x = converted(x)
    return apply(primitive, x)


def _divide(a: Tensor, b: TensorLike, swap: bool = False) -> Tensor:
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


def _compare(primitive: Primitive, a: Tensor, b: TensorLike, swap: bool = False) -> Tensor:
    """As ``_binary``; a number outside an integer dtype's range compares as infinite, and a float is not rounded."""
    if a._value.dtype.kind in "iu":
        if isinstance(b, (float, np.floating)):
            a, b = cast(a, DOUBLE), float(b)
        elif isinstance(b, (int, np.integer)) and (sign := beyond(b, a._value.dtype)):
            a, b = cast(a, DOUBLE), sign * math.inf
    return _binary(primitive, a, b, swap)


def turned(x: Tensor) -> Tensor:
    """-x; for integers and booleans, where -x may not exist, another decreasing function that is its own inverse."""
    kind = x._value.dtype.kind
    if kind == "b":
        return ~x
    return -x if kind == "f" else (np.iinfo(x._value.dtype).max if kind == "u" else -1) - x


class ElementwiseMethods(Variable):
    """Arithmetic, comparisons and elementary functions; NumPy names and broadcasting."""

    __slots__ = ()
    __hash__ = Variable.__hash__

    def __neg__(self: Tensor) -> Tensor:
        if self._value.dtype.kind == "b":
            raise no_difference("-x")
        return apply(ops.neg, self)

    def __pos__(self: Tensor) -> Tensor:
        return self.clone()

    def __add__(self: Tensor, other: TensorLike) -> Tensor:
        return _binary(ops.add, self, other)

    __radd__ = __add__

    def __sub__(self: Tensor, other: TensorLike) -> Tensor:
        return _subtract(self, other) if self._value.dtype.kind == "b" else _binary(ops.sub, self, other)

    def __rsub__(self: Tensor, other: TensorLike) -> Tensor:
        return _subtract(self, other, True) if self._value.dtype.kind == "b" else _binary(ops.sub, self, other, True)

    def __mul__(self: Tensor, other: TensorLike) -> Tensor:
        return _binary(ops.mul, self, other)

    __rmul__ = __mul__

    def times(self: Tensor, other: TensorLike) -> Tensor:
        """x · other, and 0 where x is 0, whatever other is: how a VJP multiplies its cotangent."""
        return _binary(ops.times, self, other if isinstance(other, Tensor) else given("times", other, self))

    def __truediv__(self: Tensor, other: TensorLike) -> Tensor:
        return _divide(self, other)

    def __rtruediv__(self: Tensor, other: TensorLike) -> Tensor:
        return _divide(self, other, swap=True)

    def __floordiv__(self: Tensor, other: TensorLike) -> Tensor:
        """The quotient rounded down; 0 for integers where the divisor is 0."""
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else floor_divide(self, b)

    def __rfloordiv__(self: Tensor, other: TensorLike) -> Tensor:
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else floor_divide(b, self)

    def __mod__(self: Tensor, other: TensorLike) -> Tensor:
        """The remainder x - b ⌊x / b⌋; 0 for integers where b is 0."""
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else remainder(self, b)

    def __rmod__(self: Tensor, other: TensorLike) -> Tensor:
        b = operand(other, self)
        return NotImplemented if b is NotImplemented else remainder(b, self)

    def __pow__(self: Tensor, exponent: TensorLike) -> Tensor:
        """xᵇ; common exponents have primitives of their own. Integers have no negative integer powers."""
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

    def __rpow__(self: Tensor, base: TensorLike) -> Tensor:
        base = operand(base, self)
        return NotImplemented if base is NotImplemented else power(base, self)

    def __eq__(self: Tensor, other: TensorLike) -> Tensor:  # type: ignore[override]
        return _compare(ops.equal, self, other)

    def __ne__(self: Tensor, other: TensorLike) -> Tensor:  # type: ignore[override]
        same = _compare(ops.equal, self, other)
        return NotImplemented if same is NotImplemented else ~same

    def __lt__(self: Tensor, other: TensorLike) -> Tensor:
        return _compare(ops.less, self, other)

    def __gt__(self: Tensor, other: TensorLike) -> Tensor:
        return _compare(ops.less, self, other, swap=True)

    def __le__(self: Tensor, other: TensorLike) -> Tensor:
        return _compare(ops.less_equal, self, other)

    def __ge__(self: Tensor, other: TensorLike) -> Tensor:
        return _compare(ops.less_equal, self, other, swap=True)

    def __and__(self: Tensor, other: TensorLike) -> Tensor:
        """Logical and, of booleans."""
        return _binary(ops.mul, _boolean("&", self), _boolean("&", operand(other, self)))

    def __or__(self: Tensor, other: TensorLike) -> Tensor:
        """Logical or, of booleans."""
        return _binary(ops.add, _boolean("|", self), _boolean("|", operand(other, self)))

    __rand__, __ror__ = __and__, __or__

    def __invert__(self: Tensor) -> Tensor:
        """Logical not, of booleans."""
        return _binary(ops.equal, _boolean("~", self), False)

    def __abs__(self: Tensor) -> Tensor:
        """|x|, with derivative 0 at 0."""
        if self._value.dtype.kind == "b":
            return self.clone()
        return (self == 0).where(0, (self < 0).where(-self, self))

    abs = __abs__

    def sign(self: Tensor) -> Tensor:
        """-1, 0 or 1; of a boolean, itself."""
        if self._value.dtype.kind == "b":
            return self.clone()
        return (0 < self).astype(self._value.dtype) - (self < 0).astype(self._value.dtype)

    def square(self: Tensor) -> Tensor:
        """x²"""
        return _elementary(ops.square, self, counted)

    def sqrt(self: Tensor) -> Tensor:
        """√x"""
        return _elementary(ops.sqrt, self)

    def exp(self: Tensor) -> Tensor:
        """eˣ"""
        return _elementary(ops.exp, self)

    def log(self: Tensor) -> Tensor:
        """The natural logarithm."""
        return _elementary(ops.log, self)

    def sin(self: Tensor) -> Tensor:
        """sin x, x in radians"""
        return _elementary(ops.sin, self)

    def cos(self: Tensor) -> Tensor:
        """cos x, x in radians"""
        return _elementary(ops.cos, self)

    def tanh(self: Tensor) -> Tensor:
        """tanh x"""
        return _elementary(ops.tanh, self)

    def erf(self: Tensor) -> Tensor:
        """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""
        return _elementary(ops.erf, self)

    @in_single
    def sigmoid(self: Tensor) -> Tensor:
        """1 / (1 + exp(-x)), accurate to the last digits for x of either sign."""
        x = floating(self)
        below = x < 0
        e = below.where(x, -x).exp()  # never above 1
        return below.where(e, 1.0) / (1.0 + e)

    def relu(self: Tensor) -> Tensor:
        """max(x, 0), with derivative 0 at 0. NaN stays NaN."""
        return (self <= 0).where(0, self)

    def floor(self: Tensor) -> Tensor:
        """The largest integer not above x; its derivative is 0."""
        return apply(ops.floor, self) if self._value.dtype.kind == "f" else self.clone()

    def maximum(self: Tensor, other: TensorLike) -> Tensor:
        """The larger of two; at a tie each gets half of the gradient. NaN propagates."""
        return _binary(ops.maximum, self, given("maximum", other, self))

    def minimum(self: Tensor, other: TensorLike) -> Tensor:
        """The smaller of two; at a tie each gets half of the gradient. NaN propagates."""
        a, b = together("minimum", self, given("minimum", other, self))
        return turned(turned(a).maximum(turned(b)))

    def clip(self: Tensor, low: TensorLike | None = None, high: TensorLike | None = None) -> Tensor:
        """x limited to an interval; the derivative is 1 inside and at the bounds, 0 outside."""
        x = self.clone() if low is high is None else self
        if low is not None:
            x = (x < low).where(low, x)
        if high is not None:
            x = (x > high).where(high, x)
        return x

    clamp = clip

    def where(self: Tensor, a: TensorLike, b: TensorLike) -> Tensor:
        """``a`` where this is true, else ``b``; the branch not taken contributes exactly nothing to the gradient."""
        condition = _boolean("where", self)
        if not isinstance(a, Tensor) and not isinstance(b, Tensor):
            a, b = _branches(condition, a, b)
        like: Any = a if isinstance(a, Tensor) else b
        first, second = together("where", given("where", a, like), given("where", b, like))
        shape = broadcast_shape("where", condition, first)
        return apply(ops.where, *[expand(tensor, shape) for tensor in (condition, first, second)])

    def astype(self: Tensor, dtype: DTypeLike) -> Tensor:
        """A copy in another dtype; gradients flow between float dtypes."""
        wanted = check_dtype(dtype)
        return self.clone() if wanted == self._value.dtype else cast(self, wanted)

    def isnan(self: Tensor) -> Tensor:
        """Where x is NaN."""
        return self != self  # noqa: PLR0124 (only NaN differs from itself)

    def isfinite(self: Tensor) -> Tensor:
        """Where x is neither NaN nor infinite."""
        return abs(self) < math.inf


def _subtract(a: Tensor, b: TensorLike, swap: bool = False) -> Tensor:
    b = operand(b, a)
    if b is not NotImplemented and b._value.dtype.kind == "b":
        raise no_difference("a - b")
    return _binary(ops.sub, a, b, swap)


def _branches(condition: Tensor, a: TensorLike, b: TensorLike) -> tuple[Any, Any]:
    """Two branches, neither of them a tensor, as tensors if they are arrays, or if both are numbers."""
    if isinstance(a, SCALARS) and isinstance(b, SCALARS):
        return condition._new(to_array(a)), condition._new(to_array(b))
    a, b = (given("where", x, condition) if isinstance(x, ARRAYS) else x for x in (a, b))
    like = next((x for x in (a, b) if isinstance(x, Tensor)), condition._new(np.zeros((), FLOAT)))
    return given("where", a, like), given("where", b, like)


def _boolean(op: str, x: Tensor) -> Tensor:
    if isinstance(x, Tensor) and x._value.dtype.kind != "b":
        raise DTypeError(f"{op} of a tensor of dtype {x._value.dtype}: it takes booleans. Compare first: (x != 0).")
    return x
