"""Stored values that are not row-major: their axes in another order, in blocks, or packed for one reader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...core.primitive import Aval
from ...ir.graph import Value
from .affine import Affine
from .reshape import Unmappable, digits


class Arranged(Value):
    """The value ``source`` of the graph as it is stored: with its axes in another order, or in blocks."""

    __slots__ = ("source",)
    name = "stored"

    def __init__(self, source: Value, shape: tuple[int, ...]):
        aval = Aval(shape, source.dtype)
        super().__init__(self.name, (source,), {}, aval, source.number, source.scope)
        self.source = source


class Packed(Arranged):
    """A packed operand of a contraction: a copy in the order in which its loops read it."""

    __slots__ = ()
    name = "packed"


class Again(Arranged):
    """A copy of the stored value ``first``, computed a second time: it is stored alike, in memory of its own."""

    __slots__ = ("first",)
    name = "again"

    def __init__(self, first: Value):
        super().__init__(first.source if isinstance(first, Arranged) else first, first.shape)
        self.first: Value = first.first if isinstance(first, Again) else first


def first(value: Value) -> Value:
    """The stored value that this one is a copy of; any other value itself."""
    return value.first if isinstance(value, Again) else value


class Storage(NamedTuple):
    """How a value is stored that is not row-major: one axis becomes the innermost, or its blocks do.

        n c h w  ->  n h w c          block = 0
        n c h w  ->  n (c/b) h w b    block = b

    Attributes:
        source: the value of the graph.
        value: the stored one.
    """

    source: Value
    value: Arranged
    axis: int
    block: int

    def stored_index(self, index: Sequence[Affine]) -> list[Affine]:
        """The index in the stored value of the element at an index of the source."""
        axis = self.axis
        if not self.block:
            return [*index[:axis], *index[axis + 1 :], index[axis]]
        try:
            outer, inner = digits(index[axis], (self.source.shape[axis] // self.block, self.block))
        except Unmappable:
            raise Unmappable(self.source) from None
        return [*index[:axis], outer, *index[axis + 1 :], inner]

    def place_of(self, axis: int) -> int:
        """The axis of the stored value that is an axis of the source; of one in blocks, that of the blocks."""
        if self.block or axis < self.axis:
            return axis
        return axis - 1 if axis > self.axis else self.value.ndim - 1

    def source_index(self, index: Sequence[Affine]) -> list[Affine]:
        """The index in the source of the element at an index of the stored value."""
        axis = self.axis
        if not self.block:
            return [*index[:axis], index[-1], *index[axis:-1]]
        return [*index[:axis], index[axis] * self.block + index[-1], *index[axis + 1 : -1]]

    def range_of(self, axis: int, start: int) -> tuple[int, int]:
        """The axis of the stored value, and the place on it, where a range of an axis of the source starts."""
        return self.place_of(axis), start // self.block if self.block and axis == self.axis else start


def storage_of(value: Value, axis: int, block: int) -> Storage:
    """The storage of a value with this axis innermost; in blocks if ``block`` is not 0."""
    rest = list(value.shape)
    n = rest.pop(axis)
    if block:
        rest.insert(axis, n // block)
    shape = (*rest, block or n)
    return Storage(value, Arranged(value, shape), axis, block)
