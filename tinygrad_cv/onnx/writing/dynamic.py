"""Sizes that are left open. The function is recorded twice, at different sizes; what differs depends on them.

Nothing that differs is written as a number: it is found to be a multiple of open sizes, or of their inverses as in a
mean, or the export is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ...ir.graph import Value
from .program import Call, Program

CLOSE = 1e-6  # numbers of the programs may have been rounded to float32
SHAPED = {  # parameters that may follow from an open size, since whoever writes the primitive asks for both programs'
    "reshape": ("shape",),
    "expand": ("shape",),
    "iota": ("shape",),
    "random_bits": ("shape",),
    "slice": ("start", "stop"),
    "scatter_add": ("size",),
}


class Size(NamedTuple):
    """An open size: its name, where it is found, and how large it was in the two recordings."""

    name: str
    input: int
    axis: int
    here: int
    there: int


class Power(NamedTuple):
    """A number of the two programs: a factor times powers of open sizes, each 1 or -1."""

    factor: float
    exponents: tuple[tuple[Size, int], ...]


class Sizes:
    """The open sizes of a program, and its twin: the same program at other sizes."""

    def __init__(self, program: Program, twin: Program | None, sizes: Sequence[Size]):
        self.sizes = list({size.name: size for size in sizes}.values())  # those of one name are equal
        self._twin = twin
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

    def power(self, here: float, there: float) -> Power | None:
        """A number of the two programs as a product of open sizes and inverses of such, times a factor."""
        if not here or not there:
            return None
        for exponents in product((0, 1, -1), repeat=len(self.sizes)):
            used = [(size, e) for size, e in zip(self.sizes, exponents, strict=True) if e]
            if used and math.isclose(there / here, math.prod((s.there / s.here) ** e for s, e in used), rel_tol=CLOSE):
                return Power(here / math.prod(float(s.here) ** e for s, e in used), tuple(used))
        return None

    def is_open(self, value: Value) -> bool:
        """Whether its shape depends on an open size."""
        return self._twins.get(value, value).shape != value.shape

    def constant(self, value: Value) -> np.ndarray | None:
        """What a value always is in the other program."""
        there = self._twins.get(value)
        return None if there is None or self._twin is None else self._twin.constant(there)

    def differing(self, value: Value) -> str:
        """What of a primitive is another in the other program, but for how large it is; empty if nothing is."""
        there = self._twins.get(value, value)
        if there.op != value.op:
            return f"{value.op}, which is {there.op} at another size,"
        free = SHAPED.get(value.op, ())
        names = [key for key, param in value.params.items() if key not in free and there.params[key] != param]
        return f"{names[0]} of {value.op}" if names else ""

    def is_fixed_call(self, call: Call, place: int, free: Sequence[str]) -> bool:
        """Whether a function was called with the same numbers in both programs.

        Args:
            place: its number among the functions that returned its result.
            free: arguments that may differ, since whoever writes the function asks for the result's sizes instead.
        """
        there = self._twins.get(call.results[0])
        if there is None or self._twin is None:
            return True
        calls = self._twin.calls.get(there, ())
        return (
            len(calls) > place
            and calls[place].name == call.name
            and _alike(
                {key: argument for key, argument in call.arguments.items() if key not in free}, calls[place].arguments
            )
        )

    def _named(self, here: int, there: int) -> Size | None:
        return next((size for size in self.sizes if (size.here, size.there) == (here, there)), None)


def _alike(here: Any, there: Any) -> bool:
    """Whether arguments are the same, tensors apart."""
    if isinstance(here, Value):
        return isinstance(there, Value)
    if isinstance(here, Mapping):
        return all(key in there and _alike(item, there[key]) for key, item in here.items())
    if isinstance(here, (list, tuple)):
        return isinstance(there, (list, tuple)) and len(here) == len(there) and all(map(_alike, here, there))
    if isinstance(here, np.ndarray):
        return np.array_equal(here, there)
    return bool(here is there or here == there)
