"""Sums that follow from other sums.

A sum of terms is the sum of the terms' sums, and a factor that does not vary along the axes leaves a sum. The gradient of
a normalization holds sums of sums of products; taken apart, they are sums that the graph has already, or that are zero.

    Σ (g s + k d)  =  s Σ g + k Σ d,      Σ (x - mean x) = 0

A sum is replaced only where all sums that it is made of exist already or are zero, so there is never one more.
"""

from __future__ import annotations

from typing import NamedTuple

from ..ir import Builder, Graph, Value, rebuild
from .terms import Axes, constant_of, count, expand, invariant, kept


class Factor(NamedTuple):
    """A factor that has left the sum: ``op(sum, value)``, or ``op(value, sum)`` where it stood first."""

    op: str
    value: Value
    first: bool


class Term(NamedTuple):
    """± core · factors; without a core, the sum counts the elements."""

    negative: bool
    core: Value | None
    factors: tuple[Factor, ...]


def distribute_sums(graph: Graph) -> Graph:
    """Replace sums by those that they follow from."""
    known = {(v.args[0], v.params["axis"]): v for v in graph.values() if v.op == "sum" and v.dtype.kind == "f"}

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op != "sum" or value.dtype.kind != "f" or not value.params["axis"]:
            return None
        axes = value.params["axis"]
        found = _terms(builder, args[0], axes)
        if len(found) == 1 and found[0].core is args[0]:
            return None
        sums = []
        for term in found:
            if term.core is None:
                return None
            if is_zero_sum(term.core, axes):
                continue
            existing = known.get((term.core, axes))
            if existing is None or existing is value:
                return None
            sums.append((term, existing))
        return _added(builder, sums, kept(args[0].shape, axes), value)

    return rebuild(graph, rule)


def _terms(builder: Builder, value: Value, axes: Axes) -> list[Term]:
    """The terms of a sum's argument."""
    if value.op == "neg":
        return [t._replace(negative=not t.negative) for t in _terms(builder, value.args[0], axes)]
    if value.op in ("add", "sub"):
        a, b = (_terms(builder, arg, axes) for arg in value.args)
        return a + [t._replace(negative=t.negative != (value.op == "sub")) for t in b]
    if value.op in ("mul", "times"):
        for i, other in ((1, 0), (0, 1)):
            small = invariant(builder, value.args[i], axes)
            if small is not None:
                factor = Factor(value.op, small, i == 0)
                return [t._replace(factors=(*t.factors, factor)) for t in _terms(builder, value.args[other], axes)]
    if invariant(builder, value, axes) is not None:
        return [Term(False, None, ())]
    return [Term(False, value, ())]


def is_zero_sum(value: Value, axes: Axes) -> bool:
    """Whether it is a - mean(a) over the axes."""
    if value.op != "sub":
        return False
    a, b = value.args
    mean = b.args[0] if b.op == "expand" else b
    if mean.op != "mul":
        return False
    for total, share in (mean.args, mean.args[::-1]):
        number = constant_of(share)
        if number is not None and total.op == "sum" and total.args[0] is a and total.params["axis"] == axes:
            return abs(float(number) * count(a, axes) - 1) < 1e-6
    return False


def _added(builder: Builder, sums: list[tuple[Term, Value]], shape: tuple[int, ...], like: Value) -> Value:
    result: Value | None = None
    for term, part in sums:
        for op, value, first in term.factors:
            value = expand(builder, value, shape)
            part = builder.make(op, [value, part] if first else [part, value], {})
        if result is None:
            result = builder.make("neg", [part], {}) if term.negative else part
        else:
            result = builder.make("sub" if term.negative else "add", [result, part], {})
    return builder.full(shape, 0.0, like.dtype) if result is None else result
