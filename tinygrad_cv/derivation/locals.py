"""The names that functions give their values: their local variables, read when they return.

A derivation has ``mu`` and ``var`` because the source of the formula does; no formula is known here.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..core.floor import uses
from ..core.variable import Variable
from ..ir.graph import Value

PACKAGE = __name__.partition(".")[0]
FORMULAS = tuple(f"{PACKAGE}.{room}" for room in ("functional", "nn", "models"))


@contextmanager
def named_locals(names: dict[Value, str]) -> Iterator[None]:
    """Inside, ``names`` collects the variables of every function that returns; a value's outermost name stays."""
    depths: dict[Value, int] = {}

    def look(frame: FrameType, event: str, _: object) -> None:
        if event != "return" or not _is_formula(frame.f_globals.get("__name__", "")):
            return
        depth = _depth(frame)
        for name, x in _variables(frame):
            value = x._value
            if isinstance(value, Value) and depth < depths.get(value, depth + 1):
                depths[value], names[value] = depth, name

    before = sys.getprofile()
    opaque = before is not None and not callable(before)  # cProfile: it cannot be restored
    if opaque or not uses("profile"):
        yield
        return
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _is_formula(module: str) -> bool:
    """Whether a module holds formulas: the user's code, and the library's layers, but not the code below them."""
    return module.startswith(FORMULAS) or module.partition(".")[0] != PACKAGE


def _variables(frame: FrameType) -> Iterator[tuple[str, Variable]]:
    """The local variables that hold tensors, without parameters: those are values of the caller."""
    code = frame.f_code
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name, x in frame.f_locals.items():
        if isinstance(x, Variable) and name not in parameters and not name.startswith("_"):
            yield name, x


def _depth(frame: FrameType) -> int:
    depth = 0
    caller = frame.f_back
    while caller is not None:
        depth, caller = depth + 1, caller.f_back
    return depth
