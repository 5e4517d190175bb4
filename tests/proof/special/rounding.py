"""What rounding allows: a formula run on intervals, each as wide as floating point may have made it.

A VJP runs on intervals as it runs on tensors, so the bound on its error follows from the formula as it is written. A
computed value lies in its interval if every operation before it erred by no more than was stated: half a unit in the
last place where IEEE 754 rounds, more for transcendental functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tests.proof.special.exact import Exact, Format

Array = np.ndarray
Long = np.longdouble
HALF = 0.5 * (1 + 2.0**-6)  # the intervals' own arithmetic has 11 bits more than float64, and rounds as well


def wide_enough(dtype: Any) -> bool:
    """Whether extended precision is more than the format: it is not on every machine."""
    return bool(np.finfo(Long).nmant >= np.finfo(dtype).nmant + 11)


@dataclass(frozen=True)
class Interval:
    """Between which numbers computed values lie, element by element.

    Attributes:
        low, high: in extended precision; infinite where the format may have overflowed.
        dtype: the format that is computed in.
        units: of each transcendental function, how many units in the last place it may err.
    """

    low: Array
    high: Array
    dtype: np.dtype
    units: Mapping[str, float]

    @staticmethod
    def of(value: Any, dtype: np.dtype, units: Mapping[str, float]) -> Interval:
        """Values that are as they are."""
        wide = np.asarray(value, Long)
        return Interval(wide, wide, dtype, units)

    @staticmethod
    def around(exact: Exact, error: float, units: Mapping[str, float]) -> Interval:
        """Values computed with an error of so many units in the last place."""
        return Interval.of(exact.wide(), exact.dtype, units)._rounded(error)

    def holds(self, value: Array) -> Array:
        """Whether each value lies in it; any does where nothing is known."""
        unknown = np.isnan(self.low) | np.isnan(self.high)
        return unknown | ((self.low <= value) & (value <= self.high))

    # ---------------------------------------------------------------- rounding

    def _rounded(self, error: float = HALF) -> Interval:
        form = Format.of(self.dtype)
        _, exponent = np.frexp(np.maximum(np.abs(self.low), np.abs(self.high)))
        unit = np.ldexp(Long(1.0), np.maximum(exponent - form.precision, form.lowest))
        low, high = self.low - error * unit, self.high + error * unit
        largest = np.ldexp(Long(1.0), form.overflow)
        low, high = np.where(low <= -largest, -Long(np.inf), low), np.where(high >= largest, Long(np.inf), high)
        return self._new(np.where(low >= largest, largest, low), np.where(high <= -largest, -largest, high))

    def _new(self, low: Array, high: Array) -> Interval:
        return Interval(low, high, self.dtype, self.units)

    def _like(self, other: Any) -> Interval:
        return other if isinstance(other, Interval) else Interval.of(self.dtype.type(other), self.dtype, self.units)

    def _monotone(self, function: Any, error: float = HALF) -> Interval:
        return self._new(function(self.low), function(self.high))._rounded(error)

    # ---------------------------------------------------------------- what a VJP may call

    def __neg__(self) -> Interval:
        return self._new(-self.high, -self.low)

    def __add__(self, other: Any) -> Interval:
        other = self._like(other)
        return self._new(self.low + other.low, self.high + other.high)._rounded()

    __radd__ = __add__

    def __sub__(self, other: Any) -> Interval:
        return self + -self._like(other)

    def __rsub__(self, other: Any) -> Interval:
        return self._like(other) - self

    def __mul__(self, other: Any) -> Interval:
        other = self._like(other)
        corners = np.stack([a * b for a in (self.low, self.high) for b in (other.low, other.high)])
        return self._new(corners.min(0), corners.max(0))._rounded()

    __rmul__ = times = __mul__

    def __rtruediv__(self, other: Any) -> Interval:
        inverse = self._new(1.0 / self.high, 1.0 / self.low)
        inverse = self._new(
            np.where(self.low < 0, np.where(self.high >= 0, np.nan, inverse.low), inverse.low), inverse.high
        )
        return inverse._rounded() if isinstance(other, float) and other == 1.0 else self._like(other) * inverse

    def square(self) -> Interval:
        size = np.abs(np.stack([self.low, self.high]))
        return self._new(size.min(0) ** 2, size.max(0) ** 2)._rounded()

    def exp(self) -> Interval:
        return self._monotone(np.exp, self.units["exp"])

    def sin(self) -> Interval:
        return self._wave(np.sin)

    def cos(self) -> Interval:
        return self._wave(np.cos)

    def _wave(self, function: Any) -> Interval:
        """Of one number; of more of them, anything."""
        at = np.where(self.low == self.high, function(self.low), Long(np.nan))
        return self._new(at, at)._rounded(self.units[function.__name__])

    def astype(self, dtype: Any) -> Interval:
        return Interval(self.low, self.high, np.dtype(dtype), self.units)._rounded()
