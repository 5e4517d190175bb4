"""Sizes that are left open. The function is recorded twice, at different sizes; what differs depends on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...ir.graph import Value
from .program import Program


class Size(NamedTuple):
    """An open size: its name, where it is found, and how large it was in the two recordings."""

    name: str
    input: int
    axis: int
    here: int
    there: int


class Sizes:
    """The open sizes of a program, and its twin: the same program at other sizes.

    Where both have the same number, it is a number; where they differ, it must be an open size, or a multiple of one.
    """

    def __init__(self, program: Program, twin: Program | None, sizes: Sequence[Size]):
        self.sizes = sizes
        self._twins: dict[Value, Value] = {}
        if twin is not None:
            pairs = list(zip((*program.inputs, *program.outputs), (*twin.inputs, *twin.outputs), strict=True))
            self._pair(pairs)

    def _pair(self, pairs: list[tuple[Value, Value]]) -> None:
        while pairs:
            here, there = pairs.pop()
            if here not in self._twins:
                self._twins[here] = there
                pairs += zip(here.args, there.args, strict=False)

    def shape(self, value: Value) -> tuple[int | Size | None, ...]:
        """The sizes of a value along its axes; None where it is open and no size of an input."""
        return tuple(a if a == b else self._named(a, b) for a, b in self.pairs(value))

    def pairs(self, value: Value) -> tuple[tuple[int, int], ...]:
        """The sizes of a value along its axes, in both programs."""
        return tuple(zip(value.shape, self._twins.get(value, value).shape, strict=True))

    def param(self, value: Value, name: str) -> tuple[tuple[int, int], ...]:
        """A parameter that is a tuple of numbers, in both programs."""
        there = self._twins.get(value, value).params[name]
        return tuple(zip(value.params[name], there, strict=True))

    def multiple(self, here: int, there: int) -> tuple[int, Size] | None:
        """A number of the two programs as a multiple of an open size."""
        for size in self.sizes:
            factor, rest = divmod(here, size.here)
            if not rest and factor * size.there == there:
                return factor, size
        return None

    def is_open(self, value: Value) -> bool:
        """Whether its shape depends on an open size."""
        return self._twins.get(value, value).shape != value.shape

    def _named(self, here: int, there: int) -> Size | None:
        return next((size for size in self.sizes if (size.here, size.there) == (here, there)), None)
