"""Elements by their places: gathered, scattered, picked by size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...frontend.indexing import looked_up, summed_up
from ...frontend.tensor import Tensor
from ..call import numbers, tensor_of
from ..errors import OnnxError
from ..registry import Numbers, operator

INDEX = np.dtype(np.int64)


def axis_of(x: Tensor, axis: int) -> int:
    """An axis counted from the first."""
    if not -x.ndim <= axis < x.ndim:
        raise OnnxError(f"input of shape {x.shape}, axis={axis}: it must be from {-x.ndim} to {x.ndim - 1}.")
    return axis % x.ndim


def _from_the_start(indices: Any, n: int) -> Any:
    """Places along an axis of n elements, of which those below 0 count from the end; known ones stay known."""
    indices = indices.astype(INDEX)
    return np.where(indices < 0, indices + n, indices)


@operator("Gather", since=1)
def gather(x: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    """The parts of x at places along an axis; the axes of the indices are in its place."""
    before: tuple[slice | Tensor, ...] = (slice(None),) * axis_of(x, axis)
    return x[(*before, indices)]


@operator("GatherElements", since=11)
def gather_elements(x: Tensor, indices: Tensor, *, axis: int) -> Tensor:
    """y[i, j] = x[indices[i, j], j] along axis 0."""
    return looked_up(x.reshape(-1), _elements(x, indices, axis))


def _elements(x: Tensor, indices: Any, axis: int) -> Any:
    """Places among all elements of x, whose coordinates are an index's own, but along an axis the index."""
    axis = axis_of(x, axis)
    if indices.ndim != x.ndim:
        raise OnnxError(f"input of shape {x.shape}, indices of shape {indices.shape}: they must have as many axes.")
    steps = [math.prod(x.shape[i + 1 :]) for i in range(x.ndim)]
    others = np.zeros(indices.shape, INDEX)
    for i, place in enumerate(np.indices(indices.shape, INDEX, sparse=True)):
        others += place * steps[i] * (i != axis)
    return _from_the_start(indices, x.shape[axis]) * steps[axis] + others


@operator("GatherND", since=11)
def gather_nd(x: Tensor, indices: Tensor, *, batch_dims: int = 0) -> Tensor:
    """The parts of x whose first coordinates, after those of the batch, are the rows of the indices."""
    rows, places, rest = _rows(x, indices, batch_dims)
    return looked_up(rows, places).reshape(*indices.shape[:-1], *rest)


def _rows(x: Tensor, indices: Any, batch_dims: int) -> tuple[Tensor, Any, tuple[int, ...]]:
    """x as rows of parts, which of them the indices mean, and the shape of a part."""
    k = indices.shape[-1]
    if batch_dims + k > x.ndim or x.shape[:batch_dims] != indices.shape[:batch_dims]:
        raise OnnxError(f"input of shape {x.shape}, indices of shape {indices.shape}, batch_dims={batch_dims}: no fit.")
    batch, lead, rest = math.prod(x.shape[:batch_dims]), x.shape[batch_dims : batch_dims + k], x.shape[batch_dims + k :]
    table = indices.reshape(batch, -1, k)
    first = np.arange(batch, dtype=INDEX).reshape(batch, 1) * math.prod(lead)
    places: Any = np.broadcast_to(first, table.shape[:2])
    for axis, n in enumerate(lead):
        places = places + _from_the_start(table[:, :, axis], n) * math.prod(lead[axis + 1 :])
    return x.reshape(batch * math.prod(lead), *rest), places.reshape(-1), rest


def scattered(rows: Tensor, places: Any, updates: Tensor, reduction: str) -> Tensor:
    """Rows of which some are replaced by updates, or joined with them by a reduction.

    The places must be known for products, maxima and minima.
    """
    n, known = rows.shape[0], places
    places = tensor_of(places)
    if reduction == "add":
        return rows + summed_up(updates, places, n)
    if reduction == "none":
        hit = summed_up(places._new(np.ones(places.shape, np.int64)), places, n) > 0
        return hit.reshape(n, *(1,) * (rows.ndim - 1)).where(summed_up(updates, places, n), rows)
    if reduction not in ("mul", "max", "min"):
        raise OnnxError(f"reduction={reduction!r}: it must be none, add, mul, max or min.")
    known = numbers(known, 1)
    order = np.argsort(known, kind="stable")
    ordered = known[order]
    starts = np.searchsorted(ordered, ordered)
    turn = np.empty(known.shape, INDEX)
    turn[order] = np.arange(len(known)) - starts  # how many updates of the same row come before
    for number in range(int(turn.max(initial=-1)) + 1):
        (chosen,) = np.nonzero(turn == number)
        own = known[chosen]
        changed = np.zeros((n, *(1,) * (rows.ndim - 1)), bool)
        changed[own] = True
        new = summed_up(updates[chosen], places._new(own), n)
        joined = rows * new if reduction == "mul" else rows.maximum(new) if reduction == "max" else rows.minimum(new)
        rows = places._new(changed).where(joined, rows)
    return rows


@operator("Scatter", since=9)
def scatter(x: Tensor, indices: Any, updates: Tensor, *, axis: int) -> Tensor:
    return scatter_elements(x, indices, updates, axis=axis)


@operator("ScatterElements", since=11)
def scatter_elements(x: Tensor, indices: Any, updates: Tensor, *, axis: int, reduction: str = "none") -> Tensor:
    """x with y[indices[i, j], j] = updates[i, j] along axis 0, or joined with it."""
    places = _elements(x, indices, axis).reshape(-1)
    return scattered(x.reshape(-1), places, updates.reshape(-1), reduction).reshape(x.shape)


@operator("ScatterND", since=11)
def scatter_nd(x: Tensor, indices: Any, updates: Tensor, *, reduction: str = "none") -> Tensor:
    rows, places, rest = _rows(x, indices, 0)
    return scattered(rows, places, updates.reshape(-1, *rest), reduction).reshape(x.shape)


@operator("OneHot", since=9, grows=True)
def one_hot(indices: Tensor, depth: Numbers, values: Tensor, *, axis: int) -> Tensor:
    """The second of two values at the place along a new axis that the index says, otherwise the first."""
    n = int(depth.reshape(()))
    axis %= indices.ndim + 1
    places = _from_the_start(indices, n).expand_dims(axis)
    shape = (*indices.shape[:axis], n, *indices.shape[axis:])
    hit = values._new(np.arange(n).reshape(n, *(1,) * (indices.ndim - axis))) == places
    return hit.expand(shape).where(values[1], values[0])


@operator("TopK", since=1)
def top_k_of(x: Tensor, *, axis: int, k: int) -> tuple[Tensor, Tensor]:
    return x.topk(k, axis_of(x, axis))


@operator("TopK", since=10)
def top_k(x: Tensor, k: Numbers, *, axis: int, largest: bool = True, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The largest or smallest elements, in order whether or not that is asked for, and their places."""
    return x.topk(int(k.reshape(())), axis_of(x, axis), largest)


@operator("Compress", since=9)
def compress(x: Tensor, condition: Numbers, *, axis: int | None = None) -> Tensor:
    """The parts along an axis, or of all elements, where the condition is true."""
    (kept,) = np.nonzero(condition)
    return gather(x.reshape(-1) if axis is None else x, x._new(kept), axis=0 if axis is None else axis)


@operator("NonZero", since=9)
def nonzero(x: Numbers) -> np.ndarray:
    """The coordinates of all elements other than 0, one column for each."""
    return np.array(np.nonzero(x), INDEX).reshape(x.ndim, -1)


@operator("CumSum", since=11)
def cumulative_sum(x: Tensor, axis: Numbers, *, exclusive: bool, reverse: bool) -> Tensor:
    return _cumulative(x, axis, exclusive, reverse, 0)


@operator("CumProd", since=26)
def cumulative_product(x: Tensor, axis: Numbers, *, exclusive: bool, reverse: bool) -> Tensor:
    return _cumulative(x, axis, exclusive, reverse, 1)


def _cumulative(x: Tensor, axis: Numbers, exclusive: bool, reverse: bool, neutral: int) -> Tensor:
    along = axis_of(x, int(axis.reshape(())))
    n = x.shape[along]
    y = x.flip(along) if reverse else x
    if exclusive:
        shifted = y.pad([(1, 0) if i == along else (0, 0) for i in range(x.ndim)], neutral)
        y = shifted[(*(slice(None),) * along, slice(n))]
    y = (y.cumprod(along) if neutral else y.cumsum(along)).astype(x.dtype)
    return y.flip(along) if reverse else y


@operator("ReverseSequence", since=10)
def reverse_sequence(x: Tensor, sequence_lens: Numbers, *, batch_axis: int, time_axis: int) -> Tensor:
    """The first elements of each sequence, as many as it is long, in reverse order."""
    time, batch = axis_of(x, time_axis), axis_of(x, batch_axis)
    lengths = sequence_lens.astype(INDEX).reshape([-1 if i == batch else 1 for i in range(x.ndim)])
    steps = np.arange(x.shape[time]).reshape([-1 if i == time else 1 for i in range(x.ndim)])
    places = np.where(steps < lengths, lengths - 1 - steps, steps)
    return gather_elements(x, x._new(np.broadcast_to(places, x.shape).copy()), axis=time)
