"""Algebraic identities of one line: neutral elements, zeros, double signs, sums of sums.

They hold over the real numbers. ``times``, the product that is zero where its first factor is, becomes a plain product
if its second factor is a number: then the two are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection

import numpy as np

from ..core.primitive import PRIMITIVES
from ..ir.graph import CONSTANT, Builder, Graph, Value, rebuild
from ..ir.terms import constant_of
from ..ops.contraction import parse

Args = tuple[Value, ...]
MAX_FOLDED = 64  # elements of a result that is folded into a constant
Rule = Callable[[Builder, Value, Args], Value | None]


def tidy(graph: Graph, named: Collection[Value] = ()) -> Graph:
    """Apply the rules to each value, arguments first; a sum of a named value stays the sum of that value."""
    closed: set[Value] = set()

    def rule(builder: Builder, value: Value, args: Args) -> Value | None:
        if value.op == "sum" and args[0] in closed and args[0].op in ("neg", "sum"):
            made = None
        else:
            made = _tidied(builder, value, args)
        if value in named:
            closed.add(made or (builder.make(value.op, args, value.params) if args else value))
        return made

    return rebuild(graph, rule)


def _tidied(builder: Builder, value: Value, args: Args) -> Value | None:
    known = any(arg.op == CONSTANT and arg.size > 1 for arg in args) and all(map(_is_constant, args))
    if known and value.size <= MAX_FOLDED:
        return _computed(builder, value, args)
    rule = RULES.get(value.op)
    return rule(builder, value, args) if rule else None


def _is_constant(value: Value) -> bool:
    return value.op == CONSTANT or (value.op == "expand" and value.args[0].op == CONSTANT)


def _computed(builder: Builder, value: Value, args: Args) -> Value:
    """An operation on constants, folded into a constant."""
    arrays = [
        arg.params["array"] if arg.op == CONSTANT else np.broadcast_to(arg.args[0].params["array"], arg.shape)
        for arg in args
    ]
    with np.errstate(all="ignore"):
        array = np.array(PRIMITIVES[value.op].eval(*arrays, **value.params))
    if array.size and (array == array.flat[0]).all():
        return builder.full(value.shape, array.flat[0], value.dtype)
    return builder.constant(array)


def _make(builder: Builder, op: str, *args: Value, **params: object) -> Value:
    """An operation, tidied."""
    made = builder.make(op, args, params)
    return _tidied(builder, made, args) or made


def _neg(builder: Builder, value: Value, args: Args) -> Value | None:
    (x,) = args
    return x.args[0] if x.op == "neg" else None


def _add(builder: Builder, value: Value, args: Args) -> Value | None:
    a, b = args
    if a.dtype.kind == "b":
        return next((y for x, y in ((a, b), (b, a)) if _is(x, False)), None)
    if _is(a, 0) or _is(b, 0):
        return b if _is(a, 0) else a
    if b.op == "neg":
        return _make(builder, "sub", a, b.args[0])
    return _make(builder, "sub", b, a.args[0]) if a.op == "neg" else None


def _sub(builder: Builder, value: Value, args: Args) -> Value | None:
    a, b = args
    if _is(b, 0):
        return a
    if _is(a, 0):
        return _make(builder, "neg", b)
    if b.op == "neg":
        return _make(builder, "add", a, b.args[0])
    return None


def _product(builder: Builder, value: Value, args: Args) -> Value | None:
    a, b = args
    if a.dtype.kind == "b":
        return next((x if _is(x, False) else y for x, y in ((a, b), (b, a)) if _known(x)), None)
    for x, other in ((a, b), (b, a)):
        number = constant_of(x)
        if number is None:
            continue
        if number == 0:
            return builder.full(value.shape, 0, value.dtype)
        if number == 1:
            return other
        if number == -1:
            return _make(builder, "neg", other)
    second = constant_of(b)
    if value.op == "times" and second is not None and math.isfinite(second):
        return builder.make("mul", args, {})
    return None


def _div(builder: Builder, value: Value, args: Args) -> Value | None:
    a, b = args
    if _is(b, 1):
        return a
    return a if _is(a, 0) else None


def _where(builder: Builder, value: Value, args: Args) -> Value | None:
    c, a, b = args
    if _known(c):
        return a if _is(c, True) else b
    return a if a is b else None


def _sum(builder: Builder, value: Value, args: Args) -> Value | None:
    (x,) = args
    axes = value.params["axis"]
    if value.dtype != x.dtype:
        return None
    moving = tuple(axis for axis in axes if x.shape[axis] != 1)
    if not moving:
        return x
    if moving != axes:
        return _make(builder, "sum", x, axis=moving)
    if x.op == "sum":
        return _make(builder, "sum", x.args[0], axis=tuple(sorted({*axes, *x.params["axis"]})))
    if x.op == "neg":
        return _make(builder, "neg", _make(builder, "sum", x.args[0], axis=axes))
    return builder.full(value.shape, 0, value.dtype) if _is(x, 0) else None


def _expand(builder: Builder, value: Value, args: Args) -> Value | None:
    """Broadcasting adds leading axes by itself, and repeats a single element along any axes."""
    (x,) = args
    if x.op != "reshape":
        return None
    (source,) = x.args
    leading = x.shape == (1,) * (x.ndim - source.ndim) + source.shape
    if leading or (source.size == 1 and source.ndim <= value.ndim):
        return builder.make("expand", [source], value.params)
    return None


def _reshape(builder: Builder, value: Value, args: Args) -> Value | None:
    """Numbers and signs commute with a reshape."""
    (x,) = args
    if x.shape == value.shape:
        return x
    if x.op == "reshape" or (x.op == "expand" and x.size == x.args[0].size):
        return _make(builder, "reshape", x.args[0], shape=value.shape)
    if x.op == "neg":
        return _make(builder, "neg", _make(builder, "reshape", x.args[0], shape=value.shape))
    if x.op == "mul" and (number := constant_of(x.args[1])) is not None and x.dtype.kind == "f":
        moved = _make(builder, "reshape", x.args[0], shape=value.shape)
        return _make(builder, "mul", moved, builder.full(value.shape, number, value.dtype))
    return None


def _pow(builder: Builder, value: Value, args: Args) -> Value | None:
    return args[0] if _is(args[1], 1) else None


def _permute(builder: Builder, value: Value, args: Args) -> Value | None:
    (x,) = args
    axes = value.params["axes"]
    if tuple(axes) == tuple(range(x.ndim)):
        return x
    if x.op == "permute":
        return _make(builder, "permute", x.args[0], axes=tuple(x.params["axes"][axis] for axis in axes))
    if x.op == "contract":
        a, b, y = parse(x.params["spec"])[:3]
        return builder.make("contract", x.args, {"spec": f"{a},{b}->{''.join(y[axis] for axis in axes)}"})
    return None


def _contract(builder: Builder, value: Value, args: Args) -> Value | None:
    """The spec names an operand's axes, so a permuted operand can be read as it was, under other letters."""
    if all(arg.op != "permute" for arg in args):
        return None
    *letters, y = parse(value.params["spec"])[:3]
    for i, arg in enumerate(args):
        if arg.op == "permute":
            order = dict(zip(arg.params["axes"], letters[i], strict=True))
            letters[i] = "".join(order[axis] for axis in range(arg.ndim))
    sources = [arg.args[0] if arg.op == "permute" else arg for arg in args]
    return builder.make("contract", sources, {"spec": f"{letters[0]},{letters[1]}->{y}"})


def _equal(builder: Builder, value: Value, args: Args) -> Value | None:
    a, b = args
    if a.dtype.kind == "b" and a.op == "equal" and _is(b, False) and _is(a.args[1], False):
        return a.args[0] if a.args[0].dtype.kind == "b" else None
    return builder.full(value.shape, True, value.dtype) if a is b else None


def _is(value: Value, number: float) -> bool:
    """Whether all elements are a number."""
    found = constant_of(value)
    return found is not None and bool(found == number)


def _known(value: Value) -> bool:
    return constant_of(value) is not None


RULES: dict[str, Rule] = {
    "neg": _neg,
    "add": _add,
    "sub": _sub,
    "mul": _product,
    "times": _product,
    "div": _div,
    "where": _where,
    "sum": _sum,
    "expand": _expand,
    "reshape": _reshape,
    "pow": _pow,
    "permute": _permute,
    "contract": _contract,
    "equal": _equal,
}
