"""Tensor methods that rearrange elements: rolled, tiled, turned, cut, on diagonals; composed of movements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..core.variable import Variable
from .forward import Tensor
from .indexing import INT, iota
from .movement import axes_of, axis_of, concatenate, shape_of, whole
from .promotion import broadcast_shape

if TYPE_CHECKING:
    from .typing import Axis, Shape


class ArrangementMethods(Variable):
    """Where elements go; NumPy names."""

    __slots__ = ()

    def roll(self: Tensor, shift: int | Sequence[int], axis: Axis = None) -> Tensor:
        """Elements moved by ``shift`` places along axes, those beyond the end to the beginning; None: through all."""
        if axis is None and not isinstance(shift, (tuple, list)):
            return self.reshape(-1).roll(shift, 0).reshape(self._value.shape)
        ndim = self._value.ndim
        axes = [axis_of("roll", a, ndim) for a in _several(axis)] if axis is not None else []
        shifts = [whole("roll", "shift", s) for s in _several(shift)]
        if not shifts or not axes or (len(shifts) != len(axes) and 1 not in (len(shifts), len(axes))):
            raise ShapeError(
                f"roll by {shift} along axes {axis}{location()}: one shift for each axis, or one of either."
            )
        times = max(len(shifts), len(axes))
        y = self
        for by, a in zip(shifts * (times // len(shifts)), axes * (times // len(axes)), strict=True):
            n = y._value.shape[a]
            if n and by % n:
                head, tail = y.split([n - by % n], a)
                y = concatenate([tail, head], a)
        return y.clone() if y is self else y

    def tile(self: Tensor, *reps: Shape) -> Tensor:
        """The whole tensor again and again along its axes, as ``numpy.tile`` does; new axes come first."""
        counts, shape = shape_of("tile", reps), self._value.shape
        if min(counts, default=1) < 0:
            raise ShapeError(f"tile: {counts} names a negative number of repetitions.")
        ndim = max(len(counts), len(shape))
        counts, shape = (1,) * (ndim - len(counts)) + counts, (1,) * (ndim - len(shape)) + shape
        if all(n == 1 for n in counts):
            return self.reshape(shape).clone()
        apart = self.reshape([m for n in shape for m in (1, n)])
        wide = apart.expand([m for count, n in zip(counts, shape, strict=True) for m in (count, n)])
        return wide.reshape([count * n for count, n in zip(counts, shape, strict=True)])

    def rot90(self: Tensor, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
        """A quarter turn k times, from the first of two axes towards the second."""
        if len(axes) != 2 or self._value.ndim < 2:
            raise ShapeError(f"rot90 of {self._value.shape} in the axes {axes}{location()}: it takes two axes.")
        k = whole("rot90", "k", k)
        first, second = axes_of("rot90", tuple(axes), self._value.ndim)
        if k % 4 == 2:
            return self.flip((first, second))
        if k % 4 == 0:
            return self.clone()
        return self.flip(second).swapaxes(first, second) if k % 4 == 1 else self.swapaxes(first, second).flip(second)

    def flipud(self: Tensor) -> Tensor:
        """The first axis reversed."""
        return self.flip(axis_of("flipud", 0, self._value.ndim))

    def fliplr(self: Tensor) -> Tensor:
        """The second axis reversed."""
        return self.flip(axis_of("fliplr", 1, self._value.ndim))

    def diagonal(self: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The elements [i, i + offset] of two axes, as the last axis of the result."""
        offset = whole("diagonal", "offset", offset)
        i, j = axes_of("diagonal", (axis1, axis2), self._value.ndim)
        x = self.moveaxis((i, j), (-2, -1))
        rows, columns = x._value.shape[-2:]
        low, high = max(-offset, 0), min(rows, columns - offset)
        count = max(high - low, 0)
        places = np.arange(low, low + count)
        return x[..., places, places + offset]

    def trace(self: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
        """The sum of a diagonal."""
        return self.diagonal(offset, axis1, axis2).sum(-1)

    def diag(self: Tensor, offset: int = 0) -> Tensor:
        """A vector as the diagonal of a matrix of zeros, or the diagonal of a matrix."""
        if self._value.ndim == 2:
            return self.diagonal(offset)
        if self._value.ndim != 1:
            raise ShapeError(f"diag of shape {self._value.shape}{location()}: it takes one axis or two.")
        offset = whole("diag", "offset", offset)
        side = self._value.shape[0] + abs(offset)
        rows = self.pad(((max(-offset, 0), max(offset, 0)),)).reshape(side, 1)
        return (columns_less_rows(self, side, side) == offset).where(rows, zero(self))

    def tril(self: Tensor, offset: int = 0) -> Tensor:
        """The elements on and below a diagonal, and 0 above."""
        return _beyond("tril", self, offset).where(zero(self), self)

    def triu(self: Tensor, offset: int = 0) -> Tensor:
        """The elements on and above a diagonal, and 0 below."""
        return _beyond("triu", self, whole("triu", "offset", offset) - 1).where(self, zero(self))

    def chunk(self: Tensor, chunks: int, axis: int = 0) -> list[Tensor]:
        """At most so many parts of equal size, the last one smaller, as PyTorch has it."""
        axis = axis_of("chunk", axis, self._value.ndim)
        if chunks < 1:
            raise ShapeError(f"chunk into {chunks} parts{location()}: it must be at least one.")
        n = self._value.shape[axis]
        size = max(-(-n // chunks), 1)
        return self.split(list(range(size, n, size)), axis) if n else self.split(chunks, axis)

    def unbind(self: Tensor, axis: int = 0) -> tuple[Tensor, ...]:
        """The parts along an axis, without that axis."""
        axis = axis_of("unbind", axis, self._value.ndim)
        x = self.moveaxis(axis, 0)
        return tuple([x[i] for i in range(x._value.shape[0])])


def meshgrid(*tensors: Tensor, indexing: str = "xy", sparse: bool = False) -> tuple[Tensor, ...]:
    """The coordinates of a grid from those along its axes.

    With "xy", as in NumPy, the first tensor runs along the second axis; with "ij" each along its own. A ``sparse`` grid
    keeps the other axes at size 1.

    >>> import tinygrad_cv as tg
    >>> x, y = tg.meshgrid(tg.arange(3), tg.arange(2))
    >>> (10 * y + x).tolist()
    [[0, 1, 2], [10, 11, 12]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r}; it must be 'xy' or 'ij'.")
    xs = [x.reshape(-1) for x in tensors]
    order = [1, 0, *range(2, len(xs))] if indexing == "xy" and len(xs) > 1 else list(range(len(xs)))
    thin = [x.reshape([x.size if k == order[i] else 1 for k in range(len(xs))]) for i, x in enumerate(xs)]
    if sparse or not thin:
        return tuple(x.clone() for x in thin)
    shape = broadcast_shape("meshgrid", *thin)
    return tuple(x.expand(shape).clone() for x in thin)


def _several(x: Axis | Sequence[int]) -> list[int]:
    return list(x) if isinstance(x, (tuple, list)) else [x]  # type: ignore[list-item]


def _beyond(op: str, x: Tensor, offset: int) -> Tensor:
    """Where elements lie above a diagonal of the last two axes."""
    if x._value.ndim < 2:
        raise ShapeError(f"{op} of shape {x._value.shape}{location()}: it takes at least two axes.")
    return columns_less_rows(x, *x._value.shape[-2:]) > whole(op, "offset", offset)


def columns_less_rows(like: Tensor, rows: int, columns: int) -> Tensor:
    """The number of the column less that of the row, of every element of a matrix."""
    return iota(like, (1, columns), (1,), INT) - iota(like, (rows, 1), (0,), INT)


def zero(like: Tensor) -> Tensor:
    """0 in the dtype of a tensor."""
    return like._new(np.zeros((), like._value.dtype))
