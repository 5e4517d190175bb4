"""Values as they are stored, in another order than row-major."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...core.primitive import Aval
from ...ir.graph import Value
from .affine import Affine
from .reshape import Unmappable, digits


class Arranged(Value):
    """A value of the graph, the ``source``, as it lies in memory: with its axes in another order, or in blocks."""

    __slots__ = ("source",)
    name = "stored"

    def __init__(self, source: Value, shape: tuple[int, ...]):
        aval = Aval(shape, source.dtype)
        super().__init__(self.name, (source,), {}, aval, source.number, source.scope)
        self.source = source


class Packed(Arranged):
    """An operand of a contraction once more, as the loops of one reader want it."""

    __slots__ = ()
    name = "packed"


class Storage(NamedTuple):
    """How a value is stored that is not row-major: one axis goes innermost, whole or in blocks.

        n c h w  ->  n h w c          block = 0
        n c h w  ->  n (c/b) h w b    block = b

    Attributes:
        source: the value.
        value: what is stored.
    """

    source: Value
    value: Arranged
    axis: int
    block: int

    def place_of(self, index: Sequence[Affine]) -> list[Affine]:
        """Where the element at an index is stored."""
        axis = self.axis
        if not self.block:
            return [*index[:axis], *index[axis + 1 :], index[axis]]
        try:
            outer, inner = digits(index[axis], (self.source.shape[axis] // self.block, self.block))
        except Unmappable:
            raise Unmappable(self.source) from None
        return [*index[:axis], outer, *index[axis + 1 :], inner]

    def index_at(self, place: Sequence[Affine]) -> list[Affine]:
        """The index of the element that is stored at a place."""
        axis = self.axis
        if not self.block:
            return [*place[:axis], place[-1], *place[axis:-1]]
        return [*place[:axis], place[axis] * self.block + place[-1], *place[axis + 1 : -1]]


def storage_of(value: Value, axis: int, block: int) -> Storage:
    """The storage with this axis innermost."""
    rest = list(value.shape)
    n = rest.pop(axis)
    if block:
        rest.insert(axis, n // block)
    shape = (*rest, block or n)
    return Storage(value, Arranged(value, shape), axis, block)
