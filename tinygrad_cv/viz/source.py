"""The source of a function: its syntax tree, and the text of its parts."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from functools import cache
from types import CodeType, FunctionType
from typing import NamedTuple

from ..core.floor import uses

Tree = ast.Lambda | ast.FunctionDef


class Source(NamedTuple):
    """The source of a function.

    Attributes:
        tree: its syntax tree.
        file: the text of the file that it is in.
    """

    tree: Tree
    file: str

    def text(self, part: ast.AST) -> str:
        """A part of the tree as it is written, on one line."""
        return " ".join((ast.get_source_segment(self.file, part) or "").split())


def source(function: Callable[..., object]) -> Source:
    """The source of a function; of several lambdas on one line, that which compiles to the same code.

    Raises:
        LookupError: there is none, for instance for code made by ``eval``; or lambdas on one line differ in bytecode
            only, and bytecode may not be compared (``core/floor.py``).

    >>> from tinygrad_cv.ops import PRIMITIVES
    >>> found = source(PRIMITIVES["sub"].vjps[1].function)
    >>> found.text(found.tree.body)
    '-g'
    """
    if not isinstance(function, FunctionType):
        raise LookupError(f"{function!r} is not a Python function: it has no source")
    code = function.__code__
    file = "".join(linecache.getlines(code.co_filename, function.__globals__))
    module = _parsed(file)
    lambdas: dict[str, ast.Lambda] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef) and node.name == code.co_name and _first_line(node) == code.co_firstlineno:
            return Source(node, file)
        if isinstance(node, ast.Lambda) and node.lineno == code.co_firstlineno and _same(_compiled(node, module), code):
            lambdas.setdefault(ast.dump(node), node)
    if len(lambdas) == 1 or (lambdas and uses("bytecode")):
        return Source(next(iter(lambdas.values())), file)
    raise LookupError(f"{code.co_filename}, line {code.co_firstlineno}: no source of {function.__qualname__} there")


@cache
def _parsed(file: str) -> ast.Module:
    return ast.parse(file)


def _first_line(node: ast.FunctionDef) -> int:
    return min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])


def _compiled(node: ast.Lambda, module: ast.Module) -> CodeType:
    """The code of a lambda, compiled below the imports of its module: ``__future__`` imports change code."""
    imports = [part for part in module.body if isinstance(part, (ast.Import, ast.ImportFrom))]
    whole = compile(ast.Module([*imports, ast.copy_location(ast.Expr(node), node)], []), "", "exec")
    return next(constant for constant in whole.co_consts if isinstance(constant, CodeType))


def _same(a: CodeType, b: CodeType) -> bool:
    if uses("bytecode") and a.co_code != b.co_code:
        return False
    return (a.co_names, a.co_varnames, len(a.co_consts)) == (b.co_names, b.co_varnames, len(b.co_consts)) and all(
        _same(x, y) if isinstance(x, CodeType) and isinstance(y, CodeType) else x == y
        for x, y in zip(a.co_consts, b.co_consts, strict=True)
    )
