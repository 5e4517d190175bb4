"""Exact results of the unary primitives and of their derivatives, by mpmath, in units in the last place of a format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

from tests.primitives.row import Function

Array = np.ndarray
INF, NAN = float("inf"), float("nan")
BITS = 140  # of mpmath's mantissas: the two parts of a result in a format have 53 each
NUMBER, INFINITE, NOT_A_NUMBER = range(3)


@dataclass(frozen=True)
class Format:
    """A binary floating-point format: bits of the mantissa, exponents of the smallest unit and of overflow."""

    precision: int
    lowest: int
    overflow: int

    @staticmethod
    def of(dtype: Any) -> Format:
        info = np.finfo(dtype)
        return Format(int(info.nmant) + 1, int(info.minexp - info.nmant), int(info.maxexp))

    def unit(self, exponent: int) -> int:
        """The exponent of the last place of numbers in [2^(exponent - 1), 2^exponent)."""
        return max(exponent - self.precision, self.lowest)


@dataclass(frozen=True)
class Exact:
    """Exact results beside a format.

    Attributes:
        numbers: as mpmath has them; floats where they are NaN or infinite.
        negative: their signs, those of zeros too.
        kind: number, infinite or not a number.
        whole, fraction, exponent: (whole + fraction) 2^exponent, where 2^exponent is the unit in the last place and
            whole the nearest integer, even at ties.
    """

    numbers: Sequence[Any]
    negative: Array
    kind: Array
    whole: Array
    fraction: Array
    exponent: Array
    dtype: np.dtype

    def rounded(self) -> Array:
        """The nearest numbers of the format, even at ties."""
        with np.errstate(all="ignore"):
            numbers = np.ldexp(self.whole, self.exponent).astype(self.dtype)
        numbers = np.where(self.kind == INFINITE, self.dtype.type(INF), np.abs(numbers))
        numbers = np.where(self.negative, -numbers, numbers)
        return np.where(self.kind == NOT_A_NUMBER, self.dtype.type(NAN), numbers)

    def wide(self) -> Array:
        """The numbers in extended precision."""
        with np.errstate(all="ignore"):
            long = np.longdouble
            return np.ldexp(self.whole.astype(long) + self.fraction.astype(long), self.exponent)

    def distance(self, value: Array) -> Array:
        """How many units a value is from the exact result; 0 for a right NaN or infinity, infinite for a wrong one.

        An infinity is as far away as the first number that is too large. Zeros have the exact result's sign.
        """
        overflow = Format.of(self.dtype).overflow
        rounded = self.rounded()
        with np.errstate(all="ignore"):
            finite = np.where(np.isinf(value), 0.0, value).astype(np.float64)
            scaled = np.ldexp(finite, -self.exponent)
            scaled = np.where(np.isinf(value), np.copysign(np.ldexp(1.0, overflow - self.exponent), value), scaled)
            units = np.abs((scaled - self.whole) - self.fraction)
        same = (np.isnan(value) & np.isnan(rounded)) | ((value == rounded) & np.isinf(value))
        special = (self.kind != NUMBER) | np.isnan(value) | ((value == 0) & (np.signbit(value) != self.negative))
        return np.where(same, 0.0, np.where(special, INF, units))

    def times(self, factors: Array) -> Exact:
        """The exact products with finite numbers that are not 0."""
        with mpmath.workprec(BITS):
            numbers = [r * mpmath.mpf(float(f)) for r, f in zip(self.numbers, factors, strict=True)]
        return measured(numbers, self.negative ^ np.signbit(factors), self.dtype)


def measured(numbers: Sequence[Any], negative: Array, dtype: np.dtype) -> Exact:
    """Numbers in units of a format. ``negative`` are the signs of those that are 0."""
    form = Format.of(dtype)
    rows = [_in_units(number, form) for number in numbers]
    kind, whole, fraction, exponent = (np.array(column) for column in zip(*rows, strict=True))
    signs = np.array([negative[i] if r == 0 or mpmath.isnan(r) else r < 0 for i, r in enumerate(numbers)])
    return Exact(numbers, signs, kind, whole, fraction, exponent.astype(np.int32), dtype)


def _in_units(number: Any, form: Format) -> tuple[int, float, float, int]:
    if not isinstance(number, mpmath.mpf):  # it would be rounded to the precision that mpmath has now
        number = mpmath.mpf(number)
    if not mpmath.isfinite(number):
        return NOT_A_NUMBER if mpmath.isnan(number) else INFINITE, 0.0, 0.0, 0
    sign, mantissa, exponent, bits = number._mpf_
    top = exponent + bits
    if top < form.lowest - 64 or not mantissa:
        return NUMBER, 0.0, 0.0, form.lowest
    if top > form.overflow + 1:
        return NUMBER, (-1.0) ** sign, 0.0, form.overflow + 1
    unit = form.unit(top)
    shift = unit - exponent
    if shift <= 0:
        whole, fraction = int(mantissa) << -shift, 0.0
    else:
        whole, rest = divmod(int(mantissa), 1 << shift)
        fraction = rest / (1 << shift)
        if 2 * rest > 1 << shift or (2 * rest == 1 << shift and whole % 2):
            whole, fraction = whole + 1, -((1 << shift) - rest) / (1 << shift)
    return NUMBER, (-1.0) ** sign * whole, (-1.0) ** sign * fraction, unit


# ---------------------------------------------------------------- the functions


def evaluate(function: Function, x: Array) -> Exact:
    """At every number of an array, measured in the array's format."""
    numbers: list[Any] = []
    known: dict[float, Any] = {}
    special = dict(zip(("-inf", "-0.0", "0.0", "inf"), function.at, strict=True), nan=function.at_nan)
    with mpmath.workprec(BITS):
        for v in map(float, x):
            result = special.get(repr(v))
            if result is None:
                key = abs(v) if function.parity else v
                if key not in known:
                    known[key] = _real(function.of(mpmath.mpf(key)))
                result = known[key] * function.parity if function.parity and v < 0 else known[key]
            numbers.append(result)
    negative = np.array([bool(np.signbit(r)) if isinstance(r, float) else r < 0 for r in numbers])
    return measured(numbers, negative, np.dtype(x.dtype))


def _real(value: Any) -> Any:
    return NAN if isinstance(value, mpmath.mpc) else value


def in_format(exact: Exact, dtype: np.dtype) -> Exact:
    """The same numbers, measured in another format."""
    return measured(exact.numbers, exact.negative, dtype)
