"""What is computed from expanded values is computed before they are expanded; from constants, when compiling."""

from __future__ import annotations

import numpy as np

from ...core.primitive import PRIMITIVES
from ..graph import CONSTANT, Builder, Graph, Value, is_elementwise, rebuild
from ..terms import count, expand, kept, scaled


def shrink(graph: Graph) -> Graph:
    """An elementwise operation on expanded values becomes the expansion of one on small values; so does a sum."""
    return rebuild(graph, _rule)


def _rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
    if is_elementwise(value) and all(_repeated(arg) for arg in args):
        shape = _smallest(value.shape, args)
        small = [_at(builder, arg, shape) for arg in args]
        if all(arg.op == CONSTANT and arg.size == 1 for arg in small):
            with np.errstate(all="ignore"):
                number = PRIMITIVES[value.op].eval(*(arg.params["array"] for arg in small), **value.params)
            return expand(builder, builder.constant(number), value.shape)
        if shape != value.shape:
            return expand(builder, builder.make(value.op, small, value.params), value.shape)
    if value.op == "expand" and args[0].op == "expand":
        return builder.make("expand", [args[0].args[0]], value.params)
    if value.op == "reshape" and args[0].op == "reshape":
        return builder.make("reshape", [args[0].args[0]], value.params)
    if value.op in ("expand", "reshape") and args[0].shape == value.shape:
        return args[0]
    if value.op == "sum" and value.dtype.kind == "f" and args[0].op == "expand":
        x, axes = args[0].args[0], value.params["axis"]
        lead = args[0].ndim - x.ndim
        repeated = tuple(a for a in axes if a < lead or (x.shape[a - lead] == 1 and args[0].shape[a] != 1))
        if repeated:
            once = expand(builder, x, kept(args[0].shape, repeated))
            rest = tuple(a for a in axes if a not in repeated)
            added = builder.make("sum", [once], {"axis": rest}) if rest else once
            return scaled(builder, added, count(args[0], repeated))
    return None


def _repeated(value: Value) -> bool:
    return value.op == "expand" or (value.op == CONSTANT and value.size == 1)


def _smallest(shape: tuple[int, ...], args: tuple[Value, ...]) -> tuple[int, ...]:
    """The shape to which the operands broadcast before they are expanded: with all axes, or none if all are numbers."""
    operands = [arg.args[0] if arg.op == "expand" else arg for arg in args]
    if all(x.op == CONSTANT and x.size == 1 for x in operands):
        return ()
    sizes = [1] * len(shape)
    for x in operands:
        for i, n in enumerate(x.shape, len(shape) - x.ndim):
            sizes[i] = max(sizes[i], n)
    return tuple(sizes)


def _at(builder: Builder, value: Value, shape: tuple[int, ...]) -> Value:
    x = value.args[0] if value.op == "expand" else value
    if shape == () and x.ndim:
        return builder.constant(x.params["array"].reshape(()))
    return expand(builder, x, shape)
