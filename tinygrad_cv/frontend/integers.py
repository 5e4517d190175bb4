"""Arithmetic with special rules for integers and booleans: quotients, remainders, powers, differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError
from ..core.tape import apply
from ..ops import elementwise as ops
from .forward import Tensor
from .precision import in_single
from .promotion import DOUBLE, INTEGER, cast, operand, together

if TYPE_CHECKING:
    from .typing import TensorLike


@in_single
def floor_divide(a: Tensor, b: Tensor) -> Tensor:
    """⌊a / b⌋"""
    a, b = map(counted, together("floor division", a, b))
    if a._value.dtype.kind != "f":
        return _whole_quotient(a, b)
    q = (a / b).floor()
    return ((q == 0) & (a != 0) & ((a < 0) != (b < 0))).where(-1.0, q)  # a / b is negative, even if it underflows


def _whole_quotient(a: Tensor, b: Tensor) -> Tensor:
    """⌊a / b⌋ of integers, exactly; 0 where b is 0, as NumPy has it.

    float64 gives it up to rounding. The remainder modulo 2⁶⁴ is small and corrects it: first by its own quotient, and
    then by one where the new remainder is not between 0 and b.
    """
    dtype = a._value.dtype
    zero = b == 0
    b = zero.where(1, b)
    divisor = cast(b, DOUBLE)
    q = (cast(a, DOUBLE) / divisor).floor()
    q = cast(cast(q, INTEGER) if dtype.itemsize < 8 else q, dtype)
    if dtype.itemsize == 8:
        rest = cast(a - q * b, INTEGER)
        q = q + cast(cast((cast(rest, DOUBLE) / divisor).floor(), INTEGER), dtype)
        rest, signed = cast(a - q * b, INTEGER), cast(b, INTEGER)
        more = (signed > 0).where(rest >= signed, rest <= signed)
        less = (rest != 0) & ((rest < 0) != (signed < 0))
        q = q + cast(more, dtype) - cast(less, dtype)
    if dtype == np.uint64:
        q = (b > np.iinfo(np.int64).max).where(cast(b <= a, dtype), q)
    return zero.where(0, q)


@in_single
def remainder(a: Tensor, b: Tensor) -> Tensor:
    """a - b ⌊a / b⌋; 0 for integers where b is 0."""
    a, b = map(counted, together("%", a, b))
    q = floor_divide(a, b)
    return a - q.times(b) if a._value.dtype.kind == "f" else (b == 0).where(0, a - q * b)


def counted(x: Tensor) -> Tensor:
    """The tensor, with booleans converted to the integers 0 and 1."""
    return x if x._value.dtype.kind != "b" else cast(x, INTEGER)


@in_single
def power(a: Tensor, b: TensorLike) -> Tensor:
    """aᵇ of two floats, or of two integers with b ≥ 0; booleans count as integers."""
    if not isinstance(b, Tensor):
        if isinstance(b, (int, np.integer)) and b < 0:
            _check_exponent(a, b)
        if (b := operand(b, a)) is NotImplemented:
            return NotImplemented
    a, b = map(counted, together("pow", a, b))
    if a._value.dtype.kind == "i":
        whole = b >= 0
        if not whole.holds():
            _check_exponent(a, "a negative integer")
        b = whole.where(b, 0)  # within a trace b may be negative, which NumPy would refuse
    return apply(ops.pow, a, b)


def _check_exponent(base: Tensor, exponent: int | str | np.integer) -> None:
    if base._value.dtype.kind != "f":
        raise ValueError(
            f"pow of a tensor of dtype {base._value.dtype} to the power of {exponent}{location()}: the result is not "
            "an integer. Use .astype('float32')."
        )


def no_difference(what: str) -> DTypeError:
    """The error where booleans are subtracted."""
    return DTypeError(
        f"{what} of booleans{location()}: subtraction is not defined. Use ~x or a != b, or convert "
        "them: .astype('int64')."
    )
