"""Integers of a function under construction: numbers, or sums of multiples of names, which are written where needed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class IntSum:
    """``const + Σ factor · name``.

    Attributes:
        terms: names of i64 with their factors, sorted, none of them 0; at least one.
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
