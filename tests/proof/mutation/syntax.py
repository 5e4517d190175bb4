"""Syntax trees of VJPs: where they are found, what their expressions are, and copies with one of them replaced.

What an expression is decides what is done to it: a ``VALUE`` is a tensor of floats that derivatives flow through; a
``MASK`` is a tensor that none flow through, a condition for instance; all else, shapes and axes, is ``PLAIN``.
"""

from __future__ import annotations

import ast
import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from tinygrad_cv.viz.source import Tree, source

VALUE, MASK, PLAIN = "value", "mask", "plain"
CUTS = ("iota", "argmax_kept", "detach")  # methods that no derivative flows through
NONLINEAR = ("cos", "sin", "exp", "log", "square", "where")  # functions and methods
NO_VALUE = ("shape", "dtype", "ndim", "_value")  # attributes
OF_SHAPES = ("axes_of", "_count", "_check_labels", "_check_equal")  # functions that ask for shapes only


def syntax(function: Callable[..., Any]) -> Tree:
    """The tree of a function of a module, without what is no part of the formula: decorators and annotations.

    >>> from tinygrad_cv.ops import PRIMITIVES
    >>> ast.unparse(syntax(PRIMITIVES["exp"].vjps[0].function))
    'lambda g, y: g.times(y)'
    """
    assert inspect.getclosurevars(function).nonlocals == {}
    tree = copy.deepcopy(source(function).tree)
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list, tree.returns = [], None
        for argument in tree.args.args:
            argument.annotation = None
    return tree


# ---------------------------------------------------------------- its expressions


class Place(NamedTuple):
    """An expression, and where it stands."""

    node: ast.expr
    parent: ast.AST
    kind: str
    kinds: Callable[[ast.AST], str]
    conditional: bool  # inside of a condition, where no derivative flows
    arguments: frozenset[str]  # of the function

    @property
    def result(self) -> bool:
        """Whether this is what the VJP returns."""
        return isinstance(self.parent, (ast.Lambda, ast.Return))

    @property
    def flows(self) -> bool:
        """Whether a derivative flows through it."""
        attribute = isinstance(self.parent, ast.Attribute) and self.parent.attr in NO_VALUE
        argument = isinstance(self.parent, ast.Call) and name_of(self.parent) in OF_SHAPES
        return self.kind == VALUE and not (self.conditional or attribute or argument)

    @property
    def linear(self) -> bool:
        """Whether a factor here is a factor of what it is part of."""
        parent = self.parent
        if isinstance(parent, ast.BinOp):
            return isinstance(parent.op, (ast.Mult, ast.Div))
        if isinstance(parent, ast.Call):
            return name_of(parent) not in NONLINEAR
        return isinstance(parent, ast.UnaryOp) or (isinstance(parent, ast.Attribute) and parent.attr not in NONLINEAR)


def name_of(call: ast.Call) -> str:
    """The name of the function or method that is called."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _joined(*kinds: str) -> str:
    return VALUE if VALUE in kinds else MASK if MASK in kinds else PLAIN


def kinds_of(function: ast.AST, arguments: dict[str, str]) -> Callable[[ast.AST], str]:
    """What each expression of a function is, given what its arguments are."""
    names = dict(arguments)

    def kind(node: ast.AST) -> str:
        if isinstance(node, ast.Name):
            return names.get(node.id, PLAIN)
        if isinstance(node, ast.UnaryOp):
            return kind(node.operand)
        if isinstance(node, ast.BinOp):
            return _joined(kind(node.left), kind(node.right))
        if isinstance(node, ast.Compare):
            return PLAIN if {kind(node.left), *map(kind, node.comparators)} == {PLAIN} else MASK
        if isinstance(node, ast.IfExp):
            return kind(node.body)
        if isinstance(node, ast.Call):
            receiver = kind(node.func.value) if isinstance(node.func, ast.Attribute) else PLAIN
            if name_of(node) in OF_SHAPES:
                return PLAIN
            if receiver == PLAIN or name_of(node) == "where":
                return _joined(receiver, *map(kind, node.args))
            return MASK if name_of(node) in CUTS else receiver
        return PLAIN

    for statement in ast.walk(function):
        if isinstance(statement, ast.Assign):
            for target in ast.walk(statement.targets[0]):
                if isinstance(target, ast.Name):
                    names.setdefault(target.id, kind(statement.value))
    return kind


def expressions(
    node: ast.AST, parent: ast.AST, kinds: Callable[[ast.AST], str], conditional: bool = False
) -> Iterator[tuple[ast.expr, ast.AST, bool]]:
    """All expressions below a node, their parents, and whether they stand inside of a condition."""
    conditional = conditional or isinstance(node, ast.Compare) or kinds(node) == MASK
    if isinstance(node, ast.expr) and not isinstance(getattr(node, "ctx", None), ast.Store):
        yield node, parent, conditional
    for child in ast.iter_child_nodes(node):
        yield from expressions(child, node, kinds, conditional)


# ---------------------------------------------------------------- copies


def replaced(function: ast.AST, node: ast.expr, other: ast.expr) -> ast.AST:
    """A copy of the function, with ``other`` where ``node`` stands; the given tree stays as it is."""
    return copy.deepcopy(function, {id(node): copy.deepcopy(other)})


def renamed(function: Tree, names: dict[str, str]) -> ast.AST:
    """A copy of the function that reads other values; which ones, its arguments' names say."""
    return _Renaming(names).visit(copy.deepcopy(function))


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]):
        self.names = names

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node
