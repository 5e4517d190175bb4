"""The kinds of terms, of which mathematics as text and as LaTeX is written."""

from __future__ import annotations

from dataclasses import dataclass


class Term:
    """One of the kinds below."""


@dataclass(frozen=True)
class Symbol(Term):
    name: str
    of: str = ""  # for a cotangent, the name of the value whose cotangent it is


@dataclass(frozen=True)
class Index(Term):
    """The number of an element along axes."""

    letters: str


@dataclass(frozen=True)
class Number(Term):
    text: str  # digits, or "∞", "nan", "true", or those of a small array


@dataclass(frozen=True)
class Sum(Term):
    parts: tuple[tuple[int, Term], ...]  # (sign, term)


@dataclass(frozen=True)
class Product(Term):
    """± (number of the numerator / number of the denominator) · factors / divisors."""

    sign: int
    numbers: tuple[str, str]  # "" for 1
    above: tuple[Term, ...]
    below: tuple[Term, ...]


@dataclass(frozen=True)
class Power(Term):
    base: Term
    exponent: Term


@dataclass(frozen=True)
class Call(Term):
    name: str
    args: tuple[Term, ...]
    detail: str = ""


@dataclass(frozen=True)
class Part(Term):
    """body[index]"""

    body: Term
    index: tuple[Term, ...]


@dataclass(frozen=True)
class Over(Term):
    """A sum, a maximum, ... over axes."""

    name: str
    letters: str
    body: Term


@dataclass(frozen=True)
class Relation(Term):
    symbol: str  # = ≠ < ≤ and or
    left: Term
    right: Term


@dataclass(frozen=True)
class Not(Term):
    body: Term


@dataclass(frozen=True)
class Choice(Term):
    condition: Term
    then: Term
    otherwise: Term


@dataclass(frozen=True)
class Transposed(Term):
    body: Term


@dataclass(frozen=True)
class MatMul(Term):
    """A product of two matrices, either of which may be transposed."""

    left: Term
    right: Term
    transposed: tuple[bool, bool]


@dataclass(frozen=True)
class Contraction(Term):
    """Σ over letters of left[letters] · right[letters]."""

    over: str
    left: Term
    right: Term
    letters: tuple[str, str]
