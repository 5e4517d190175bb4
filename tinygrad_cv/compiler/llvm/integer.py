"""Integers in a function that is being written: a number, or a sum of multiples of values, not yet written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class IntSum(NamedTuple):
    """``const + Σ factor · name``.

    Attributes:
        terms: names of i64 values with their factors, sorted; at least one, and no factor is 0.
    """

    terms: tuple[tuple[str, int], ...]
    const: int = 0

    @staticmethod
    def of(name: str) -> IntSum:
        return IntSum(((name, 1),))

    def __add__(self, other: Int) -> Int:  # type: ignore[override]
        if isinstance(other, int):
            return IntSum(self.terms, self.const + other) if other else self
        return total(self.const, ((self, 1), (other, 1)))

    def __radd__(self, other: int) -> Int:
        return self + other

    def __mul__(self, factor: int) -> Int:  # type: ignore[override]
        if factor == 1:
            return self
        if not factor:
            return 0
        return IntSum(tuple((name, f * factor) for name, f in self.terms), self.const * factor)

    def __rmul__(self, factor: int) -> Int:  # type: ignore[override]
        return self * factor


Int = int | IntSum


def total(const: int, parts: Iterable[tuple[Int, int]]) -> Int:
    """const + Σ integer · factor"""
    factors: dict[str, int] = {}
    for x, factor in parts:
        if isinstance(x, int):
            const += x * factor
            continue
        const += x.const * factor
        for name, own in x.terms:
            factors[name] = factors.get(name, 0) + own * factor
    terms = tuple(sorted([term for term in factors.items() if term[1]]))
    return IntSum(terms, const) if terms else const
