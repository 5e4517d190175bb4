"""Verifies graphs: shapes, dtypes and parameters follow each primitive's rule; a rewrite keeps the function's type."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

import numpy as np

from ...core.primitive import PRIMITIVES, Aval
from ...ir.graph import CONSTANT, INPUT, Graph, Value, aval_of, line
from ...ops.contraction import extents, parse
from .rule import check


def verify_graph(graph: Graph, stage: str, known: Container[Value] = ()) -> None:
    """Values follow the rules of their primitives, come after their arguments, and are made once.

    ``known``: values that were verified before.

    Raises:
        VerificationError: naming the stage, the value and the rule.
    """
    for number, value in enumerate(graph.inputs):
        index = value.params.get("index")
        check(value.op == INPUT and index == number, f"{stage}: input {number}", f"it is {line(value)}")
    inputs, alike = set(graph.inputs), dict[Any, Value]()
    for value in graph.values():
        complaint = "" if value in known else _complaint(value, inputs)
        check(not complaint, stage, f"{line(value)}: {complaint}" if complaint else "")
        if value.op not in (INPUT, CONSTANT):
            same = alike.setdefault((value.op, value.args, repr(value.params)), value)
            check(same is value, stage, f"{value!r} is the same as {same!r}")


def verify_rewrite(old: Graph, new: Graph, stage: str) -> None:
    """The new graph is right, has the same inputs, and outputs of the same shapes and dtypes.

    Raises:
        VerificationError: naming the stage and what differs.
    """
    verify_graph(new, stage, set(old.values()))
    check(new.inputs == old.inputs, stage, f"the inputs are {new.inputs}; they were {old.inputs}")
    check(
        len(new.outputs) == len(old.outputs),
        stage,
        f"there are {len(new.outputs)} outputs; there were {len(old.outputs)}",
    )
    for number, (a, b) in enumerate(zip(old.outputs, new.outputs, strict=True)):
        same = (a.shape, a.dtype) == (b.shape, b.dtype)
        check(same, f"{stage}: output {number}", f"it is {line(b)}; it was {line(a)}")


def _complaint(value: Value, inputs: Container[Value]) -> str:
    """What is wrong with a value; empty if nothing is."""
    if any(a.number >= value.number for a in value.args):
        return "an argument comes after it"
    if value.op == INPUT:
        return "" if value in inputs else "it is not among the inputs of the graph"
    if value.op == CONSTANT:
        array = value.params["array"]
        same = (array.shape, array.dtype) == (value.shape, value.dtype)
        return "" if same else f"its array is {array.dtype}{list(array.shape)}"
    try:
        shape, dtype = aval_of(value.op)(*(Aval(a.shape, a.dtype) for a in value.args), **value.params)
    except Exception as error:  # any error of a rule
        return f"the primitive's rule fails with {error!r}"
    if (tuple(shape), dtype) != (value.shape, value.dtype):
        return f"the primitive's rule says {np.dtype(dtype)}{list(shape)}"
    elementwise = value.op in PRIMITIVES and PRIMITIVES[value.op].family == "elementwise"
    fits = RULES.get("elementwise" if elementwise else value.op)
    return "" if fits is None or fits(value) else "parameters and arguments do not fit"


def _fits_elementwise(value: Value) -> bool:
    """Arguments have one shape and, except for a condition, one dtype."""
    operands = value.args[1:] if value.op == "where" else value.args
    condition = value.op != "where" or value.args[0].dtype == np.bool_
    return condition and {a.shape for a in value.args} == {value.shape} and len({a.dtype for a in operands}) == 1


def _fits_expand(value: Value) -> bool:
    (x,) = value.args
    pairs = zip(value.shape[value.ndim - x.ndim :], x.shape, strict=True)
    return x.ndim <= value.ndim and all(n in (1, m) for m, n in pairs)


def _fits_slice(value: Value) -> bool:
    start, step = value.params["start"], value.params["step"]
    axes = zip(start, step, value.shape, value.args[0].shape, strict=True)
    return all(n == 0 or (0 <= s < m and 0 <= s + k * (n - 1) < m) for s, k, n, m in axes)


def _fits_reduction(value: Value) -> bool:
    axes = value.params["axis"]
    return len(set(axes)) == len(axes) and all(0 <= axis < value.args[0].ndim for axis in axes)


def _fits_contract(value: Value) -> bool:
    """Equal letters have equal sizes; both operands have one dtype."""
    a, b = value.args
    groups = parse(value.params["spec"])
    sizes = extents(groups, a, b)
    found = [(*pair,) for term, x in ((groups.a, a), (groups.b, b)) for pair in zip(term, x.shape, strict=True)]
    return a.dtype == b.dtype and all(sizes[letter] == n for letter, n in found)


RULES: dict[str, Callable[[Value], bool]] = {  # what the primitives' own rules take for granted
    "elementwise": _fits_elementwise,
    "expand": _fits_expand,
    "reshape": lambda value: value.size == value.args[0].size,
    "permute": lambda value: sorted(value.params["axes"]) == list(range(value.args[0].ndim)),
    "slice": _fits_slice,
    "sum": _fits_reduction,
    "max": _fits_reduction,
    "argmax": _fits_reduction,
    "contract": _fits_contract,
}
