"""Tensor methods that reduce axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import movement, reduction
from .elementwise import turned
from .forward import Tensor
from .movement import axes_of, axis_of, concatenate
from .precision import in_single
from .promotion import cast, floating

if TYPE_CHECKING:
    from .typing import Axis

LARGE = 2.0**40  # squares of larger deviations come near float32's range


class ReductionMethods(Variable):
    """Sums, means, extrema; NumPy names, ``axis`` and ``keepdims``."""

    __slots__ = ()

    def _reduced(self: Tensor, axes: tuple[int, ...], keepdims: bool) -> Tensor:
        """Drop the axes that a primitive has reduced to size 1, unless keepdims."""
        if keepdims or not axes:
            return self
        return apply(movement.reshape, self, shape=tuple([n for i, n in enumerate(self._value.shape) if i not in axes]))

    def sum(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Σ x; integers and booleans give int64."""
        axes = axes_of("sum", axis, self._value.ndim, scalar=True)
        if not axes and self._value.dtype.kind == "f":
            return self.clone()
        return apply(reduction.sum_, self, axis=axes)._reduced(axes, keepdims)

    def sum_to(self: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Σ x over the axes along which ``shape`` is broadcast: the adjoint of ``expand``."""
        lead = self._value.ndim - len(shape)
        axes = [i for i, n in enumerate(self._value.shape) if i < lead or shape[i - lead] != n]
        return apply(reduction.sum_, self, axis=tuple(axes)).reshape(shape)

    @in_single
    def mean(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """1/n Σ x; integers and booleans give float32."""
        axes = axes_of("mean", axis, self._value.ndim, scalar=True)
        return floating(self).sum(axes, keepdims) * (1.0 / count_of("mean", self, axes))

    @in_single
    def var(self: Tensor, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        """1/(n - ddof) Σ (x - mean)², in two passes, so that a large mean costs no precision."""
        axes = axes_of("var", axis, self._value.ndim, scalar=True)
        n = count_of("var", self, axes) - ddof
        return centre(self, axes)[1].square().sum(axes, keepdims) * (1.0 / n if n > 0 else math.nan)

    @in_single
    def std(self: Tensor, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Tensor:
        """√var, with derivative 0 at 0."""
        axes = axes_of("std", axis, self._value.ndim, scalar=True)
        n = count_of("std", self, axes) - ddof
        return centre(self, axes)[1].norm(axes, keepdims) * (1.0 / math.sqrt(n) if n > 0 else math.nan)

    @in_single
    def max(self: Tensor, axis: Axis = None, keepdims: bool = False, ties: Literal["even", "first"] = "even") -> Tensor:
        """The largest element. At a tie the gradient is shared evenly, or goes to the "first". NaN propagates."""
        if ties not in ("even", "first"):
            raise ValueError(f"max: ties={ties!r}; it must be 'even' or 'first'.")
        axes = axes_of("max", axis, self._value.ndim, scalar=True)
        count_of("max", self, axes)
        if not axes:
            return self.clone()
        return apply(reduction.max_, self, axis=axes, ties=ties)._reduced(axes, keepdims)

    def min(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The smallest element. At a tie the gradient is shared evenly. NaN propagates."""
        return turned(turned(self).max(axis, keepdims))

    amax, amin = max, min

    def argmax(self: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """The position of the first largest element, as int64."""
        axes = axes_of("argmax", axis, self._value.ndim, scalar=True)
        count_of("argmax", self, axes)
        return self.argmax_kept(axes, np.dtype(np.int64))._reduced(axes, keepdims)

    def argmin(self: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
        """The position of the first smallest element, as int64."""
        return turned(self).argmax(axis, keepdims)

    def argmax_kept(self: Tensor, axis: tuple[int, ...], dtype: np.dtype) -> Tensor:
        """The position of the first maximum in row-major order over several axes, which are kept with size 1."""
        return apply(reduction.argmax, self, axis=axis, dtype=dtype)

    def any(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether any element is true."""
        return (self != 0).astype(np.int8).sum(axis, keepdims) > 0

    def all(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Whether all elements are true."""
        return ~(self == 0).any(axis, keepdims)

    def cumsum(self: Tensor, axis: int) -> Tensor:
        """Cumulative sums along an axis; a 0-d tensor counts as one element along one axis."""
        x = self if self._value.shape else self.reshape(1)
        return apply(reduction.cumsum, x, axis=axis_of("cumsum", axis, x._value.ndim))

    @in_single
    def cumprod(self: Tensor, axis: int) -> Tensor:
        """Cumulative products along an axis, of 1, 2, 4, ... factors, so that derivatives are right at 0, too."""
        x = cast(self if self._value.shape else self.reshape(1), reduction.sum_dtype(self._value.dtype))
        axis = axis_of("cumprod", axis, x._value.ndim)
        lead, n, count = (slice(None),) * axis, x._value.shape[axis], 1
        while count < n:
            joined = x[(*lead, slice(count, None))] * x[(*lead, slice(n - count))]
            x = concatenate([x[(*lead, slice(count))], joined], axis)
            count *= 2
        return x.clone() if x is self else x

    @in_single
    def prod(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Π x, by multiplying halves, so that derivatives are right where elements are 0."""
        axes = axes_of("prod", axis, self._value.ndim, scalar=True)
        rest = [i for i in range(self._value.ndim) if i not in axes]
        shape = self._value.shape
        x = cast(self, reduction.sum_dtype(self._value.dtype))
        x = x.permute(*rest, *axes).reshape(*(shape[i] for i in rest), math.prod(shape[i] for i in axes))
        while x.shape[-1] > 1:
            n = x.shape[-1]
            half = x[..., : n // 2] * x[..., n // 2 : n // 2 * 2]
            if n % 2:
                half = concatenate([half, x[..., n - 1 :]], -1)
            x = half
        x = x.sum(-1) if x.shape[-1] else x.sum(-1) + 1
        return x.expand_dims(sorted(axes)) if keepdims and axes else x

    @in_single
    def norm(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """√Σx², with derivative 0 at 0; accurate also where squares overflow or underflow.

        If elements are infinite, they share the gradient evenly.
        """
        axes = axes_of("norm", axis, self._value.ndim, scalar=True)
        x = floating(self)
        s = x.square().sum(axes, keepdims=True)
        length = root(s) if _squares_fit(x.detach(), s.detach(), axes) else _scaled_norm(x, axes)
        return length._reduced(axes, keepdims)

    @in_single
    def logsumexp(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """log Σ eˣ without overflow; -inf, with gradient 0, if every element is -inf.

        If elements are +inf, they share the gradient evenly, which is the limit of softmax.

        The maximum that is subtracted cancels, exactly and at every order, so it is detached.
        """
        self = floating(self)
        m = self.detach().max(axis, keepdims=True)
        infinite = m == math.inf
        m = m.isfinite().where(m, 0.0)
        s = (self - m).exp().sum(axis, keepdims=True)
        zero = s == 0
        out = zero.where(-math.inf, zero.where(1.0, s).log() + m)
        largest = self == math.inf  # all others are negligible
        count = largest.astype(self._value.dtype).sum(axis, keepdims=True)
        out = infinite.where(largest.where(self / infinite.where(count, 1.0), 0.0).sum(axis, keepdims=True), out)
        return out._reduced(axes_of("logsumexp", axis, self._value.ndim, scalar=True), keepdims)


def centre(x: Tensor, axis: Axis = None) -> tuple[Tensor, Tensor]:
    """The mean μ and x - μ, accurate to the last digits however large the mean is.

    The rounding error of a large mean would be in every element, so a second step subtracts it. Where the mean equals
    the first element up to rounding, that element is used instead, so that equal elements give exactly 0.

    The two corrections add up to zero in exact arithmetic for every x; so do their derivatives of every order, and
    they are left out of the graph.
    """
    mu, rest, d = centre_apart(x, axis)
    return mu + rest, d


def centre_apart(x: Tensor, axis: Axis = None) -> tuple[Tensor, Tensor, Tensor]:
    """As :func:`centre`, with the mean as a sum of two numbers, the second what a rounded mean leaves out."""
    axes = axes_of("mean", axis, x.ndim, scalar=True)
    mu = x.mean(axes, keepdims=True)
    first = x.detach().slice((0,) * x.ndim, tuple(1 if i in axes else n for i, n in enumerate(x.shape)))
    gap = first - mu.detach()
    mu = mu + (gap.square() <= first.square() * float(np.finfo(mu.dtype).eps)).where(gap, 0.0)
    d = x - mu
    rest = d.detach().mean(axes, keepdims=True)
    return mu, rest, d - rest


def inverse_deviation(d: Tensor, axis: Axis, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """For deviations d from a mean: d, 1 / √(σ² + eps) and σ².

    Where squares overflow, d and σ are in units of the largest deviation. The unit cancels in d / σ, so it is
    detached; where deviations are not large it is 1.
    """
    var = d.square().mean(axis, keepdims=True)
    if var.known_finite():
        return d, 1.0 / (var + eps).sqrt(), var
    unit = abs(d.detach()).max(axis, keepdims=True)
    unit = ((unit > LARGE) & unit.isfinite()).where(unit, 1.0)
    d = d / unit
    var = d.square().mean(axis, keepdims=True)
    return d, 1.0 / (var + eps / unit / unit).sqrt(), var * unit * unit


def _squares_fit(x: Tensor, s: Tensor, axes: tuple[int, ...]) -> bool:
    """Whether the squares of x, with sum s, have neither overflowed nor underflowed."""
    info = np.finfo(s.dtype)
    enough = (s > float(info.tiny / info.eps)) | (x == 0).all(axes, keepdims=True)
    return bool((enough & s.isfinite()).holds())


def _scaled_norm(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """√Σx² in units of about the largest element. The unit cancels, so it is detached; reduced axes are kept."""
    size = abs(x)
    tiny = float(np.finfo(x.dtype).tiny)
    scale = (1.0 / size.detach().max(axes, keepdims=True)).clip(tiny, 1.0 / tiny)
    length = root((x * scale).square().sum(axes, keepdims=True)) / scale
    infinite = size == math.inf
    count = infinite.astype(x.dtype).sum(axes, keepdims=True)
    return (count > 0).where(infinite.where(size / count.sqrt(), 0.0).sum(axes, keepdims=True), length)


def root(s: Tensor) -> Tensor:
    """√s, with derivative 0 at 0."""
    zero = s == 0
    return zero.where(0.0, zero.where(1.0, s).sqrt())


def count_of(op: str, x: Tensor, axes: tuple[int, ...]) -> int:
    """How many elements are reduced to one; at least one."""
    n = math.prod(x._value.shape[i] for i in axes)
    if n == 0:
        raise ShapeError(f"{op} of no elements{location()}: shape {x._value.shape} has size 0 along axes {axes}.")
    return n
