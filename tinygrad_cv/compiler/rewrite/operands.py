"""Contractions read windows of values whose layout is ours to choose: of inputs and outputs they read a copy."""

from __future__ import annotations

from ..ir import AVALS, CONSTANT, INPUT, Builder, Graph, Value, rebuild
from ..schedule.store import MOVEMENT, strip

AVALS["copy"] = lambda x: x


def copy_operands(graph: Graph) -> Graph:
    """Put a copy between an input, a constant or an output and the windows of it that a contraction reads."""
    fixed = {value for value in graph.outputs if value.op not in MOVEMENT}

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op != "contract":
            return None
        new = [
            _behind(builder, arg) if _slides(arg) and (strip(arg).op in (INPUT, CONSTANT) or strip(old) in fixed) else arg
            for old, arg in zip(value.args, args, strict=True)
        ]
        return builder.make("contract", new, value.params)

    return rebuild(graph, rule)


def _slides(value: Value) -> bool:
    """Whether there are windows between a value and what is stored."""
    while value.op in MOVEMENT:
        if value.op == "windows":
            return True
        value = value.args[0]
    return False


def _behind(builder: Builder, value: Value) -> Value:
    if value.op in MOVEMENT:
        return builder.make(value.op, [_behind(builder, value.args[0])], value.params)
    return builder.make("copy", [value], {})
