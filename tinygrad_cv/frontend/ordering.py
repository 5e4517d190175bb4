"""Tensor methods that put elements in order: sorting, the largest, medians and quantiles.

The places come from one primitive, ``argsort``, which has no derivative; the elements are gathered from there, so that
each gets the gradient of the place where it went.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, GraphError, ShapeError
from ..core.tape import apply
from ..core.variable import Variable
from ..ops import indexing
from ..ops.arrays import HALF
from .forward import Tensor
from .movement import axes_of, axis_of, concatenate
from .promotion import DOUBLE, FLOAT, INTEGER, cast, floating
from .reduction import count_of

if TYPE_CHECKING:
    from .typing import Axis

FEW = 16  # the largest of which are found one by one: so many maxima take as long as sorting

# Of n elements in order, the q-quantile lies at place n q + α + q (1 - α - β) - 1 (Hyndman and Fan, 1996).
BETWEEN: dict[str, tuple[float, float]] = {
    "linear": (1.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1.0 / 3.0, 1.0 / 3.0),
    "normal_unbiased": (3.0 / 8.0, 3.0 / 8.0),
    "interpolated_inverted_cdf": (0.0, 1.0),
}
# Or it is one of the elements, at the place that follows from (n - 1) q.
AT_ONE: dict[str, Callable[[Tensor], Tensor]] = {
    "lower": lambda place: place.floor(),
    "higher": lambda place: -(-place).floor(),
    "nearest": lambda place: place.round(),
}
METHODS = (*BETWEEN, *AT_ONE, "midpoint", "inverted_cdf", "averaged_inverted_cdf")


class OrderingMethods(Variable):
    """Sorting and what follows from it. NaN is the largest, as in NumPy, and equal elements keep their order."""

    __slots__ = ()

    def argsort(self: Tensor, axis: int | None = -1, descending: bool = False) -> Tensor:
        """The places of the elements in order of size, as int64; ``axis=None`` counts through all elements."""
        x, axis = _along("argsort", self, axis)
        if not descending:
            return apply(indexing.argsort, x, axis=axis)
        backwards = apply(indexing.argsort, x.flip(axis), axis=axis).flip(axis)  # so that equals keep their order
        return (x._value.shape[axis] - 1) - backwards

    def sort(self: Tensor, axis: int | None = -1, descending: bool = False) -> Tensor:
        """The elements in order of size, as ``numpy.sort`` has them: a copy, and the values alone."""
        x, axis = _along("sort", self, axis)
        return x.take_along_axis(x.detach().argsort(axis, descending), axis)

    def topk(self: Tensor, k: int, axis: int = -1, largest: bool = True) -> tuple[Tensor, Tensor]:
        """The k largest elements in descending order, or the k smallest in ascending order, and their places."""
        axis = axis_of("topk", axis, self._value.ndim)
        n = self._value.shape[axis]
        if not 0 <= k <= n:
            raise ShapeError(f"topk of {k} elements along an axis of size {n}: k must be 0 to {n}.")
        if 0 < k <= FEW and largest:
            index = _largest(self.detach(), k, axis)
        else:
            index = self.detach().argsort(axis, descending=largest)[(*(slice(None),) * axis, slice(k))]
        return self.take_along_axis(index, axis), index

    def median(self: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """The middle element; the mean of the two in the middle of an even count. NaN propagates."""
        return _quantile("median", self, 0.5, axis, keepdims, "linear")

    def quantile(self: Tensor, q: Any, axis: Axis = None, keepdims: bool = False, method: str = "linear") -> Tensor:
        """What a share q of the elements lies below, as ``numpy.quantile`` defines it. NaN propagates.

        Args:
            q: one or several numbers from 0 to 1; several become the first axes of the result.
            method: how it follows from its two neighbours; "linear", "lower", "higher", "nearest", "midpoint", "hazen",
                "weibull", "median_unbiased", "normal_unbiased", "inverted_cdf", "averaged_inverted_cdf" or
                "interpolated_inverted_cdf".

        Raises:
            ShapeError: there are no elements.
            ValueError: a q that is not from 0 to 1, or an unknown method.

        >>> import tinygrad_cv as tg
        >>> tg.tensor([3.0, 1.0, 2.0, 5.0]).quantile([0.5, 1.0])
        tensor([2.5, 5. ], shape=(2,), dtype=float32)
        """
        return _quantile("quantile", self, q, axis, keepdims, method)


def _along(op: str, x: Tensor, axis: int | None) -> tuple[Tensor, int]:
    """A tensor and its axis; all elements in one for None."""
    return (x.reshape(-1), 0) if axis is None else (x, axis_of(op, axis, x._value.ndim))


def _largest(x: Tensor, k: int, axis: int) -> Tensor:
    """The places of the k largest elements, by k maxima."""
    places: list[Tensor] = []
    numbers = x.iota((axis,), np.dtype(np.int64))
    taken = numbers < 0
    kind = x._value.dtype.kind
    lowest = -math.inf if kind == "f" else False if kind == "b" else int(np.iinfo(x._value.dtype).min)
    for _ in range(k):
        left = taken.where(lowest, x)
        best = left.argmax(axis, keepdims=True)
        free = (~taken).astype(np.int8).argmax(axis, keepdims=True)  # if only lowest is left: the first not taken
        best = (left.max(axis, keepdims=True) == lowest).where(free, best)
        places.append(best)
        taken = taken | (numbers == best)
    return concatenate(places, axis)


def as_rows(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The given axes as one, the last."""
    shape = x._value.shape
    rest = [i for i in range(len(shape)) if i not in axes]
    return x.permute(*rest, *axes).reshape(*(shape[i] for i in rest), math.prod(shape[i] for i in axes))


def _quantile(op: str, x: Tensor, q: Any, axis: Axis, keepdims: bool, method: str) -> Tensor:
    axes = axes_of(op, axis, x._value.ndim, scalar=True)
    count = count_of(op, x, axes)
    rows = as_rows(x, axes)
    number = x._new(np.full((1,) * rows._value.ndim, float(count)))
    y = quantile_of_rows(op, rows, number, q, method)
    return with_axes(y, axes, keepdims, np.ndim(q))


def with_axes(y: Tensor, axes: tuple[int, ...], keepdims: bool, lead: int) -> Tensor:
    """A result with axes of size 1 in place of those that were reduced, if ``keepdims``, behind its leading axes."""
    return y.expand_dims([lead + i for i in sorted(axes)]) if keepdims and axes else y


def quantile_of_rows(op: str, x: Tensor, count: Tensor, q: Any, method: str) -> Tensor:
    """Quantiles of the ``count`` smallest elements of each row; the axes of q come first.

    count: float64, with the axes of x, the last of size 1.
    """
    if x._value.dtype == HALF:
        return cast(quantile_of_rows(op, cast(x, FLOAT), count, q, method), HALF)
    shares = _shares(op, q)
    if method not in METHODS:
        raise ValueError(f"{op}: method={method!r}{location()}; it must be one of {', '.join(METHODS)}.")
    low, high, t = _places(count, x._new(shares.reshape(-1)), method)
    order = x.detach().argsort()

    def element(place: Tensor) -> Tensor:
        """The elements at places of the order that may lie outside."""
        inside = cast(place.maximum(0.0).minimum((count - 1.0).maximum(0.0)), INTEGER)
        return x.take_along_axis(order.take_along_axis(inside, -1), -1)

    y = element(low)
    if method not in ("inverted_cdf", *AT_ONE):
        y = floating(y)
        y = _blend(y, floating(element(high)), cast(t, y._value.dtype))
    if y._value.dtype.kind == "f":
        y = element(count - 1.0).detach().isnan().where(math.nan, y)
    lead = y._value.ndim - 1
    return y.permute(lead, *range(lead)).reshape(*shares.shape, *y._value.shape[:-1])


def _blend(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """a (1 - t) + b t, and exactly a where both are equal; also where they are infinite."""
    near = t < 0.5
    gap = b - a
    usual = near.where(a, b) + near.where(t, t - 1.0).times(gap)
    return gap.isfinite().where(usual, (1.0 - t).times(a) + t.times(b))


def _shares(op: str, q: Any) -> np.ndarray:
    if isinstance(q, Tensor):
        if q.requires_grad:
            raise GraphError(f"{op} has no derivative by q{location()}: use q.detach().")
        q = q._concrete(f"{op}: q")
    shares = np.asarray(q)
    if shares.dtype.kind not in "fiub":
        raise DTypeError(f"{op}: q is of type {type(q).__name__}{location()}; it takes numbers from 0 to 1.")
    shares = shares.astype(DOUBLE)
    if not ((shares >= 0) & (shares <= 1)).all():
        bad = shares[~((shares >= 0) & (shares <= 1))].flat[0]
        raise ValueError(f"{op}: q={bad:g}{location()}; it must be from 0 to 1 (percentiles from 0 to 100).")
    return shares


def _places(n: Tensor, q: Tensor, method: str) -> tuple[Tensor, Tensor, Tensor]:
    """The places of the two neighbours, and how far the quantile lies from the first to the second."""
    if method in BETWEEN:
        alpha, beta = BETWEEN[method]
        place = (n - 1.0) * q if method == "linear" else n * q + (alpha + q * (1.0 - alpha - beta)) - 1.0
        place = place.maximum(0.0).minimum((n - 1.0).maximum(0.0))
        low = place.floor()
        return low, low + 1.0, place - low
    if method in AT_ONE:
        low = AT_ONE[method]((n - 1.0) * q)
        return low, low, low
    if method == "midpoint":
        place = (n - 1.0) * q
        low = place.floor()
        return low, low + 1.0, (place > low).where(0.5, low * 0.0)
    place = n * q
    up = -(-place).floor()  # the first element below or at which lies a share q
    return up - 1.0, up, ((place == up) & (place > 0.0)).where(0.5, up * 0.0)
