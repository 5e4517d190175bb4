"""What a function calls its values: its local variables, seen when it returns.

A derivation speaks of ``mu`` and ``var`` because the formula's source does; nothing here knows a formula.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from ..core.floor import uses
from ..core.variable import Variable
from ..ir.graph import Value

PACKAGE = __name__.partition(".")[0]
FORMULAS = tuple(f"{PACKAGE}.{room}" for room in ("functional", "nn", "models"))


@contextmanager
def named_locals(names: dict[Value, str]) -> Iterator[None]:
    """Inside, ``names`` learns the variables of every function that returns: the outermost name of a value stays."""
    depths: dict[Value, int] = {}

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "return" or not _speaks(frame.f_globals.get("__name__", "")):
            return
        depth = _depth(frame)
        for name, x in _variables(frame):
            value = x._value
            if isinstance(value, Value) and depth < depths.get(value, depth + 1):
                depths[value], names[value] = depth, name

    before = sys.getprofile()
    opaque = before is not None and not callable(before)  # cProfile: what it holds cannot be put back
    if opaque or not uses("profile"):
        yield
        return
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _speaks(module: str) -> bool:
    """Whether its variables are worth reading: those of formulas are, those of the machinery below are not."""
    return module.startswith(FORMULAS) or module.partition(".")[0] != PACKAGE


def _variables(frame: FrameType) -> Iterator[tuple[str, Variable]]:
    """Tensors by the variables that hold them; a formula's parameters are its caller's values, and not named."""
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
