"""Integers in a function that is being written: a number, or a sum of multiples of values, not yet written."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IntSum:
    """``const + Σ factor · name``.

    Attributes:
        terms: names of i64 values with their factors, sorted; at least one, and no factor is 0.
    """

    terms: tuple[tuple[str, int], ...]
    const: int = 0

    @staticmethod
    def of(name: str) -> IntSum:
        return IntSum(((name, 1),))

    def __add__(self, other: Int) -> Int:
        if isinstance(other, int):
            return IntSum(self.terms, self.const + other) if other else self
        factors = dict(self.terms)
        for name, factor in other.terms:
            factors[name] = factors.get(name, 0) + factor
        terms = tuple(sorted((name, factor) for name, factor in factors.items() if factor))
        const = self.const + other.const
        return IntSum(terms, const) if terms else const

    __radd__ = __add__

    def __mul__(self, factor: int) -> Int:
        if factor == 1:
            return self
        if not factor:
            return 0
        return IntSum(tuple((name, f * factor) for name, f in self.terms), self.const * factor)


Int = int | IntSum
