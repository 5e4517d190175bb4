"""Tensor methods that act on each element by itself, composed of the primitives that do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..core.variable import Variable
from .forward import Tensor
from .movement import concatenate, whole
from .precision import in_single
from .promotion import DOUBLE, cast, floating, given, together

if TYPE_CHECKING:
    from .typing import TensorLike

LN2, LN10 = math.log(2.0), math.log(10.0)
TERMS_OF_SINC = 10  # for |πx| < 1 the rest is below 2⁻⁵³, and its first derivatives too


class ElementaryMethods(Variable):
    """Rounding, and the elementary functions that are not primitives; NumPy names."""

    __slots__ = ()

    def ceil(self: Tensor) -> Tensor:
        """The smallest integer not below x; its derivative is 0."""
        return -(-self).floor() if self._value.dtype.kind == "f" else self.clone()

    def trunc(self: Tensor) -> Tensor:
        """The integer next to x towards 0; its derivative is 0."""
        return (self < 0).where(self.ceil(), self.floor()) if self._value.dtype.kind == "f" else self.clone()

    @in_single
    def round(self: Tensor, decimals: int = 0) -> Tensor:
        """The nearest number of so many decimals, the even one of two; its derivative is 0."""
        decimals = whole("round", "decimals", decimals)
        if decimals:
            if self._value.dtype.kind != "f":
                wide = cast(self, DOUBLE).round(decimals)
                return cast(wide, self._value.dtype) if decimals < 0 else self.clone()
            scale = 10.0 ** abs(decimals)
            return (self * scale).round() / scale if decimals > 0 else (self / scale).round() * scale
        if self._value.dtype.kind != "f":
            return self.clone()
        low = self.floor()
        rest = self - low  # exact
        odd = low * 0.5 != (low * 0.5).floor()
        return ((rest > 0.5) | ((rest == 0.5) & odd)).where(low + 1.0, low)

    def isinf(self: Tensor) -> Tensor:
        """Where x is infinite."""
        return abs(self) == math.inf

    @in_single
    def exp2(self: Tensor) -> Tensor:
        """2ˣ"""
        return 2.0 ** floating(self)

    @in_single
    def expm1(self: Tensor) -> Tensor:
        """eˣ - 1; near 0 by the hyperbolic tangent, which is accurate there."""
        x = floating(self)
        far = abs(x.detach()) > 1
        near = far.where(0.0, x)
        return far.where(x.exp() - 1.0, (near * 0.5).tanh() * (near.exp() + 1.0))

    @in_single
    def log2(self: Tensor) -> Tensor:
        """The logarithm to base 2."""
        return self.log() * (1.0 / LN2)

    @in_single
    def log10(self: Tensor) -> Tensor:
        """The logarithm to base 10."""
        return self.log() * (1.0 / LN10)

    @in_single
    def log1p(self: Tensor) -> Tensor:
        """log(1 + x), with a first-order correction of the rounding of 1 + x, which is 0 in exact arithmetic."""
        x = floating(self)
        w = 1.0 + x
        lost = (x.detach() - (w.detach() - 1.0)) / w.detach()
        return w.log() + lost.isfinite().where(lost, 0.0)

    @in_single
    def tan(self: Tensor) -> Tensor:
        """tan x, x in radians"""
        return self.sin() / self.cos()

    @in_single
    def sinh(self: Tensor) -> Tensor:
        """(eˣ - e⁻ˣ) / 2; computed so that eˣ cannot overflow where the result does not."""
        x = floating(self)
        rising, falling = (0.5 * x).exp(), (-0.5 * x).exp()
        far = 0.5 * rising * rising - 0.5 * falling * falling
        return (abs(x) > 1).where(far, (x.expm1() - (-x).expm1()) * 0.5)

    @in_single
    def cosh(self: Tensor) -> Tensor:
        """(eˣ + e⁻ˣ) / 2; computed so that eˣ cannot overflow where the result does not."""
        x = floating(self)
        rising, falling = (0.5 * x).exp(), (-0.5 * x).exp()
        return 0.5 * rising * rising + 0.5 * falling * falling

    @in_single
    def arcsinh(self: Tensor) -> Tensor:
        """log(x + √(x² + 1)); beyond ±1 in terms of 1 / x, so that x² cannot overflow."""
        x = floating(self)
        size = (x < 0).where(-x, x)
        far = size > 1
        near, large = far.where(0.0, x), far.where(size, 1.0)
        small = (near + near.square() / (1.0 + (1.0 + near.square()).sqrt())).log1p()
        beyond = large.log() + (1.0 + (1.0 + (1.0 / large).square()).sqrt()).log()
        return far.where((x < 0).where(-beyond, beyond), small)

    @in_single
    def arccosh(self: Tensor) -> Tensor:
        """log(x + √(x² - 1)), x ≥ 1; beyond 2 in terms of 1 / x, so that x² cannot overflow."""
        x = floating(self)
        far = x > 2
        near, large = far.where(1.5, x) - 1.0, far.where(x, 2.0)
        beyond = large.log() + (1.0 + (1.0 - (1.0 / large).square()).sqrt()).log()
        return far.where(beyond, (near + near.sqrt() * (near + 2.0).sqrt()).log1p())

    @in_single
    def arctanh(self: Tensor) -> Tensor:
        """(log(1 + x) - log(1 - x)) / 2"""
        x = floating(self)
        return (x.log1p() - (-x).log1p()) * 0.5

    @in_single
    def sinc(self: Tensor) -> Tensor:
        """sin πx / πx, and 1 at 0; near 0 by its series, so that derivatives are right there too."""
        y = math.pi * floating(self)
        near = abs(y) < 1
        square = near.where(y, 0.0).square()
        series = square * 0.0
        for k in range(TERMS_OF_SINC, 0, -1):  # 1 - y²/(2·3) (1 - y²/(4·5) (1 - ...))
            series = (1.0 - series) * square * (1.0 / (2 * k * (2 * k + 1)))
        away = near.where(1.0, y)
        return near.where(1.0 - series, away.sin() / away)

    @in_single
    def cbrt(self: Tensor) -> Tensor:
        """The cube root, of either sign."""
        x = floating(self)
        below = x < 0
        root = below.where(-x, x) ** (1.0 / 3.0)
        return below.where(-root, root)

    @in_single
    def logaddexp(self: Tensor, other: TensorLike) -> Tensor:
        """log(eˣ + eʸ) without overflow."""
        a, b = together("logaddexp", floating(self), given("logaddexp", other, floating(self)))
        return _pair(a, b).logsumexp(0)

    @in_single
    def hypot(self: Tensor, other: TensorLike) -> Tensor:
        """√(x² + y²), with derivative 0 at 0, without overflow."""
        a, b = together("hypot", floating(self), given("hypot", other, floating(self)))
        return _pair(a, b).norm(0)

    def nan_to_num(self: Tensor, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
        """NaN and infinities replaced by numbers, by default 0 and the dtype's largest; there the derivative is 0."""
        if self._value.dtype.kind != "f":
            return self.clone()
        limits = np.finfo(self._value.dtype)
        x = self.isnan().where(nan, self)
        x = (x == math.inf).where(float(limits.max) if posinf is None else posinf, x)
        return (x == -math.inf).where(float(limits.min) if neginf is None else neginf, x)

    def masked_fill(self: Tensor, mask: TensorLike, value: TensorLike) -> Tensor:
        """``value`` where the mask is true, else x; there the derivative by x is exactly 0."""
        return given("masked_fill", mask, self).where(value, self)


def _pair(a: Tensor, b: Tensor) -> Tensor:
    return concatenate([a.expand_dims(0), b.expand_dims(0)], 0)
