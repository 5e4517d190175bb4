"""Ways to get a derivative wrong: each takes one expression of a VJP's syntax tree and yields what it may become."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from tests.proof.mutation.syntax import PLAIN, VALUE, Place, Tree, expressions, kinds_of, name_of, renamed, replaced

MOVEMENTS = ("expand", "reshape", "permute", "flip", "slice", "pad", "windows", "fold", "gather", "astype")
SUMS = ("sum", "sum_to", "cumsum", "scatter_add")
TUPLES = ("axes", "stride", "dilation", "kernel", "size", "width", "interior", "start", "stop", "step", "shape")
OTHER_METHOD = {"cos": "sin", "sin": "cos", "exp": "sin", "log": "sqrt", "square": "exp", "sum": "mean"}
OTHER_NAME = {"stride": "dilation", "dilation": "stride", "start": "stop", "stop": "start"}
OTHER_COMPARISON: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}


Mutator = Callable[[Place], Iterator[ast.expr]]


# ---------------------------------------------------------------- terms and factors


def sign_flipped(place: Place) -> Iterator[ast.expr]:
    """-x, but once only in a product."""
    if place.flows and (place.result or not place.linear):
        yield ast.UnaryOp(ast.USub(), place.node)


def factor_changed(place: Place) -> Iterator[ast.expr]:
    """Twice and half of the result."""
    if place.result:
        yield from (ast.BinOp(ast.Constant(factor), ast.Mult(), place.node) for factor in (2.0, 0.5))


def constant_changed(place: Place) -> Iterator[ast.expr]:
    if isinstance(place.node, ast.Constant) and not isinstance(place.parent, ast.keyword):
        c = place.node.value
        if isinstance(c, float):
            yield from (ast.Constant(other) for other in ((2 * c, 0.5 * c) if c else (1.0,)))
        elif isinstance(c, int):
            yield ast.Constant(c + 1)


def part_dropped(place: Place) -> Iterator[ast.expr]:
    """A term of a sum, a factor of a product, a minus."""
    node = place.node
    if place.kind == PLAIN:
        return
    if isinstance(node, ast.UnaryOp):
        yield node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Mult)):
        yield from (part for part in (node.left, node.right) if place.kinds(part) != PLAIN)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Div, ast.Pow)):
        yield node.left
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield ast.UnaryOp(ast.USub(), node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        yield from (node.left, node.right)
    if isinstance(node, ast.Call) and name_of(node) == "times" and isinstance(node.func, ast.Attribute):
        yield from (node.func.value, node.args[0])
    if isinstance(node, ast.Call) and name_of(node) == "over":
        yield node.args[0]


def operands_swapped(place: Place) -> Iterator[ast.expr]:
    node = place.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Sub, ast.Div, ast.Pow)) and place.kind != PLAIN:
        yield ast.BinOp(node.right, node.op, node.left)
    if isinstance(node, ast.Call) and name_of(node) == "over":
        yield ast.Call(node.func, node.args[::-1], [])


def function_changed(place: Place) -> Iterator[ast.expr]:
    """Another function of the same argument, or the argument itself; a product instead of a quotient."""
    node = place.node
    if not isinstance(node, ast.Call):
        return
    if name_of(node) == "over":
        yield ast.Call(ast.Attribute(node.args[0], "times", ast.Load()), node.args[1:], [])
    if isinstance(node.func, ast.Attribute) and name_of(node) in OTHER_METHOD and place.kind != PLAIN:
        yield ast.Call(
            ast.Attribute(node.func.value, OTHER_METHOD[name_of(node)], ast.Load()), node.args, node.keywords
        )
        yield node.func.value


# ---------------------------------------------------------------- conditions and ties


def comparison_changed(place: Place) -> Iterator[ast.expr]:
    node = place.node
    if isinstance(node, ast.Compare) and (other := OTHER_COMPARISON.get(type(node.ops[0]))):
        yield ast.Compare(node.left, [other()], node.comparators)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
        yield ast.BinOp(node.left, ast.BitOr(), node.right)


def branches_swapped(place: Place) -> Iterator[ast.expr]:
    node = place.node
    if isinstance(node, ast.Call) and name_of(node) == "where":
        yield ast.Call(node.func, node.args[::-1], [])
    if isinstance(node, ast.IfExp):
        yield ast.IfExp(node.test, node.orelse, node.body)


def branch_always_taken(place: Place) -> Iterator[ast.expr]:
    node = place.node
    if isinstance(node, ast.Call) and name_of(node) == "where":
        yield from (branch for branch in node.args if place.kinds(branch) == VALUE)
    if isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)


# ---------------------------------------------------------------- axes and arguments


def axis_before(axis: Any) -> Any:
    """The axis before, round the corner, of one or several."""
    return axis - 1 if isinstance(axis, int) else tuple(i - 1 for i in axis)


def axis_changed(place: Place) -> Iterator[ast.expr]:
    """The axis before, round the corner; the arguments of axes in the opposite order, or of another name, or all 1."""
    node = place.node
    if not isinstance(node, ast.Name) or node.id not in place.arguments:
        return
    if isinstance(place.parent, ast.Call) and name_of(place.parent) == "len":  # the same for all of them
        return
    stem = node.id.rpartition("_")[2]
    if node.id == "axis":
        yield ast.parse("axis_before(axis)", mode="eval").body
    if stem in TUPLES:
        yield ast.parse(f"{node.id}[::-1]", mode="eval").body
    if node.id in OTHER_NAME:
        yield ast.Name(OTHER_NAME[node.id], ast.Load())
    if node.id in ("stride", "dilation", "kernel", "step"):
        yield ast.parse(f"(1,) * len({node.id})", mode="eval").body


def call_left_out(place: Place) -> Iterator[ast.expr]:
    """A sum over broadcast axes, an expansion, a movement: its receiver takes its place."""
    node = place.node
    if place.kind == VALUE and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield from [node.func.value] if name_of(node) in MOVEMENTS + SUMS else []


# ---------------------------------------------------------------- what shows at the second order only


def detached(place: Place) -> Iterator[ast.expr]:
    """Right as a number; its own derivatives are lost."""
    if place.flows and (place.result or isinstance(place.node, ast.Name)):
        yield ast.Call(ast.Attribute(place.node, "detach", ast.Load()), [], [])


MUTATORS: dict[str, Mutator] = {
    "sign flipped": sign_flipped,
    "factor changed": factor_changed,
    "constant changed": constant_changed,
    "part dropped": part_dropped,
    "operands swapped": operands_swapped,
    "function changed": function_changed,
    "comparison changed": comparison_changed,
    "branches swapped": branches_swapped,
    "branch always taken": branch_always_taken,
    "axis or argument changed": axis_changed,
    "call left out": call_left_out,
    "detached": detached,
}


def mutate(
    function: Tree, arguments: dict[str, str], values: Sequence[str] = (), mutators: Mapping[str, Mutator] = MUTATORS
) -> Iterator[tuple[str, ast.AST]]:
    """Every tree that one change of one expression leads to, and what was changed.

    Args:
        arguments: what each of the function's arguments is: a value, a mask or plain.
        values: the names of all values that it might read: the primitive's inputs, and y.
    """
    for old, new in itertools.product((a for a in arguments if a in values), values):
        if old < new or (old != new and new not in arguments):
            yield "another value read", renamed(function, {old: new, new: old})
    kinds = kinds_of(function, arguments)
    body = [function.body] if isinstance(function, ast.Lambda) else function.body
    for part in body:
        for node, parent, conditional in expressions(part, function, kinds):
            place = Place(node, parent, kinds(node), kinds, conditional, frozenset(arguments))
            for name, mutator in mutators.items():
                for other in mutator(place):
                    yield name, replaced(function, node, other)
