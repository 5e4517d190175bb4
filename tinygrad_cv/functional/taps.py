"""A linear map along one axis whose outputs each read a few neighbouring inputs: resizing, means over bins.

Output o is Σ_t weights[o, t] · x[places[o, t]]. Outputs are taken in blocks of equal length, and all blocks read
windows of one kernel, a constant stride apart, so that the map is windows, a product with constants and a sum, and its
adjoint a fold. The product is 0 where the weight is, so that an infinity or NaN reaches only the outputs that read it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

BLOCK = 32  # outputs: longer blocks are tried only where an input is read by more outputs than that


class Blocks(NamedTuple):
    """Blocks of outputs over windows of an axis: block b reads x[start + stride b + t], t < the weights' last size."""

    start: int
    stride: int
    weights: np.ndarray  # blocks x outputs of each x taps


class Taps:
    """The places that each output reads, and their weights, outputs x taps; a place may occur twice."""

    def __init__(self, size: int, places: np.ndarray, weights: np.ndarray):
        self.size, self.count = size, len(places)
        self.blocks = _blocks(places, weights)

    def along(self, axis: int, x: Tensor) -> Tensor:
        """The map applied along an axis of x, which has ``size`` elements there."""
        start, stride, weights = self.blocks
        blocks, outputs, taps = weights.shape
        after = x.ndim - axis - 1
        if (start, stride, taps) == (0, 1, 1) and outputs == 1 and (weights == 1).all():
            return x if blocks == self.size else x.slice((0,) * x.ndim, _with(x.shape, axis, blocks))
        stop = start + stride * (blocks - 1) + taps
        x = _cut(x, axis, start, stop)
        kernel, steps = (taps, *(1,) * after), (stride, *(1,) * after)
        windows = x.windows(kernel, steps, (1,) * (after + 1))  # a b c -> a b' c t 1
        parts = windows.reshape(*_with(x.shape, axis, blocks), taps).expand_dims(axis + 1)  # a b' 1 c t
        if taps == 1 and (weights == 1).all():
            y = parts.squeeze(parts.ndim - 1).expand(*x.shape[:axis], blocks, outputs, *x.shape[axis + 1 :])
        else:
            factors = weights.astype(x.dtype).reshape(blocks, outputs, *(1,) * after, taps)
            y = x._new(factors).times(parts).sum(parts.ndim - 1)
        y = y.reshape(_with(x.shape, axis, blocks * outputs))
        return y if blocks * outputs == self.count else y.slice((0,) * y.ndim, _with(y.shape, axis, self.count))


def _with(shape: Sequence[int], axis: int, n: int) -> tuple[int, ...]:
    return (*shape[:axis], n, *shape[axis + 1 :])


def _cut(x: Tensor, axis: int, start: int, stop: int) -> Tensor:
    """x[start:stop] along an axis, with zeros beyond its ends."""
    n = x.shape[axis]
    low, high = max(start, 0), min(stop, n)
    if (low, high) != (0, n):
        x = x.slice(_with((0,) * x.ndim, axis, low), _with(x.shape, axis, high))
    if (low, high) != (start, stop):
        x = x.pad([(low - start, stop - high) if i == axis else (0, 0) for i in range(x.ndim)])
    return x


def _blocks(places: np.ndarray, weights: np.ndarray) -> Blocks:
    """The blocks with the shortest windows; of several the shortest blocks."""
    m = len(places)
    read = weights != 0
    anywhere = np.where(read.any(1), places[np.arange(m), read.argmax(1)], 0)[:, None]  # that the output reads
    first, last = np.where(read, places, anywhere).min(1), np.where(read, places, anywhere).max(1)
    readers = -(-m // (int(last.max()) + 1))  # outputs for each input
    best = None
    for outputs in range(1, min(m, max(BLOCK, 2 * readers)) + 1):
        starts = np.arange(0, m, outputs)
        low, high = np.minimum.reduceat(first, starts), np.maximum.reduceat(last, starts)
        rate = max(int((low[-1] - low[0]) / max(len(starts) - 1, 1)), 1)
        for stride in (rate, rate + 1):
            drift = stride * np.arange(len(starts))
            start = int((low - drift).min())
            taps = int((high - drift).max()) - start + 1
            if best is None or taps < best[0]:
                best = taps, outputs, start, stride
    assert best is not None
    taps, outputs, start, stride = best
    blocks = -(-m // outputs)
    table = np.zeros((blocks * outputs, taps))
    o = np.broadcast_to(np.arange(m)[:, None], places.shape)[read]
    np.add.at(table, (o, places[read] - start - stride * (o // outputs)), weights[read])
    return Blocks(start, stride, table.reshape(blocks, outputs, taps))
