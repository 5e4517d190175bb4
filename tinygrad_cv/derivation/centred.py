"""Sums of deviations from a mean, which are 0.

Σ (a + k (x - mean x))  =  Σ a        if k does not vary along the axes
"""

from __future__ import annotations

from ..core.stackless import Steps, run
from ..ir.graph import Builder, Graph, Value, rebuild
from ..ir.rewrite.sums import zero_sum
from ..ir.terms import Axes, invariant, kept


def drop_centred(graph: Graph) -> Graph:
    """Drop from sums over axes the terms that add up to zero."""
    known: dict[Axes, dict[Value, Value | None]] = {}

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op != "sum" or value.dtype.kind != "f":
            return None
        axes = value.params["axis"]
        left = run(_left(builder, args[0], axes, known.setdefault(axes, {})))
        if left is args[0]:
            return None
        if left is None:
            return builder.full(kept(args[0].shape, axes), 0, value.dtype)
        return builder.make("sum", [left], {"axis": axes})

    return rebuild(graph, rule)


def _left(builder: Builder, value: Value, axes: Axes, known: dict[Value, Value | None]) -> Steps:
    """The value without the terms whose sum is zero; None if nothing is left."""
    if value not in known:
        known[value] = yield from _without(builder, value, axes, known)
    return known[value]


def _without(builder: Builder, value: Value, axes: Axes, known: dict[Value, Value | None]) -> Steps:
    if value.op == "sub" and zero_sum(builder, value, axes) is not None:
        return None
    if value.op == "neg":
        inner = yield _left(builder, value.args[0], axes, known)
        return value if inner is value.args[0] else inner and builder.make("neg", [inner], {})
    if value.op in ("mul", "times"):
        for x, factor in (value.args, value.args[::-1]):
            if invariant(builder, factor, axes) is not None and (yield _left(builder, x, axes, known)) is None:
                return None
    if value.op in ("add", "sub"):
        a = yield _left(builder, value.args[0], axes, known)
        b = yield _left(builder, value.args[1], axes, known)
        if (a, b) == value.args:
            return value
        if a is None or b is None:
            return a or (b and (b if value.op == "add" else builder.make("neg", [b], {})))
        return builder.make(value.op, [a, b], {})
    return value
