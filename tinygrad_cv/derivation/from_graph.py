"""From values of the graph to terms.

Terms are for reading: ``times``, the product that is zero where its first factor is, is a plain product, and shapes
alone tell of broadcasting and axes of size 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

import numpy as np

from ..ir.graph import CONSTANT, Value
from ..ir.terms import constant_of
from ..ops.contraction import parse
from ..viz.labels import detail_text, value_text
from .cancel import SHARES, rational
from .lines import core
from .matrix_products import matrix_product
from .terms import (
    Call,
    Choice,
    Contraction,
    Index,
    MatMul,
    Not,
    Number,
    Over,
    Part,
    Power,
    Product,
    Relation,
    Sum,
    Symbol,
    Term,
    Transposed,
)

AXES = {2: "nd", 3: "ncl", 4: "nchw", 5: "ngchw", 6: "ncijuv"}  # the letters of axes, by their number


def letters(ndim: int, axes: tuple[int, ...] | None = None) -> str:
    """The letters of axes: n c h w for four; i, j, k, ... if there is no convention."""
    names = AXES.get(ndim) or "".join(chr(ord("i") + i) for i in range(ndim))
    return names if axes is None else "".join(names[axis] for axis in axes)


class Reader:
    """Values as terms; a value with a name becomes a symbol."""

    def __init__(self, names: Mapping[Value, str], of: Mapping[str, str], counts: set[int]):
        self.names, self.of, self.counts = names, of, counts

    def symbol(self, name: str) -> Symbol:
        """The symbol of a name, marked as a cotangent if it is one."""
        return Symbol(name, self.of.get(name, ""))

    def term(self, value: Value, top: bool = False) -> Term:
        """The term of a value; with ``top``, its definition even if it has a name."""
        if not top and value in self.names:
            return self.symbol(self.names[value])
        if (number := constant_of(value)) is not None:
            return self._number(value, number)
        inner = core(value)
        if inner is not value:
            return self.term(inner)
        if value.op == CONSTANT:
            return Number(value_text(value.params["array"]) or f"constant of {value.dtype}")
        if value.op in ("sub", "add", "neg") and numeric(value):
            return self._sum(value)
        if value.op in ("mul", "times", "div") and numeric(value):
            return self._product(value)
        return self._other(value)

    def _number(self, value: Value, number: np.generic) -> Term:
        if not isinstance(number, np.floating):
            return Number(str(number.item()).lower())
        if not math.isfinite(number):
            return Number("nan" if math.isnan(number) else "∞" if number > 0 else "-∞")
        exact = rational(value)
        assert exact is not None
        if exact < 0:
            return Sum(((-1, self._positive(-exact, -number)),))
        return self._positive(exact, number)

    def _positive(self, exact: Fraction, number: np.floating) -> Term:
        above, below = self._fraction(exact, number)
        return Product(1, (above, below), (), ()) if below else Number(above or "1")

    def _fraction(self, exact: Fraction, number: np.floating) -> tuple[str, str]:
        """A positive number as numerator and denominator; a share of a sum's count over that count."""
        if exact.denominator == 1:
            return ("" if exact == 1 else digits(number)), ""
        if exact.numerator == 1 and exact.denominator in self.counts | {2}:
            return "", str(exact.denominator)
        for count in sorted(self.counts):
            if exact < 1 and exact * count in SHARES:
                return str(exact * count), str(count)
        if exact.numerator == 1 and exact.denominator in (3, 4):
            return "", str(exact.denominator)
        return digits(number), ""

    # --- sums and products ---

    def _sum(self, value: Value) -> Term:
        parts = tuple(self._parts(value, 1, True))
        return Sum(parts) if len(parts) > 1 or parts[0][0] < 0 else parts[0][1]

    def _parts(self, value: Value, sign: int, top: bool = False) -> Iterator[tuple[int, Term]]:
        inner = core(value)
        if value.op == "neg" and (top or inner not in self.names):
            yield from self._parts(value.args[0], -sign)
        elif inner.op in ("add", "sub") and numeric(inner) and (top or inner not in self.names):
            a, b = inner.args
            yield from self._parts(a, sign)
            yield from self._parts(b, sign if inner.op == "add" else -sign)
        else:
            yield _signed(self.term(inner if constant_of(value) is None else value), sign)

    def _product(self, value: Value) -> Term:
        sign, number, above, below = self._factors(value, True)
        if not number:
            return Number("0")
        numbers = self._fraction(number, value.dtype.type(float(number)))
        if not below and not above:
            term = self._positive(number, value.dtype.type(float(number)))
            return term if sign > 0 else Sum(((-1, term),))
        if len(above) == 1 and not below and numbers == ("", ""):
            return above[0] if sign > 0 else Sum(((-1, above[0]),))
        return Product(sign, numbers, _powers(above), _powers(below))

    def _factors(self, value: Value, top: bool = False) -> tuple[int, Fraction, list[Term], list[Term]]:
        """Sign, number, numerator and denominator."""
        inner = core(value)
        exact = exact_number(value)
        if exact is not None:
            return (-1 if exact < 0 else 1), abs(exact), [], []
        if top or inner not in self.names:
            if inner.op == "neg" and numeric(inner):
                sign, number, above, below = self._factors(inner.args[0])
                return -sign, number, above, below
            if inner.op in ("mul", "times", "div") and numeric(inner):
                (s, m, a, b), (t, n, c, d) = (self._factors(arg) for arg in inner.args)
                if inner.op != "div":
                    return s * t, m * n, a + c, b + d
                if n:
                    return s * t, m / n, a + d, b + c
        return 1, Fraction(1), [self.term(inner)], []

    # --- everything else ---

    def _other(self, value: Value) -> Term:
        op, args, params = value.op, value.args, value.params
        if op == "square":
            return Power(self.term(args[0]), Number("2"))
        if op == "pow":
            return Power(self.term(args[0]), self.term(args[1]))
        if op in ("sum", "max", "argmax"):
            moving = tuple(axis for axis in params["axis"] if args[0].shape[axis] != 1)
            name = "Σ" if op == "sum" else op
            return Over(name, letters(args[0].ndim, moving), self.term(args[0]))
        if op in RELATIONS:
            left, right = map(self.term, args)
            if op == "equal" and value.args[0].dtype.kind == "b" and right == Number("false"):
                if isinstance(left, Relation) and left.symbol == "=":
                    return Relation("≠", left.left, left.right)
                return Not(left)
            return Relation(RELATIONS[op], left, right)
        if op in LOGIC and value.dtype.kind == "b":
            return Relation(LOGIC[op], *map(self.term, args))
        if op == "where":
            return Choice(*map(self.term, args))
        if op == "contract":
            return self._contract(params["spec"], *map(self.term, args))
        if op == "iota":
            return Index(letters(value.ndim, params["axis"]))
        if op == "cast":
            return Call(str(value.dtype), (self.term(args[0]),))
        if op == "permute" and params["axes"] == (1, 0):
            return Transposed(self.term(args[0]))
        if op == "gather":
            return Part(self.term(args[0]), (self.term(args[1]),))
        if op == "slice":
            return Part(self.term(args[0]), tuple(Number(part) for part in _slices(value)))
        detail = "×".join(map(str, value.shape)) if op == "reshape" else detail_text(params)
        return Call(op, tuple(map(self.term, args)), detail)

    def _contract(self, spec: str, a: Term, b: Term) -> Term:
        if (product := matrix_product(spec)) is not None:
            left, right = (a, b)[:: 1 - 2 * product.first]
            return MatMul(left, right, product.transposed)
        groups = parse(spec)
        return Contraction("".join(groups.contracted), a, b, (groups.a, groups.b))


def _slices(value: Value) -> Iterator[str]:
    params = value.params
    for low, high, step, n in zip(params["start"], params["stop"], params["step"], value.args[0].shape, strict=True):
        yield ":" if (low, high, step) == (0, n, 1) else f"{low}:{high}" + (f":{step}" if step != 1 else "")


def numeric(value: Value) -> bool:
    """Whether sums and products of it are those of numbers: of booleans they are "or" and "and"."""
    return value.dtype.kind != "b"


def exact_number(value: Value) -> Fraction | None:
    """The exact number that all elements are, or None."""
    number = constant_of(value)
    if number is not None and value.dtype.kind in "iu":
        return Fraction(int(number))
    return rational(value)


RELATIONS = {"equal": "=", "less": "<", "less_equal": "≤"}
LOGIC = {"mul": "and", "add": "or"}


def _signed(term: Term, sign: int) -> tuple[int, Term]:
    """A term without its minus, and the sign."""
    if isinstance(term, Product) and term.sign < 0:
        return -sign, Product(1, term.numbers, term.above, term.below)
    if isinstance(term, Sum) and len(term.parts) == 1:
        return sign * term.parts[0][0], term.parts[0][1]
    return sign, term


def _powers(factors: list[Term]) -> tuple[Term, ...]:
    """The factors, equal ones as a power."""
    counts: dict[Term, int] = {}
    for factor in factors:
        counts[factor] = counts.get(factor, 0) + 1
    return tuple(factor if n == 1 else Power(factor, Number(str(n))) for factor, n in counts.items())


def digits(number: np.generic) -> str:
    """A number, as short as its dtype allows."""
    text = str(number)
    return text[:-2] if text.endswith(".0") else text
