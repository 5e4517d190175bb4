"""Local derivatives as formulas: the expression of each VJP, as written in the table of its primitive."""

from __future__ import annotations

import ast
import inspect
from contextlib import suppress
from functools import cache

from ..core.primitive import Primitive, Vjp
from .source import source


@cache
def vjp_text(vjp: Vjp) -> str:
    """The expression of a lambda as written in its file; the call of a named function."""
    with suppress(LookupError):  # made by eval, or not a Python function
        found = source(vjp.function)
        if isinstance(found.tree, ast.Lambda):
            return found.text(found.tree.body)
    name = getattr(vjp.function, "__name__", "vjp").strip("<>")
    return f"{name}({', '.join(inspect.signature(vjp.function).parameters)})"


def derivative_text(primitive: Primitive, place: int) -> str:
    """The cotangent of one input, g being that of the output; nothing where there is none."""
    vjp = primitive.vjp(place) if primitive.vjps else None
    return vjp_text(vjp) if vjp else ""
