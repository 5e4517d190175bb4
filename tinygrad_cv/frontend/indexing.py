"""Indexing: ``x[...]`` becomes slices, one gather and reshapes; ``x[...] = v`` writes into memory, unrecorded."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.context import change, current, location, read
from ..core.errors import DTypeError, ShapeError
from ..core.fitting import fitted
from ..core.tape import apply
from ..core.variable import Variable, stamp
from ..ops import indexing
from ..ops.arrays import broadcast
from .forward import Tensor
from .movement import axis_of, concatenate
from .promotion import broadcast_shape, cast, expand, given, to_array

if TYPE_CHECKING:
    from .typing import DTypeLike, Index, TensorLike

INT = np.dtype(np.int64)
ANY = np.zeros((), bool)  # broadcast to any shape, to see what an index does with the shape


class IndexingMethods(Variable):
    """Indexing with brackets and along axes."""

    __slots__ = ()

    def __getitem__(self: Tensor, key: Index | tuple[Index, ...]) -> Tensor:
        """NumPy's rules: integers, slices, None, ..., integer arrays and boolean masks, in any combination."""
        parts = _parts(key, self)
        arrays = [part for part in parts if isinstance(part, Tensor)]
        if not arrays:
            return _basic(self, parts)
        return _advanced(self, parts)

    def __setitem__(self: Tensor, key: Index | tuple[Index, ...], new: TensorLike) -> None:
        """Change elements in place, unrecorded; backward passes of graphs that saved the array raise.

        Raises:
            GraphError: the tensor requires grad and operations are being recorded.
            ShapeError: the new values do not broadcast to the indexed shape.
        """
        raw = tuple(map(_raw, key)) if isinstance(key, tuple) else _raw(key)
        try:
            values: Any = read(new) if isinstance(new, Tensor) else np.asarray(new)
        except ValueError as error:
            raise ShapeError(f"t[...] = v: v is {type(new).__name__} of unequal lengths. {error}") from None
        if values.dtype.kind not in "fiub":
            raise DTypeError(f"t[...] = v: v has dtype {values.dtype}; it takes numbers.")
        if values.dtype.kind == "f" and self._value.dtype.kind != "f":
            raise DTypeError(
                f"t[...] = v: the values have dtype {values.dtype}, the tensor {self._value.dtype}. "
                "Use .astype() on one of them."
            )
        if self._value.dtype.kind in "iu" and isinstance(values, np.ndarray):
            values = fitted("t[...] = v", values, self._value.dtype)
        place = _selected(self._value.shape, raw)
        lead = max(values.ndim - len(place), 0)
        pairs = zip(values.shape[lead:][::-1], place[::-1], strict=False)
        if math.prod(values.shape[:lead]) != 1 or any(n not in (1, size) for n, size in pairs):
            raise ShapeError(
                f"t[...] = v: the index selects shape {place}, the values have {values.shape} and must broadcast to it."
            )
        if current().trace is None:
            stamp(self, "t[...] = v")[raw] = values
        else:
            self._check_unrecorded("t[...] = v")
            change(self, read(_replaced(self, raw, self._new(values))))

    def gather(self: Tensor, index: TensorLike, *others: object) -> Tensor:
        """y[i, ...] = x[index[i], ...]: rows by number."""
        if others:
            raise TypeError("gather takes row numbers only: use .take_along_axis(index, axis).")
        rows = given("gather", index, self)
        _expect_rows(rows, self._value.shape[0])
        return apply(indexing.gather, self, rows)

    def scatter_add(self: Tensor, index: TensorLike, size: int) -> Tensor:
        """y[k, ...] = Σ x[i, ...] over index[i] = k: the adjoint of :meth:`gather`."""
        rows = given("scatter_add", index, self)
        _expect_rows(rows, size)
        return apply(indexing.scatter_add, self, rows, size=size)

    def take_along_axis(self: Tensor, index: TensorLike, axis: int = -1) -> Tensor:
        """y[..., i, ...] = x[..., index[..., i, ...], ...], as ``numpy.take_along_axis`` does."""
        index = index if isinstance(index, Tensor) else self._new(to_array(index))
        old = self._value.shape
        axis = axis_of("take_along_axis", axis, len(old))
        if len(index._value.shape) != len(old):
            raise ShapeError(
                f"take_along_axis: index of shape {index._value.shape} on a tensor of shape {old}; axes must match."
            )
        numbers = [iota(self, tuple(n if j == i else 1 for j in range(len(old))), (i,), INT) for i, n in enumerate(old)]
        places = [index if i == axis else number for i, number in enumerate(numbers)]
        broadcast_shape("take_along_axis", *places)
        return self[tuple(places)]

    def iota(self: Tensor, axis: tuple[int, ...], dtype: np.dtype) -> Tensor:
        """0, 1, 2, ... in row-major order over the axes, in this tensor's shape."""
        return iota(self, self._value.shape, axis, dtype)


def iota(like: Tensor, shape: tuple[int, ...], axis: tuple[int, ...], dtype: DTypeLike) -> Tensor:
    """0, 1, 2, ... in row-major order over some axes of a shape."""
    params = {"shape": shape, "axis": axis, "dtype": np.dtype(dtype)}
    return like._new(current().interpret(indexing.iota, [], params))


def looked_up(x: Tensor, index: Tensor) -> Tensor:
    """Rows by number, as by :meth:`Tensor.gather`, where whoever computed the numbers knows that they are in range."""
    return apply(indexing.gather, x, index)


def summed_up(x: Tensor, index: Tensor, size: int) -> Tensor:
    """Rows summed by number, as by :meth:`Tensor.scatter_add`, where whoever computed the numbers knows their range."""
    return apply(indexing.scatter_add, x, index, size=size)


def _expect_rows(index: Tensor, n: int) -> None:
    """Within a trace, check in every call that the row numbers are in range. In eager code NumPy does.

    Not in a derivative: its numbers are those of the operation that it is of.
    """
    if not isinstance(read(index), np.ndarray) and current().origin is None:
        index = cast(index, INT)
        ((index >= -n) & (index < n)).holds()


def _selected(shape: tuple[int, ...], raw: Any) -> tuple[int, ...]:
    """The shape that an index selects.

    Raises:
        IndexError: it selects nothing of a tensor of that shape; the reason is NumPy's.
    """
    try:
        return broadcast(ANY, shape)[raw].shape
    except (IndexError, TypeError, ValueError) as error:
        raise IndexError(f"t[{raw!r}] = v of a tensor of shape {shape}{location()}: {error}") from None


def _raw(part: Any) -> Any:
    return part._concrete("t[index] = v: the index") if isinstance(part, Tensor) else part


def _replaced(x: Tensor, place: Any, new: Tensor) -> Tensor:
    """x with new values at the indexed positions: each element is gathered from x or from the new values."""
    shape = x._value.shape
    numbers = np.arange(x.size).reshape(shape)
    there = numbers[place].shape
    numbers[place] = x.size + np.arange(math.prod(there)).reshape(there)
    new = cast(new.reshape(new._value.shape[max(new._value.ndim - len(there), 0) :]), x._value.dtype)
    both = concatenate([x.reshape(-1), expand(new, there).reshape(-1)], 0)
    return both.gather(x._new(numbers))


def _parts(key: Any, like: Tensor) -> list[Any]:
    """The key axis by axis: ints, slices, None and index tensors; the ellipsis and missing axes become slices."""
    shape = like._value.shape
    items = [_item(item, like) for item in (key if isinstance(key, tuple) else (key,))]
    used = sum(map(_axes, items))
    if used > len(shape):
        raise IndexError(f"too many indices for a tensor of shape {shape}{location()}: {used} for {len(shape)} axes")
    rest = [slice(None)] * (len(shape) - used)
    if sum(item is Ellipsis for item in items) > 1:
        raise IndexError("an index can have only one ellipsis ('...')")
    parts: list[Any] = []
    axis = 0
    for item in (*items, *(() if any(item is Ellipsis for item in items) else (Ellipsis,))):
        if item is Ellipsis:
            parts.extend(rest)
            axis += len(rest)
            continue
        n = _axes(item)
        indexed = isinstance(item, (Tensor, np.ndarray))
        parts.extend(_places(item, shape[axis : axis + n], like) if indexed else [item])
        axis += n
    return parts


def _item(item: Any, like: Tensor) -> Any:
    """A part of a key, checked: an int, slice, None, ellipsis, or a tensor or array of integers or booleans."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    if isinstance(item, (int, np.integer)) and not isinstance(item, bool):
        return int(item)
    if not isinstance(item, Tensor):
        array = np.asarray(item)
        empty = array.size == 0 and not isinstance(item, np.ndarray)
        item = array.astype(INT) if empty else array
    dtype = item.dtype
    if dtype.kind not in "iub":
        raise IndexError(
            f"index of dtype {dtype}: tensors are indexed by integers, slices, None, ..., integer arrays and masks"
        )
    if dtype.kind == "b" and not item.shape:
        raise IndexError("a single boolean as an index: use None for a new axis, or where() for a choice")
    return item


def _axes(item: Any) -> int:
    """The number of axes that a part of a key indexes; for a mask, all of its own."""
    if item is None or item is Ellipsis:
        return 0
    return len(item.shape) if isinstance(item, (Tensor, np.ndarray)) and item.dtype.kind == "b" else 1


def _places(index: Any, shape: tuple[int, ...], like: Tensor) -> list[Any]:
    """An index tensor as integers; a mask as the positions of True along each of its axes."""
    if index.dtype.kind != "b":
        return [cast(index if isinstance(index, Tensor) else like._new(index), INT)]
    if index.shape != shape:
        raise IndexError(f"mask of shape {index.shape} on axes of shape {shape}{location()}: they must be equal")
    mask = index if isinstance(index, np.ndarray) else index._concrete("indexing by a mask")
    return [like._new(part.astype(INT)) for part in np.nonzero(mask)]


def _basic(x: Tensor, parts: list[Any]) -> Tensor:
    """Indexing with slices and integers: at most one flip, one slice and one reshape."""
    start, stop, step, flipped, shape = [], [], [], [], []
    axis = 0
    for part in parts:
        if part is None:
            shape.append(1)
            continue
        n = x._value.shape[axis]
        if isinstance(part, int):
            if not -n <= part < n:
                raise IndexError(f"index {part} is out of bounds for axis {axis} with size {n}{location()}")
            low, high, by = part % n, part % n + 1, 1
        else:
            try:
                low, high, by = part.indices(n)
            except (TypeError, ValueError) as error:
                raise IndexError(f"{part} of axis {axis} with size {n}{location()}: {error}") from None
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
    if start != [0] * axis or step != [1] * axis or tuple(stop) != x._value.shape:
        x = x.slice(start, stop, step)
    return x.reshape(tuple(shape))


def _advanced(x: Tensor, parts: list[Any]) -> Tensor:
    """Slices, then one gather along the indexed axes merged into one, then the axes in NumPy's order."""
    places = [i for i, part in enumerate(parts) if isinstance(part, (int, Tensor))]
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
    linear = expand(indices[0], shape)
    for axis, index in zip(indexed[1:], indices[1:], strict=True):
        index = expand(index, shape)
        linear = linear * x._value.shape[axis] + index
    rows = math.prod(x._value.shape[a] for a in indexed)
    rest_shape = [x._value.shape[a] for a in rest]
    taken = x.permute(*indexed, *rest).reshape(rows, *rest_shape).gather(linear)
    before = sum(isinstance(part, slice) for part in parts[: places[0]]) if together else 0
    k = len(shape)
    taken = taken.permute(*range(k, k + before), *range(k), *range(k + before, taken._value.ndim))
    sizes = iter(taken._value.shape)
    out: list[int] = []
    seen = False
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


def _wrapped(part: Any, x: Tensor, axis: int) -> Tensor:
    """An index tensor with negative numbers replaced, checked against the size of its axis."""
    n = x._value.shape[axis]
    index = x._new(np.asarray(part, INT)) if isinstance(part, int) else part
    numbers = read(index)
    if isinstance(numbers, np.ndarray):
        if numbers.size and (numbers.min() < -n or numbers.max() >= n):
            bad = numbers[(numbers < -n) | (numbers >= n)].flat[0]
            raise IndexError(f"index {bad} is out of bounds for axis {axis} with size {n}{location()}")
        return x._new(np.where(numbers < 0, numbers + n, numbers)) if numbers.size and numbers.min() < 0 else index
    ((index >= -n) & (index < n)).holds()
    return (index < 0).where(index + n, index)
