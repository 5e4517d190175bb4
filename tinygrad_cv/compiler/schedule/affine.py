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
            return self._shifted(other)
        if not other.terms:
            return self._shifted(other.const)
        if not self.terms:
            return other._shifted(self.const)
        total = dict(self.terms)
        for v, c in other.terms:
            total[v] = total.get(v, 0) + c
        return Affine(self.const + other.const, total.items())

    def __sub__(self, other: Affine | int) -> Affine:
        return self + -other if isinstance(other, int) else self + other * -1

    def _shifted(self, by: int) -> Affine:
        """The map plus a number; its terms, which are checked and hashed already, are shared."""
        if not by:
            return self
        made = Affine.__new__(Affine)
        made.const, made.terms, made.key = self.const + by, self.terms, (self.const + by, self.key[1])
        return made

    def __mul__(self, factor: int) -> Affine:
        if factor == 1:
            return self
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
        for v, c in self.terms:
            if v is var:
                return c
        return 0

    def substitute(self, new: Mapping[Var, Affine]) -> Affine:
        """The map with some variables replaced by index maps."""
        kept = [term for term in self.terms if term[0] not in new]
        if len(kept) == len(self.terms):
            return self
        const, total = self.const, dict(kept)
        for v, c in self.terms:
            if v in new:
                const += new[v].const * c
                for w, d in new[v].terms:
                    total[w] = total.get(w, 0) + d * c
        return Affine(const, total.items())

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
