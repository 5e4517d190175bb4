"""Terms that cancel, and like terms, which are collected.

A sum or difference is a linear combination Σ c v of values v with rational c. Sums over axes are linear too, so a
term of a sum over axes can cancel a term outside it: with m = Σ x / n and any e that does not vary along the axes,

    (x - m - e) - Σ (x - m - e) / n  =  x - m

This removes corrections of rounding errors, which change nothing in exact arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from fractions import Fraction

import numpy as np

from ..core.stackless import Steps, run
from ..ir.graph import Builder, Graph, Value, rebuild
from ..ir.terms import constant_of, expand

Form = dict[Value | None, Fraction]  # None means the number 1
SHARES = (1, 2, 3, 4)  # numerators over n: the derivative of a mean of squares has 2/n
TERMS = 16  # a combination of more is one value


def cancel(graph: Graph, whole: Collection[Value] = ()) -> Graph:
    """Rewrite sums and differences with fewer terms, if some cancel or can be collected; ``whole`` values are terms."""
    forms = _Forms(graph.builder)

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        made = builder.make(value.op, args, value.params) if args else value
        if value.op in ("add", "sub") and value.dtype.kind == "f":
            spread = forms.spread(made)
            if len(spread) < sum(len(forms.plain(arg)) for arg in args):
                made = forms.build(spread, made)
        if value in whole:
            forms.take_whole(made)
        return made

    return rebuild(graph, rule)


class _Forms:
    """Values as linear combinations."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder
        self._known: tuple[dict[Value, Form], dict[Value, Form]] = {}, {}

    def take_whole(self, value: Value) -> None:
        """Treat a value as a single term from now on."""
        for known in self._known:
            known[value] = {_core(value): Fraction(1)}

    def plain(self, value: Value) -> Form:
        """The combination with sums over axes left whole."""
        return run(self._form(value, False))

    def spread(self, value: Value) -> Form:
        """The combination with sums over axes taken term by term."""
        return run(self._form(value, True))

    def _form(self, value: Value, spread: bool) -> Steps:
        known = self._known[spread]
        if value not in known:
            form = yield from self._made(value, spread)
            known[value] = form if form is not None and len(form) <= TERMS else {_core(value): Fraction(1)}
        return known[value]

    def _made(self, value: Value, spread: bool) -> Steps:
        if value.dtype.kind != "f":
            return None
        if (number := rational(value)) is not None:
            return {None: number} if number else {}
        args = value.args
        if value.op == "neg":
            return _scaled((yield self._form(args[0], spread)), Fraction(-1))
        if value.op in ("add", "sub"):
            sign = Fraction(1 if value.op == "add" else -1)
            first = yield self._form(args[0], spread)
            return _added(first, _scaled((yield self._form(args[1], spread)), sign))
        if value.op in ("mul", "times", "div"):
            for x, factor in (args, args[::-1]) if value.op != "div" else (args,):
                number = rational(factor)
                if number is not None and not (value.op == "div" and number == 0):
                    return _scaled((yield self._form(x, spread)), 1 / number if value.op == "div" else number)
        if value.op == "expand" or (value.op == "reshape" and value.size == 1):
            return (yield self._form(args[0], spread))
        if value.op == "sum" and spread:
            return self._summed((yield self._form(args[0], spread)), args[0], value.params["axis"])
        return None

    def _summed(self, form: Form, x: Value, axes: tuple[int, ...]) -> Form:
        result: Form = {}
        for value, number in form.items():
            lead = max(0, x.ndim - (value.ndim if value is not None else 0))
            moving = tuple(a for a in axes if value is not None and a >= lead and value.shape[a - lead] != 1)
            count = math.prod(x.shape[a] for a in axes if a not in moving)
            part = value
            if value is not None and moving:
                shape = (1,) * lead + value.shape
                part = self.builder.make("sum", [expand(self.builder, value, shape)], {"axis": moving})
            result = _added(result, {part: number * count})
        return result

    def build(self, form: Form, like: Value) -> Value:
        """The value of a combination, in the shape of another."""
        result: Value | None = None
        for value, number in sorted(form.items(), key=lambda item: item[1] < 0):
            term = self._term(value, abs(number), like)
            if result is None:
                result = term if number > 0 else self.builder.make("neg", [term], {})
            else:
                result = self.builder.make("add" if number > 0 else "sub", [result, term], {})
        return self.builder.full(like.shape, 0, like.dtype) if result is None else result

    def _term(self, value: Value | None, number: Fraction, like: Value) -> Value:
        if value is None:
            return self.builder.full(like.shape, float(number), like.dtype)
        if value.ndim > like.ndim:  # a single element
            value = self.builder.make("reshape", [value], {"shape": (1,) * like.ndim})
        if number != 1:
            factor = self.builder.full(value.shape, float(number), value.dtype)
            value = self.builder.make("mul", [value, factor], {})
        return expand(self.builder, value, like.shape)


def _core(value: Value) -> Value:
    return value.args[0] if value.op == "expand" else value


def _scaled(form: Form, number: Fraction) -> Form:
    return {value: number * c for value, c in form.items()} if number else {}


def _added(a: Form, b: Form) -> Form:
    result = dict(a)
    for value, number in b.items():
        result[value] = result.get(value, Fraction(0)) + number
        if not result[value]:
            del result[value]
    return result


def rational(value: Value) -> Fraction | None:
    """The number that all elements are; 1/n, 2/n, ... if it is that up to rounding, as in a mean."""
    number = constant_of(value)
    if number is None or value.dtype.kind != "f" or not math.isfinite(number):
        return None
    for share in SHARES if number else ():
        if n := whole(share / float(number), value.dtype):
            return Fraction(share, n)
    return Fraction(float(number))


def whole(number: float, dtype: np.dtype) -> int | None:
    """The integer that a number is, up to a few roundings."""
    if not math.isfinite(number) or abs(number) > 2.0**31:
        return None
    n = round(number)
    return n if n and abs(number - n) <= 4 * float(np.finfo(dtype).eps) * abs(n) else None
