"""Loop variables, and index maps: affine functions of them, ``const + Σ coefficient · variable``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import count

_number = count().__next__


class Var:
    """A loop variable, from 0 to ``extent`` - 1."""

    __slots__ = ("extent", "label", "number")

    def __init__(self, extent: int, label: str = "i"):
        self.extent, self.label, self.number = extent, label, _number()

    def __repr__(self) -> str:
        return f"{self.label}{self.number}"


class Affine:
    """An affine index map; immutable, compared by ``key``."""

    __slots__ = ("const", "key", "terms")

    def __init__(self, const: int = 0, terms: Iterable[tuple[Var, int]] = ()):
        self.const = const
        self.terms = tuple([term for term in terms if term[1]])
        self.key = const, frozenset(self.terms)

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.const + other, self.terms)
        total = dict(self.terms)
        for v, c in other.terms:
            total[v] = total.get(v, 0) + c
        return Affine(self.const + other.const, total.items())

    def __sub__(self, other: Affine | int) -> Affine:
        return self + -other if isinstance(other, int) else self + other * -1

    def __mul__(self, factor: int) -> Affine:
        return Affine(self.const * factor, [(v, c * factor) for v, c in self.terms])

    def range(self) -> tuple[int, int]:
        """The smallest and the largest value."""
        low = high = self.const
        for v, c in self.terms:
            if c > 0:
                high += c * (v.extent - 1)
            else:
                low += c * (v.extent - 1)
        return low, high

    def coefficient(self, var: Var) -> int:
        return next((c for v, c in self.terms if v is var), 0)

    def substitute(self, new: Mapping[Var, Affine]) -> Affine:
        """The map with some variables replaced by index maps."""
        if not any(v in new for v, _ in self.terms):
            return self
        total = Affine(self.const, [(v, c) for v, c in self.terms if v not in new])
        for v, c in self.terms:
            if v in new:
                total = total + new[v] * c
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Affine) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        parts = [f"{v}" if c == 1 else f"{c}{v}" for v, c in self.terms]
        if self.const or not parts:
            parts.append(str(self.const))
        return "+".join(parts).replace("+-", "-")


Indices = tuple[Affine, ...]


def combination(const: int, parts: Iterable[tuple[Affine, int]]) -> Affine:
    """const + Σ map · factor"""
    total: dict[Var, int] = {}
    for affine, factor in parts:
        const += affine.const * factor
        for v, c in affine.terms:
            total[v] = total.get(v, 0) + c * factor
    return Affine(const, total.items())


def of(var: Var) -> Affine:
    """The index map of a variable; the constant 0 if its extent is 1."""
    return Affine(0, [(var, 1)] if var.extent > 1 else [])
