"""Sums that follow from other sums.

A sum of terms is the sum of the terms' sums, and a factor that does not vary along the axes leaves a sum. The gradient
of a normalization holds sums of sums of products; taken apart, they are sums that the graph has already, or zero.

    Σ (g s + k d)  =  s Σ g + k Σ d,      Σ (x - mean x) = 0

A sum of x - mean x is replaced by the mean times zero, so NaN and infinities in x still show.

A sum is replaced only if all sums that it is made of exist already or are zero, so there is never an additional one. Or
if all but one are zero, which is made in its place: Σ (g s + k d) = s Σ g, which waits for neither s nor k.
"""

from __future__ import annotations

from typing import NamedTuple

from ...core.stackless import Steps, run
from ..graph import Builder, Graph, Value, rebuild
from ..terms import Axes, constant_of, count, expand, invariant, kept, scaled

TERMS = 16


class Factor(NamedTuple):
    """A factor that was taken out of a sum: ``op(sum, value)``, or ``op(value, sum)`` if it was the first operand."""

    op: str
    value: Value
    first: bool


class Term(NamedTuple):
    """± core · factors; without a core, the sum is the number of elements."""

    negative: bool
    core: Value | None
    factors: tuple[Factor, ...]


def distribute_sums(graph: Graph) -> Graph:
    """Replace sums by expressions in other sums."""
    known: dict[tuple[Value, Axes], Value] = {}
    taken_apart: dict[Axes, dict[Value, list[Term]]] = {}

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op != "sum" or value.dtype.kind != "f":
            return None
        axes = value.params["axis"]
        found = _from_known(builder, args[0], axes, known, taken_apart.setdefault(axes, {}))
        if found is None:
            found = known[args[0], axes] = builder.make("sum", args, value.params)
        return found

    return rebuild(graph, rule)


def _from_known(
    builder: Builder,
    x: Value,
    axes: Axes,
    known: dict[tuple[Value, Axes], Value],
    taken_apart: dict[Value, list[Term]],
) -> Value | None:
    """The sum of x from sums that are known; None if one is missing."""
    terms = run(_terms(builder, x, axes, taken_apart))
    if not axes or terms[0].core is x:
        return None
    sums, zeros, missing = [], 0, None
    for term in terms:
        if term.core is None:
            sums.append((term, builder.full(kept(x.shape, axes), count(x, axes), x.dtype)))
        elif (zero := zero_sum(builder, term.core, axes)) is not None:
            sums.append((term, zero))
            zeros += 1
        elif (term.core, axes) in known:
            sums.append((term, known[term.core, axes]))
        elif missing is None:
            missing = term
        else:
            return None
    if missing is not None:
        if not zeros or zeros + 1 < len(terms):
            return None
        made = known[missing.core, axes] = builder.make("sum", [missing.core], {"axis": axes})
        sums.append((missing, made))
    return _added(builder, sums, kept(x.shape, axes), x)


def _terms(builder: Builder, value: Value, axes: Axes, known: dict[Value, list[Term]]) -> Steps:
    """The terms of a sum's argument; more than ``TERMS`` are left as one."""
    if value not in known:
        terms = yield from _split(builder, value, axes, known)
        known[value] = terms if len(terms) <= TERMS else [Term(False, value, ())]
    return known[value]


def _split(builder: Builder, value: Value, axes: Axes, known: dict[Value, list[Term]]) -> Steps:
    if value.op == "neg":
        terms = yield _terms(builder, value.args[0], axes, known)
        return [t._replace(negative=not t.negative) for t in terms]
    if value.op == "sub" and invariant(builder, value.args[1], axes) is not None:
        return [Term(False, value, ())]  # x - μ stays together: Σ x and N μ are large, and would cancel
    if value.op in ("add", "sub"):
        a = yield _terms(builder, value.args[0], axes, known)
        b = yield _terms(builder, value.args[1], axes, known)
        return a + [t._replace(negative=t.negative != (value.op == "sub")) for t in b]
    if value.op in ("mul", "times"):
        for i, other in ((1, 0), (0, 1)):
            small = invariant(builder, value.args[i], axes)
            if small is not None:
                factor = Factor(value.op, small, i == 0)
                rest = yield _terms(builder, value.args[other], axes, known)
                return [t._replace(factors=(*t.factors, factor)) for t in rest]
    small = invariant(builder, value, axes)
    if small is not None:
        return [Term(False, None, (Factor("mul", small, True),))]
    return [Term(False, value, ())]


def zero_sum(builder: Builder, value: Value, axes: Axes) -> Value | None:
    """The sum of a - mean(a) over the axes: 0, and NaN where the mean is not finite. None for other values."""
    if value.op != "sub":
        return None
    a, b = value.args
    mean = b.args[0] if b.op == "expand" else b
    if mean.op != "mul":
        return None
    for total, share in (mean.args, mean.args[::-1]):
        number = constant_of(share)
        if number is not None and total.op == "sum" and total.args[0] is a and total.params["axis"] == axes:
            return scaled(builder, mean, 0.0) if abs(float(number) * count(a, axes) - 1) < 1e-6 else None
    return None


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
