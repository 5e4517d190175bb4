"""Indexing: ``x[...]`` becomes slices, one gather and reshapes; ``x[...] = v`` changes memory, outside of a graph."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..core.tape import apply
from ..core.variable import Variable, stamp
from ..ops import indexing
from .promotion import broadcast_shape, cast, expand, to_array

INT = np.dtype(np.int64)


class IndexingMethods(Variable):
    """What brackets do, and taking along an axis."""

    __slots__ = ()

    def __getitem__(self, key: Any) -> Any:
        """NumPy's rules: integers, slices, None, ..., integer arrays and boolean masks, in any mixture."""
        parts = _parts(key, self.value.shape)
        arrays = [part for part in parts if isinstance(part, Variable)]
        if not arrays:
            return _basic(self, parts)
        return _advanced(self, parts)

    def __setitem__(self, key: Any, new: Any) -> None:
        """Change elements in place. Not while this tensor is being recorded; graphs that kept the array notice.

        Raises:
            GraphError: the tensor requires grad and operations are being recorded.
            ShapeError: the new values do not fit the place.
        """
        raw = tuple(map(_raw, key)) if isinstance(key, tuple) else _raw(key)
        values = new.value if isinstance(new, Variable) else np.asarray(new)
        if values.dtype.kind not in "fiub":
            raise DTypeError(f"t[...] = v: v has dtype {values.dtype}; it takes numbers.")
        if values.dtype.kind == "f" and self.value.dtype.kind != "f":
            raise DTypeError(f"t[...] = v: {values.dtype} does not go into {self.value.dtype}. Use .astype() on one of them.")
        place = self.value[raw].shape
        if np.broadcast_shapes(place, values.shape[max(values.ndim - len(place), 0) :]) != place or math.prod(
            values.shape[: max(values.ndim - len(place), 0)]
        ) != 1:
            raise ShapeError(f"t[...] = v: the place has shape {place}, the values {values.shape}; they must broadcast to it.")
        stamp(self, "t[...] = v")[raw] = values

    def gather(self, index: Any) -> Any:
        """y[i, ...] = x[index[i], ...]: rows by their numbers."""
        return apply(indexing.gather, self, index)

    def scatter_add(self, index: Any, size: int) -> Any:
        """y[k, ...] = Σ x[i, ...] over index[i] = k: the adjoint of :meth:`gather`."""
        return apply(indexing.scatter_add, self, index, size=size)

    def take_along_axis(self, index: Any, axis: int = -1) -> Any:
        """y[..., i, ...] = x[..., index[..., i, ...], ...], as ``numpy.take_along_axis`` does."""
        index = index if isinstance(index, Variable) else self._result(to_array(index))
        axis = axis % self.value.ndim
        shape = index.value.shape
        places = [
            index if i == axis else index.iota((i,), INT)  # type: ignore[attr-defined]
            for i in range(self.value.ndim)
        ]
        if len(shape) != self.value.ndim:
            raise ShapeError(f"take_along_axis: index of shape {shape} on a tensor of shape {self.value.shape}; axes must match.")
        return self[tuple(places)]

    def iota(self, axis: tuple[int, ...], dtype: np.dtype) -> Any:
        """0, 1, 2, ... in row-major order over the axes, in this tensor's shape."""
        return iota(self, self.value.shape, axis, dtype)


def iota(like: Variable, shape: tuple[int, ...], axis: tuple[int, ...], dtype: Any) -> Any:
    """0, 1, 2, ... in row-major order over some axes of a shape."""
    from ..core.context import current

    params = {"shape": shape, "axis": axis, "dtype": np.dtype(dtype)}
    return like._result(current().interpret(indexing.iota, [], params))


def _raw(part: Any) -> Any:
    return part.value if isinstance(part, Variable) else part


def _parts(key: Any, shape: tuple[int, ...]) -> list[Any]:
    """The key by axes: ints, slices, None and index tensors, the ellipsis and the missing axes filled in."""
    keys = list(key) if isinstance(key, tuple) else [key]
    parts: list[Any] = []
    used = 0
    dots = None
    for item in keys:
        if item is Ellipsis:
            if dots is not None:
                raise IndexError("an index can have only one ellipsis ('...')")
            dots = len(parts)
        elif item is None:
            parts.append(None)
        elif isinstance(item, slice):
            parts.append(item)
            used += 1
        elif isinstance(item, (int, np.integer)) and not isinstance(item, (bool, np.bool_)):
            parts.append(int(item))
            used += 1
        else:
            arrays = _index_arrays(item, shape, used + (0 if dots is None else 0), keys)
            parts.extend(arrays)
            used += len(arrays)
    if used > len(shape):
        raise IndexError(f"too many indices for a tensor of shape {shape}{location()}: {used} for {len(shape)} axes")
    place = len(parts) if dots is None else dots
    parts[place:place] = [slice(None)] * (len(shape) - used)
    return parts


def _index_arrays(item: Any, shape: tuple[int, ...], axis: int, keys: list[Any]) -> list[Any]:
    """An index array as integer tensors: a mask counts for as many axes as it has, each with the places of its True."""
    from .tensor import Tensor

    array = item.value if isinstance(item, Variable) else np.asarray(item)
    if getattr(array, "size", 1) == 0 and not isinstance(item, (Variable, np.ndarray)):
        array = np.asarray(array, np.int64)
    if array.dtype.kind == "b":
        return [Tensor._new(part.astype(INT)) for part in np.nonzero(array)]
    if array.dtype.kind not in "iu":
        raise IndexError(
            f"index of dtype {array.dtype}: tensors are indexed by integers, slices, None, ..., integer arrays and masks"
        )
    return [cast(item, INT) if isinstance(item, Variable) else Tensor._new(array.astype(INT))]


def _basic(x: Any, parts: list[Any]) -> Any:
    """Slices and integers: at most one flip, one slice and one reshape."""
    start, stop, step, flipped, shape = [], [], [], [], []
    axis = 0
    for part in parts:
        if part is None:
            shape.append(1)
            continue
        n = x.value.shape[axis]
        if isinstance(part, int):
            if not -n <= part < n:
                raise IndexError(f"index {part} is out of bounds for axis {axis} with size {n}{location()}")
            low, high, by = part % n, part % n + 1, 1
        else:
            low, high, by = part.indices(n)
            count = len(range(low, high, by))
            if by < 0:
                flipped.append(axis)
                low, by = n - 1 - low, -by
            low = min(low, n) if count else 0
            high = low + (count - 1) * by + 1 if count else low
            shape.append(count)
        start.append(low)
        stop.append(high)
        step.append(by)
        axis += 1
    if flipped:
        x = x.flip(tuple(flipped))
    if start != [0] * axis or step != [1] * axis or tuple(stop) != x.value.shape:
        x = x.slice(start, stop, step)
    return x.reshape(tuple(shape))


def _advanced(x: Any, parts: list[Any]) -> Any:
    """Slices first, then one gather over the indexed axes as one axis, then the axes in NumPy's order."""
    places = [i for i, part in enumerate(parts) if isinstance(part, (int, Variable))]
    together = places == list(range(places[0], places[-1] + 1))
    x = _basic(x, [part if isinstance(part, slice) else slice(None) for part in parts if part is not None])
    indexed, rest, indices = [], [], []
    axis = 0
    for part in parts:
        if part is None:
            continue
        if isinstance(part, slice):
            rest.append(axis)
        else:
            indexed.append(axis)
            indices.append(_wrapped(part, x, axis))
        axis += 1
    shape = broadcast_shape("indexing", *indices)
    linear = None
    for a, index in zip(indexed, indices, strict=True):
        index = expand(index, shape)
        linear = index if linear is None else linear * x.value.shape[a] + index
    rows = math.prod(x.value.shape[a] for a in indexed)
    rest_shape = [x.value.shape[a] for a in rest]
    taken = x.permute(*indexed, *rest).reshape(rows, *rest_shape).gather(linear)
    before = sum(isinstance(part, slice) for part in parts[: places[0]]) if together else 0
    k = len(shape)
    taken = taken.permute(*range(k, k + before), *range(k), *range(k + before, taken.value.ndim))
    sizes = iter(taken.value.shape)
    out, seen = [], False
    if not together:
        out.extend(next(sizes) for _ in shape)
        seen = True
    for part in parts:
        if part is None:
            out.append(1)
        elif isinstance(part, slice):
            out.append(next(sizes))
        elif not seen:
            out.extend(next(sizes) for _ in shape)
            seen = True
    return taken.reshape(tuple(out))


def _wrapped(part: Any, x: Any, axis: int) -> Any:
    """An index with negative numbers counted from the end, and checked against the axis."""
    n = x.value.shape[axis]
    index = x._result(np.asarray(part, INT)) if isinstance(part, int) else part
    numbers = index.value
    if isinstance(numbers, np.ndarray):
        if numbers.size and (numbers.min() < -n or numbers.max() >= n):
            bad = numbers[(numbers < -n) | (numbers >= n)].flat[0]
            raise IndexError(f"index {bad} is out of bounds for axis {axis} with size {n}{location()}")
        return x._result(np.where(numbers < 0, numbers + n, numbers)) if numbers.size and numbers.min() < 0 else index
    return (index < 0).where(index + n, index)
