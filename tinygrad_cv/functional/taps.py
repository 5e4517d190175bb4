"""A linear map along one axis whose outputs each read a few neighbouring inputs: resizing, means over bins.

Output o is Σ_t weights[o, t] · x[places[o, t]]. Outputs are taken in blocks of equal length. What has the same number
in every block reads windows of one length, a constant stride apart, so that the map is windows, a product with
constants and a sum, and its adjoint a fold. Where blocks are short, as when there are two outputs for each input, each
of their outputs has windows of its own; where they are long, all of a block read one window. If windows would have more
elements than outputs need, as when 100 outputs are made of 56 inputs, each output gathers its own few. The product is 0
where the weight is, so that an infinity or NaN reaches only the outputs that read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..frontend.indexing import looked_up
from ..frontend.movement import concatenate

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

SHORT = 8  # outputs of a block, and inputs from one to the next: each output has windows of its own up to here
LONG = 32  # outputs: longer blocks are tried only where an input is read by more outputs than that


GATHERED = 16  # elements that an output needs, at most, where it gathers them


class Part(NamedTuple):
    """Some outputs of each block: they read x[start + stride b + t], t < taps. Weights are taps x blocks x outputs."""

    start: int
    weights: np.ndarray


class Taps:
    """The places that each output reads, and their weights, outputs x taps; a place may occur twice."""

    def __init__(self, size: int, places: np.ndarray, weights: np.ndarray):
        self.size, self.count = size, len(places)
        self.places, self.weights = places, weights
        self.taps, self.stride, self.parts = _parts(size, places, weights)

    def along(self, axis: int, x: Tensor) -> Tensor:
        """The map applied along an axis of x, which has ``size`` elements there."""
        if self.taps > self.places.shape[1] <= GATHERED:
            return self._gathered(axis, x)
        parts = [self._part(part, axis, x) for part in self.parts]
        y = concatenate(parts, axis + 1) if len(parts) > 1 else parts[0]
        y = y.reshape(_with(x.shape, axis, y.shape[axis] * y.shape[axis + 1]))  # b o -> (b o)
        return y if y.shape[axis] == self.count else y.slice((0,) * y.ndim, _with(y.shape, axis, self.count))

    def _gathered(self, axis: int, x: Tensor) -> Tensor:
        """The map applied along an axis, each output from the elements at its places."""
        if bool((self.weights == 1).all()) and self.places.shape[1] == 1:
            return gathered(x, axis, self.places[:, 0])
        read = gathered(x, axis, self.places)  # a o c t
        after = (1,) * (x.ndim - axis - 1)
        weights = self.weights.astype(x.dtype).reshape(*(1,) * axis, self.count, *after, -1)
        return x._new(weights).times(read).sum(x.ndim)

    def _part(self, part: Part, axis: int, x: Tensor) -> Tensor:
        """The outputs of a part, blocks x outputs in place of the axis."""
        taps, blocks, outputs = part.weights.shape
        ones = bool((part.weights == 1).all())
        stop = part.start + self.stride * (blocks - 1) + taps
        x = _cut(x, axis, part.start, stop)
        after = (1,) * (x.ndim - axis - 1)
        windows = x.windows((taps, *after), (self.stride, *after), (1, *after))  # a i c -> a b c t 1
        windows = windows.reshape(*_with(x.shape, axis, blocks), taps).expand_dims(axis + 1)  # a b 1 c t
        if ones and taps == 1:
            return windows.squeeze(x.ndim + 1).expand(*x.shape[:axis], blocks, outputs, *x.shape[axis + 1 :])
        windows = windows.permute(x.ndim + 1, *range(x.ndim + 1))  # a b 1 c t -> t a b 1 c
        weights = part.weights.astype(x.dtype).reshape(taps, *(1,) * axis, blocks, outputs, *after)
        return x._new(weights).times(windows).sum(0)  # t a b o c -> a b o c


def resampled(x: Tensor, maps: Sequence[Taps]) -> Tensor:
    """The maps applied along the last axes, one after the other.

    What shrinks most comes first. The last axis is the slowest: of several that shrink alike it is the last, when the
    others have shrunk, and of several that grow alike the first, before the others grow.
    """
    lead = x.ndim - len(maps)
    ratios = [taps.count / taps.size for taps in maps]
    for axis in sorted(range(len(maps)), key=lambda a: (ratios[a], a if ratios[a] < 1 else -a)):
        x = maps[axis].along(lead + axis, x)
    return x


def gathered(x: Tensor, axis: int, places: np.ndarray) -> Tensor:
    """The elements at places along an axis: one for each output; or a table of outputs x taps, which come last then."""
    rows = x.permute(axis, *(a for a in range(x.ndim) if a != axis))  # a i c -> i a c
    read = looked_up(rows, x._new(np.ascontiguousarray(places.T)))  # t o a c
    k = places.ndim
    return read.permute(*range(k, axis + k), k - 1, *range(axis + k, read.ndim), *range(k - 1))  # t o a c -> a o c t


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


class _Table:
    """Places and weights, taken in blocks of some length a stride apart."""

    def __init__(self, size: int, places: np.ndarray, weights: np.ndarray):
        m = len(places)
        self.size, self.places, self.weights, self.read = size, places, weights, weights != 0
        anywhere = np.where(self.read.any(1), places[np.arange(m), self.read.argmax(1)], 0)[:, None]  # that it reads
        self.first = np.where(self.read, places, anywhere).min(1)
        self.last = np.where(self.read, places, anywhere).max(1)

    def windows(self, length: int, stride: int, apart: bool) -> list[tuple[int, int]]:
        """Where the windows of the first block begin and end: of each output, or of all."""
        drift = stride * (np.arange(len(self.first)) // length)
        low, high = self.first - drift, self.last - drift
        each = [slice(o, None, length) for o in range(length)] if apart else [slice(None)]
        return [(int(low[part].min()), int(high[part].max()) + 1) for part in each]

    def part(self, length: int, stride: int, numbers: slice, window: tuple[int, int]) -> Part:
        """The part of the outputs with these numbers in each block."""
        start, stop = window
        blocks = -(-len(self.places) // length)
        table = np.zeros((stop - start, blocks, length))
        o, t = np.nonzero(self.read)
        block = o // length
        inside = (o % length >= numbers.start) & (o % length < numbers.stop)
        o, t, block = o[inside], t[inside], block[inside]
        np.add.at(table, (self.places[o, t] - start - stride * block, block, o % length), self.weights[o, t])
        table = table[:, :, numbers]
        place = start + np.arange(stop - start)[:, None] + stride * np.arange(blocks)
        table[(place < 0) | (place >= self.size)] = 1.0  # for the zeros beyond the ends,
        table.transpose(1, 2, 0)[np.arange(blocks)[:, None] * length + np.r_[numbers] >= len(self.places)] = 1.0
        return Part(start, table)


def _parts(size: int, places: np.ndarray, weights: np.ndarray) -> tuple[float, int, list[Part]]:
    """The parts with the shortest windows, of several the shortest blocks; their taps and their stride."""
    table = _Table(size, places, weights)
    taps, length, stride, apart = min(_choices(table))
    windows = table.windows(length, stride, apart)
    numbers = [slice(o, o + 1) for o in range(length)] if apart else [slice(0, length)]
    return taps, stride, [table.part(length, stride, own, window) for own, window in zip(numbers, windows, strict=True)]


def _choices(table: _Table) -> Iterator[tuple[float, int, int, bool]]:
    """Taps of an output, length of blocks, their stride, and whether each output has windows of its own."""
    m = len(table.first)
    readers = -(-m // (int(table.last.max()) + 1))  # outputs for each input
    rate = (int(table.first[-1]) - int(table.first[0])) / max(m - 1, 1)
    for length in range(1, min(m, max(LONG, 2 * readers)) + 1):
        for stride in {max(int(rate * length), 1), max(int(rate * length) + 1, 1)}:
            apart = max(length, stride) <= SHORT
            taps = [stop - start for start, stop in table.windows(length, stride, apart)]
            yield sum(taps) / len(taps), length, stride, apart
