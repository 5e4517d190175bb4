"""Vectors whose operators write LLVM IR, so that a formula in Python is code; and pairs: unevaluated sums of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .function import Function, number, scalar_type, vector_type

F4, F8, BOOL = np.dtype(np.float32), np.dtype(np.float64), np.dtype(bool)


class Code(Function):
    """A function of vectors that is being written."""

    def __init__(self, name: str, width: int, fma: bool, bitselect: bool = False):
        super().__init__(name, (), bitselect)
        self.width, self.fma = width, fma
        self.helpers: list[str] = []  # the texts of functions that it calls


class Lanes:
    """A vector in a function that is being written: its operators write instructions.

    A number as an operand is a vector of equal lanes. Comparisons are false for NaN. Right shifts fill with zeros.
    """

    def __init__(self, code: Code, dtype: np.dtype, name: str):
        self.code, self.dtype, self.name = code, dtype, name

    @property
    def type(self) -> str:
        return vector_type(self.dtype, self.code.width)

    @property
    def mantissa(self) -> int:
        """The number of stored bits of the mantissa."""
        return int(np.finfo(self.dtype).nmant)

    @property
    def bias(self) -> int:
        """The bias of the stored exponent."""
        return int(np.finfo(self.dtype).maxexp) - 1

    def like(self, x: Any) -> Lanes:
        """A number as a vector of the same type."""
        if isinstance(x, Lanes):
            return x
        constant = number(self.dtype.type(x))
        one = self.code.width == 1
        return Lanes(self.code, self.dtype, constant if one else f"splat ({scalar_type(self.dtype)} {constant})")

    def _apply(self, instruction: str, other: Any, dtype: np.dtype | None = None) -> Lanes:
        value = self.code.value(f"{instruction} {self.type} {self.name}, {self.like(other).name}")
        return Lanes(self.code, dtype or self.dtype, value)

    def _arithmetic(self, instruction: str, other: Any) -> Lanes:
        return self._apply(f"f{instruction}" if self.dtype.kind == "f" else instruction, other)

    def __add__(self, other: Any) -> Lanes:
        return self._arithmetic("add", other)

    def __sub__(self, other: Any) -> Lanes:
        return self._arithmetic("sub", other)

    def __mul__(self, other: Any) -> Lanes:
        return self._arithmetic("mul", other)

    def __truediv__(self, other: Any) -> Lanes:
        return self._arithmetic("div", other)

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> Lanes:
        return self.like(other) - self

    def __rtruediv__(self, other: float) -> Lanes:
        return self.like(other) / self

    def __neg__(self) -> Lanes:
        return Lanes(self.code, self.dtype, self.code.value(f"fneg {self.type} {self.name}"))

    def __and__(self, other: Any) -> Lanes:
        return self._apply("and", other)

    def __or__(self, other: Any) -> Lanes:
        return self._apply("or", other)

    def __xor__(self, other: Any) -> Lanes:
        return self._apply("xor", other)

    def __invert__(self) -> Lanes:
        return self ^ (True if self.dtype == BOOL else -1)

    def __lshift__(self, bits: int) -> Lanes:
        return self._apply("shl", bits)

    def __rshift__(self, bits: int) -> Lanes:
        return self._apply("lshr", bits)

    def __lt__(self, other: Any) -> Lanes:
        return self._apply("fcmp olt", other, BOOL)

    def __gt__(self, other: Any) -> Lanes:
        return self._apply("fcmp ogt", other, BOOL)

    def __ge__(self, other: Any) -> Lanes:
        return self._apply("fcmp oge", other, BOOL)

    def equals(self, other: Any) -> Lanes:
        return self._apply("fcmp oeq" if self.dtype.kind == "f" else "icmp eq", other, BOOL)

    def unordered(self, other: Any) -> Lanes:
        """Whether one of the two is NaN."""
        return self._apply("fcmp uno", other, BOOL)

    def _convert(self, instruction: str, dtype: np.dtype) -> Lanes:
        target = vector_type(dtype, self.code.width)
        return Lanes(self.code, dtype, self.code.value(f"{instruction} {self.type} {self.name} to {target}"))

    @property
    def bits(self) -> Lanes:
        """The integer with the same bits."""
        return self._convert("bitcast", np.dtype(f"i{self.dtype.itemsize}"))

    @property
    def number(self) -> Lanes:
        """The floating-point number with the same bits."""
        return self._convert("bitcast", np.dtype(f"f{self.dtype.itemsize}"))

    def to(self, dtype: np.dtype) -> Lanes:
        """The nearest number of another format; of an integer the lower bits."""
        if dtype == self.dtype:
            return self
        longer = dtype.itemsize > self.dtype.itemsize
        words = ("fptrunc", "fpext") if self.dtype.kind == "f" else ("trunc", "zext")
        return self._convert(words[longer], dtype)

    def _intrinsic(self, name: str, *others: Any) -> Lanes:
        operands = [self.name, *(self.like(other).name for other in others)]
        return Lanes(self.code, self.dtype, self.code.call(f"llvm.{name}", self.type, *operands))

    def __abs__(self) -> Lanes:
        return self._intrinsic("fabs")

    def copysign(self, sign: Lanes) -> Lanes:
        return self._intrinsic("copysign", sign)

    def times_plus(self, factor: Any, term: Any) -> Lanes:
        """self · factor + term, rounded once if the machine has a fused multiply-add."""
        return self._intrinsic("fma", factor, term) if self.code.fma else self * factor + term

    def clamp(self, low: float, high: float) -> Lanes:
        """The nearest number from low to high; NaN stays NaN."""
        below = where(self > high, high, self)
        return where(below < low, low, below)


def where(condition: Lanes, a: Any, b: Any) -> Lanes:
    """a where the condition holds, else b; one of them may be a number."""
    lanes = a if isinstance(a, Lanes) else b
    code, dtype = lanes.code, lanes.dtype
    return Lanes(code, dtype, code.select(condition.name, lanes.like(a).name, lanes.like(b).name, dtype, code.width))


def polynomial(x: Lanes, coefficients: Sequence[float]) -> Lanes:
    """c₀ + c₁ x + c₂ x² + ..., by Horner's rule."""
    total = x.like(coefficients[-1])
    for c in reversed(coefficients[:-1]):
        total = total.times_plus(x, c)
    return total


# ---------------------------------------------------------------- unevaluated sums of two numbers (Dekker)

Pair = tuple[Lanes, Lanes]


def two_sum(a: Lanes, b: Any) -> Pair:
    """a + b, exactly: the rounded sum and its error."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def quick_two_sum(a: Any, b: Lanes) -> Pair:
    """a + b, exactly, if |a| >= |b| or a = 0: cheaper."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Lanes, b: Lanes) -> Pair:
    """a · b: the rounded product and its error; exact with fma, else to 2⁻¹⁰⁵."""
    product = a * b
    if a.code.fma:
        return product, a.times_plus(b, -product)
    a1, b1 = ((x.bits & -(1 << 27)).number for x in (a, b))  # 26 bits, so that their product is exact
    a2, b2 = a - a1, b - b1
    return product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2


def long_product(a: Pair, b: Pair) -> Pair:
    high, low = two_product(a[0], b[0])
    return quick_two_sum(high, a[0].times_plus(b[1], a[1].times_plus(b[0], low)))


def long_quotient(a: tuple[Lanes, Any], b: Pair) -> Pair:
    inverse = 1.0 / b[0]
    quotient = a[0] * inverse
    product, error = two_product(quotient, b[0])
    return quotient, (((a[0] - product) - error) + (a[1] - quotient * b[1])) * inverse
