"""NumPy's functions that pick elements by places, sort them and search in them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.errors import ShapeError
from ..forward import Tensor
from ..movement import axis_of, concatenate
from ..promotion import INTEGER, broadcast_shape, common_dtype
from .operands import as_tensor, like_of, method, tensors


def take(a: Any, indices: Any, axis: int | None = None, mode: str = "raise") -> Tensor:
    like = like_of((a, indices))
    a, places = as_tensor(a, like), as_tensor(indices, like)
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis = axis_of("take", axis, a.ndim)
    if mode != "raise":
        places = within(places, a.shape[axis], "np.take", mode)
    return a[(*(slice(None),) * axis, places)]


def within(places: Tensor, n: int, op: str, mode: str) -> Tensor:
    """Places made to lie from 0 to n - 1, as NumPy's ``mode`` says."""
    if mode == "wrap":
        return places % n
    if mode == "clip":
        return places.clip(0, n - 1)
    raise ValueError(f"{op}: mode={mode!r}; it must be 'raise', 'wrap' or 'clip'.")


def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Tensor:
    arr, indices = tensors("np.take_along_axis", arr, indices)
    return arr.reshape(-1).take_along_axis(indices, 0) if axis is None else arr.take_along_axis(indices, axis)


def choose(a: Any, choices: Any, mode: str = "raise") -> Tensor:
    """Of each place, the element of the choice that ``a`` numbers there."""
    index, *items = tensors("np.choose", a, *choices)
    items = common_dtype("np.choose", *items)
    shape = broadcast_shape("np.choose", index, *items)
    if mode != "raise":
        index = within(index, len(items), "np.choose", mode)
    elif not ((index >= 0) & (index < len(items))).holds():
        raise IndexError(f"np.choose: a number outside of 0 to {len(items) - 1}, the numbers of the choices.")
    table = concatenate([x.expand(shape).expand_dims(0) for x in items])
    return table.take_along_axis(index.expand(shape).expand_dims(0), 0).squeeze(0)


# ---------------------------------------------------------------- in order


def sort(a: Tensor, axis: Any = -1, kind: Any = None, stable: Any = None) -> Tensor:
    return a.sort(axis)


def argsort(a: Tensor, axis: Any = -1, kind: Any = None, stable: Any = None) -> Tensor:
    return a.argsort(axis)


def partition(a: Tensor, kth: Any, axis: Any = -1, kind: Any = None) -> Tensor:
    """All in order: then every element is where a partition would have it, too."""
    _check_partition("partition", a, kth, axis)
    return a.sort(axis)


def argpartition(a: Tensor, kth: Any, axis: Any = -1, kind: Any = None) -> Tensor:
    _check_partition("argpartition", a, kth, axis)
    return a.argsort(axis)


def _check_partition(op: str, a: Tensor, kth: Any, axis: Any) -> None:
    n = a.size if axis is None else a.shape[axis_of(op, axis, a.ndim)]
    places = np.asarray(kth._concrete(f"np.{op}: kth") if isinstance(kth, Tensor) else kth)
    if places.dtype.kind not in "iu" or ((places < -n) | (places >= n)).any():
        raise ShapeError(f"np.{op} at {kth} along an axis of size {n}: a place must be an integer, {-n} to {n - 1}.")


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> Tensor:
    """How many elements of a, which is in order, are before v: from the places of both in one order."""
    a, v = (x.detach() for x in tensors("np.searchsorted", a, v))
    if a.ndim != 1:
        raise ShapeError(f"np.searchsorted in a tensor of shape {a.shape}: it must have one axis, in order.")
    if side not in ("left", "right"):
        raise ValueError(f"np.searchsorted: side={side!r}; it must be 'left' or 'right'.")
    if sorter is not None:
        a = a[as_tensor(sorter, a)]
    a, v = common_dtype("np.searchsorted", a, v)
    pair = [v.reshape(-1), a] if side == "left" else [a, v.reshape(-1)]
    order = concatenate(pair).argsort()  # of equals, those of the first come first
    first = pair[0].size
    of_a = (order >= first) if side == "left" else (order < first)
    before = of_a.astype(INTEGER).cumsum(0)[order.argsort()]
    return (before[:first] if side == "left" else before[first:]).reshape(v.shape)


def digitize(x: Any, bins: Any, right: bool = False) -> Tensor:
    """The number of the bin, bins rising or falling."""
    x, bins = tensors("np.digitize", x, bins)
    side = "left" if right else "right"
    if bins.ndim != 1:
        raise ShapeError(f"np.digitize: bins of shape {bins.shape}; they must have one axis.")
    edges = bins._concrete("np.digitize: bins")
    rising, falling = bool((edges[1:] >= edges[:-1]).all()), bool((edges[1:] <= edges[:-1]).all())
    if not rising and not falling:
        raise ValueError("np.digitize: bins must rise or fall.")
    return searchsorted(bins, x, side) if rising else bins.size - searchsorted(bins.flip(), x, side)


def nanargmax(a: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return _place_of_number("argmax", -math.inf, a, axis, keepdims)


def nanargmin(a: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    return _place_of_number("argmin", math.inf, a, axis, keepdims)


def _place_of_number(name: str, instead: float, a: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    """The place of an extremum among the elements that are not NaN."""
    if a.dtype.kind != "f":
        return getattr(a, name)(axis, keepdims)
    nan = a.detach().isnan()
    if not (~nan.all(axis)).holds():
        raise ValueError(f"np.nan{name} along axis {axis} of shape {a.shape}: somewhere there is nothing but NaN.")
    return getattr(nan.where(instead, a.detach()), name)(axis, keepdims)


def count_nonzero(a: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    return (a != 0).sum(axis, keepdims)


FUNCTIONS: dict[str, Any] = {
    "take": take,
    "take_along_axis": take_along_axis,
    "choose": choose,
    "sort": sort,
    "argsort": argsort,
    "partition": partition,
    "argpartition": argpartition,
    "searchsorted": searchsorted,
    "digitize": digitize,
    "argmax": method("argmax", "axis", "keepdims"),
    "argmin": method("argmin", "axis", "keepdims"),
    "nanargmax": nanargmax,
    "nanargmin": nanargmin,
    "count_nonzero": count_nonzero,
}
