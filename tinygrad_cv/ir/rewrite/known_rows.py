"""Scattered sums over rows whose numbers are known: each place gathers its terms, and threads share the places.

    y[k] = Σ x[i] over rows[i] = k   =   Σ_j x[i_j],  where i_0 < i_1 < ... are the i with rows[i] = k

The terms of a place are added in the order in which a scattered sum adds them. Products and selections are gathered by
gathering what they are made of, and constants, when compiling. So the gradient of a maximum that was taken of gathered
elements compares the gathered places of maxima, and stores no term.

Known numbers of rows are kept in 32 bits: as many of them as floats are in a vector.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..graph import CONSTANT, Builder, Graph, Value, rebuild
from ..terms import expand, total

TERMS = 16  # of a place, at most
WASTE = 4  # gathered terms for each that is summed, at most: where some places have fewer terms than others
CHEAP = frozenset({"where", "mul", "times", "equal"})  # what is done again for each place that gathers it
SHORT = 16  # values that a term is made of, at most; of more, the term is gathered

Picked = tuple[tuple[int, int], ...]  # axes, each with the number of the table that holds the terms' places on it
START = -1  # the number of a table of zeros


def gather_known_rows(graph: Graph) -> Graph:
    """Replace scattered sums whose row numbers are constants by sums of gathered terms; constants number in 32 bits."""
    return rebuild(graph, _rule)


def _rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
    if value.op == "gather" and args[1].op == CONSTANT:
        rows = args[1].params["array"]
        known = rows.size > 0 and rows.min() >= 0 and rows.max() < args[0].shape[0]
        return _gathered(builder, args[0], rows) if known else None
    if value.op != "scatter_add" or args[1].op != CONSTANT or value.dtype.kind != "f" or not args[1].size:
        return None
    (x, index), size = args, value.shape[0]
    rows = index.params["array"].reshape(-1).astype(np.int64)
    rows = np.where(rows < 0, rows + size, rows)
    if rows.min() < 0 or rows.max() >= size:
        return None
    counts = np.bincount(rows, minlength=size)
    most = int(counts.max())
    if most > TERMS or most * size > WASTE * rows.size:
        return None
    each = np.arange(most)[:, None]
    inside = each < counts
    last = np.maximum(np.cumsum(counts) - 1, 0)  # of each place, or of one before it: what is near is read at once
    numbers = np.argsort(rows, kind="stable")[np.minimum(last - counts + 1 + each, last)]
    gathering = _Gathering(builder, np.unravel_index(numbers, index.shape))
    picked = tuple((axis, axis) for axis in range(index.ndim))
    terms = gathering.of(x, picked) if _is_short(x) else gathering.rows(x, picked)
    if not inside.all():
        mask = _reshaped(builder, builder.constant(inside), (*inside.shape, *(1,) * (terms.ndim - 2)))
        zeros = builder.full(terms.shape, 0.0, terms.dtype)
        terms = builder.make("where", [expand(builder, mask, terms.shape), terms, zeros], {})
    return _reshaped(builder, total(builder, terms, (0,)), value.shape)


def _is_short(value: Value) -> bool:
    """Whether gathering what a value is made of is worth while: it is made of little."""
    seen, stack = {value}, [value]
    while stack and len(seen) <= SHORT:
        current = stack.pop()
        new = [a for a in current.args if a not in seen] if current.op in (*CHEAP, "permute", "expand") else []
        seen.update(new)
        stack.extend(new)
    return len(seen) <= SHORT


class _Gathering:
    """Values whose picked axes are replaced by those of the terms, terms x places, which come first."""

    def __init__(self, builder: Builder, tables: Sequence[np.ndarray]):
        self.builder, self.lead = builder, tables[0].shape
        self.tables = {START: np.zeros(self.lead, np.int64), **dict(enumerate(tables))}
        self._made: dict[tuple[Value, Picked], Value] = {}

    def of(self, value: Value, picked: Picked) -> Value:
        """The value at the places, with all its other axes in their order."""
        if (value, picked) not in self._made:
            self._made[value, picked] = self._of(value, picked) if picked else self._spread(value)
        return self._made[value, picked]

    def _of(self, value: Value, picked: Picked) -> Value:
        rest, axes = _without(value.ndim, picked), [axis for axis, _ in picked]
        shape = (*self.lead, *(value.shape[a] for a in rest))
        if value.op in CHEAP:
            return self.builder.make(value.op, [self.of(arg, picked) for arg in value.args], value.params)
        if value.op == CONSTANT:
            array = value.params["array"].transpose([*axes, *rest])
            return self.builder.constant(array[tuple(self.tables[number] for _, number in picked)])
        if value.op == "iota" and set(value.params["axis"]) <= set(axes):
            counted, tables = value.params["axis"], dict(picked)
            numbers = self._flat([tables[a] for a in counted], [value.shape[a] for a in counted]).astype(value.dtype)
            return expand(self.builder, self.builder.constant(numbers.reshape(*self.lead, *(1,) * len(rest))), shape)
        if value.op == "permute":
            (x,), old = value.args, value.params["axes"]
            own = tuple((old[axis], number) for axis, number in picked)
            found = self.rows(x, own) if x.op == "permute" else self.of(x, own)  # of two, the first orders the axes
            left = _without(x.ndim, own)
            return _permuted(self.builder, found, [0, 1, *(2 + left.index(old[a]) for a in rest)])
        if value.op == "expand":
            (x,), lead = value.args, value.ndim - value.args[0].ndim
            inner = [(axis - lead, number) for axis, number in picked if axis >= lead]
            own = tuple((axis, START if x.shape[axis] == 1 else number) for axis, number in inner)
            alike = all(number == START for _, number in own)  # then all terms are
            found = x if alike else self.of(x, own)
            first = (1, 1) if alike else self.lead
            small = (*first, *(1 if a < lead else x.shape[a - lead] for a in rest))
            return expand(self.builder, _reshaped(self.builder, found, small), shape)
        return self.rows(value, picked)

    def rows(self, value: Value, picked: Picked) -> Value:
        """Rows of the value itself."""
        rest, moving = _without(value.ndim, picked), [(axis, n) for axis, n in picked if value.shape[axis] > 1]
        left = sorted([*rest, *(axis for axis, _ in moving)])
        x = _reshaped(self.builder, value, [value.shape[a] for a in left])
        if not moving:
            return self._spread(x)
        x = _permuted(self.builder, x, [left.index(a) for a in (*(axis for axis, _ in moving), *rest)])
        sizes = [value.shape[axis] for axis, _ in moving]
        x = _reshaped(self.builder, x, (math.prod(sizes), *x.shape[len(sizes) :]))
        return _gathered(self.builder, x, self._flat([number for _, number in moving], sizes))

    def _flat(self, tables: Sequence[int], sizes: Sequence[int]) -> np.ndarray:
        """Places on several axes as one number, row-major."""
        return np.ravel_multi_index([self.tables[number] for number in tables], sizes)

    def _spread(self, value: Value) -> Value:
        """A value that is the same for all terms."""
        return expand(self.builder, _reshaped(self.builder, value, (1, 1, *value.shape)), (*self.lead, *value.shape))


def _gathered(builder: Builder, x: Value, rows: np.ndarray) -> Value:
    """Rows of a value by numbers that are known, and in range."""
    dtype = np.int32 if x.shape[0] < 1 << 31 else np.int64
    return builder.make("gather", [x, builder.constant(rows.astype(dtype))], {})


def _without(ndim: int, picked: Picked) -> list[int]:
    axes = {axis for axis, _ in picked}
    return [a for a in range(ndim) if a not in axes]


def _permuted(builder: Builder, x: Value, axes: Sequence[int]) -> Value:
    return x if list(axes) == list(range(x.ndim)) else builder.make("permute", [x], {"axes": tuple(axes)})


def _reshaped(builder: Builder, x: Value, shape: Sequence[int]) -> Value:
    return x if x.shape == tuple(shape) else builder.make("reshape", [x], {"shape": tuple(shape)})
