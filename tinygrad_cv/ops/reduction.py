"""Reductions. The primitives keep reduced axes with size 1; the frontend drops them unless keepdims."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.primitive import Aval, define
from .arrays import HALF, SMALL, allocate, in_single, memory_order

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Axes = tuple[int, ...]
MAX_TAPS = 32  # elements: a reduction of no more runs tap by tap, over whole arrays
ROWS = 128  # terms of a partial sum: keeps rounding errors near those of pairwise summation
WIDE = 256  # elements; narrower rows are added several at a time


def kept(shape: tuple[int, ...], axis: Axes) -> tuple[int, ...]:
    """The shape with the reduced axes at size 1."""
    return tuple(1 if i in axis else n for i, n in enumerate(shape))


def _taps(x: np.ndarray, axis: Axes) -> list[np.ndarray]:
    """The slices that a small reduction combines, in row-major order of the reduced axes."""
    taps = []
    for place in product(*(range(x.shape[i]) for i in axis)):
        index: list[Any] = [slice(None)] * x.ndim
        for i, p in zip(axis, place, strict=True):
            index[i] = slice(p, p + 1)
        taps.append(x[tuple(index)])
    return taps


def _count(x: np.ndarray, axis: Axes) -> int:
    return math.prod(x.shape[i] for i in axis)


def _by_taps(x: np.ndarray, axis: Axes) -> bool:
    return x.size > SMALL and 0 < _count(x, axis) <= MAX_TAPS and max(axis, default=0) > 0


def sum_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype of a sum: int64, but for floats and uint64 their own."""
    return dtype if dtype.kind == "f" or dtype == np.uint64 else np.dtype(np.int64)


def _sum(x: np.ndarray, axis: Axes) -> np.ndarray:
    if x.dtype == HALF:
        return in_single(_sum, x, axis=axis)
    dtype = sum_dtype(x.dtype)
    if x.size <= SMALL or x.dtype.kind != "f" or 0 in x.strides:
        return x.sum(axis, dtype, keepdims=True)
    order = [i for i in memory_order(x) if x.shape[i] > 1]
    inner = len(order)
    while inner and order[inner - 1] in axis:
        inner -= 1
    if _count(x, tuple(order[inner:])) > MAX_TAPS:  # reduced axes innermost in memory: NumPy adds pairwise
        x = x.sum(tuple(order[inner:]), keepdims=True)
        rest = tuple(i for i in axis if x.shape[i] > 1)
        return _sum(x, rest) if rest else x
    if _by_taps(x, axis):
        first, *others = _taps(x, axis)
        out = first.copy(order="K")
        for tap in others:
            out += tap
        return out
    return _sum_rows(x, axis, order)


def _sum_rows(x: np.ndarray, axis: Axes, order: list[int]) -> np.ndarray:
    """The sum over outermost axes in memory: add rows in blocks, so that rounding errors do not accumulate."""
    leading = 0
    while order[leading] in axis:
        leading += 1
    rest = order[leading:]
    table = x.transpose(*order, *(i for i in range(x.ndim) if i not in order))
    if leading == 0 or any(i in axis for i in rest) or not table.flags.c_contiguous:
        return x.sum(axis, keepdims=True)
    width = math.prod(x.shape[i] for i in rest)
    table = table.reshape(-1, width)
    while len(table) > 1:
        table = _add_rows(table)
    out = allocate(kept(x.shape, axis), x.dtype, [*(i for i in range(x.ndim) if i not in rest), *rest])
    out.transpose(memory_order(out)).reshape(-1)[...] = table[0]
    return out


def _add_rows(table: np.ndarray) -> np.ndarray:
    """One round: add every ``ROWS`` rows to one. Several narrow rows are treated as one wide row."""
    rows, width = table.shape
    wide = 1
    while width * wide < WIDE and rows % (2 * wide) == 0 and rows > 2 * wide:
        wide *= 2
    if wide > 1:
        table = table.reshape(rows // wide, wide * width)
        while len(table) > 1:
            table = _add_rows(table)
        return table.reshape(wide, width)
    whole = rows // ROWS
    if not whole:
        return table.sum(0, keepdims=True)
    partial = table[: whole * ROWS].reshape(whole, ROWS, width).sum(1)
    tail = table[whole * ROWS :]
    return np.concatenate([partial, tail.sum(0, keepdims=True)]) if len(tail) else partial


sum_ = define(
    "sum",
    eval=_sum,
    aval=lambda x, *, axis: Aval(kept(x.shape, axis), sum_dtype(x.dtype)),
    inputs=("x",),
    vjps=[lambda g, x_shape: g.expand(x_shape)],
    family="reduction",
    formula="Σ x over the axes",
)


def _max(x: np.ndarray, axis: Axes, ties: str) -> np.ndarray:
    if _by_taps(x, axis):
        first, *others = _taps(x, axis)
        out = first.copy(order="K")
        for tap in others:
            np.maximum(out, tap, out=out)
        return out
    return x.max(axis, keepdims=True)


def _max_vjp(g: Tensor, y: Tensor, x: Tensor, axis: Axes, ties: str) -> Tensor:
    """The cotangent for the first maximum in row-major order, or shared evenly by all."""
    if ties == "first":
        dtype = index_dtype(math.prod(x.shape[i] for i in axis))
        chosen = x.iota(axis, dtype) == x.argmax_kept(axis, dtype)
        return chosen.where(g.expand(x.shape), 0.0)
    chosen = (y == y).where(x == y, x != x)  # noqa: PLR0124 (a NaN is the maximum)
    share = g / chosen.astype(g.dtype).sum(axis, keepdims=True)
    return chosen.where(share.expand(x.shape), 0.0)


max_ = define(
    "max",
    eval=_max,
    aval=lambda x, *, axis, ties: Aval(kept(x.shape, axis), x.dtype),
    inputs=("x",),
    vjps=[_max_vjp],
    family="reduction",
    formula="max x over the axes",
)


def index_dtype(count: int) -> np.dtype:
    """The smallest dtype for positions 0 to count - 1."""
    return np.min_scalar_type(max(count - 1, 0))


def _argmax(x: np.ndarray, axis: Axes, dtype: np.dtype) -> np.ndarray:
    if _by_taps(x, axis):
        first, *others = _taps(x, axis)
        best = first.copy(order="K")
        place = allocate(best.shape, dtype, memory_order(best))
        place[...] = 0
        for i, tap in enumerate(others, 1):
            better = ~(tap <= best) & (best == best)  # noqa: PLR0124 (greater, or the first NaN)
            np.maximum(best, tap, out=best)
            np.maximum(place, np.multiply(better, i, dtype=dtype), out=place)  # i increases: the last one stays
        return place
    rest = [i for i in range(x.ndim) if i not in axis]
    flat = x.transpose(*rest, *axis).reshape(*(x.shape[i] for i in rest), _count(x, axis))
    return flat.argmax(-1).astype(dtype).reshape(kept(x.shape, axis))


argmax = define(
    "argmax",
    eval=_argmax,
    aval=lambda x, *, axis, dtype: Aval(kept(x.shape, axis), dtype),
    inputs=("x",),
    vjps=[None],
    family="reduction",
    formula="the place of the first maximum, row-major over the axes",
)


def _cumsum(x: np.ndarray, axis: int) -> np.ndarray:
    """Cumulative sums, of floats in float64: in float32 they would stop growing once terms are below half an ulp."""
    dtype = sum_dtype(x.dtype)
    wide = np.result_type(dtype, np.float64) if dtype.kind == "f" else dtype
    return np.cumsum(x, axis, wide).astype(dtype, copy=False)


cumsum = define(
    "cumsum",
    eval=_cumsum,
    aval=lambda x, *, axis: Aval(x.shape, sum_dtype(x.dtype)),
    inputs=("x",),
    vjps=[lambda g, axis: g.flip((axis,)).cumsum(axis).flip((axis,))],
    family="reduction",
    formula="y[i] = Σ x[k] over k ≤ i",
)
