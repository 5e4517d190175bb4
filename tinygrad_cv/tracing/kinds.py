"""Kinds of objects and modules: whose code is read, and where an object keeps its attributes."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

from ..core.variable import Variable
from .names import words_of

PACKAGE = __name__.partition(".")[0]
LIBRARY = frozenset({*sys.stdlib_module_names, "numpy"})
FOLDERS = tuple({str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")})
INSTALLED = ("site-packages", "dist-packages")

# Code that has one of these names may read any attribute of an object.
DYNAMIC = {"getattr", "setattr", "hasattr", "vars", "dir", "__dict__", "globals", "locals", "eval", "exec", "copy"}
DYNAMIC |= {"asdict", "astuple", "fields", "attrgetter", "methodcaller", "deepcopy", "replace", "getmembers", "dumps"}
DYNAMIC |= {"format", "format_map", "__getstate__", "__getattribute__"}


def home_of(cls: type) -> str:
    """The top-level package of a class."""
    return str(cls.__module__).partition(".")[0]


def is_library(module: str) -> bool:
    """Whether a module is of this package, NumPy or the standard library, and not another one with such a name."""
    top = str(module).partition(".")[0]
    if top == PACKAGE or top == "numpy":
        return True
    return top in LIBRARY and _is_pythons(getattr(sys.modules.get(top), "__file__", None))


@cache
def _is_pythons(file: str | None) -> bool:
    return file is None or (
        str(Path(file).resolve()).startswith(FOLDERS) and not set(INSTALLED) & set(Path(file).parts)
    )


def is_data(x: object) -> bool:
    """Whether it is neither code nor a module."""
    return not isinstance(x, (ModuleType, type, FunctionType, BuiltinFunctionType))


def is_ours(x: object) -> bool:
    """Whether it is a tensor, or of a class of this package such as a layer: these are found without being named."""
    return isinstance(x, Variable) or PACKAGE in map(home_of, type(x).__mro__)


def is_of_package(f: FunctionType) -> bool:
    """Whether a name of this package refers to the function, and nothing but decorators of this package wrap it.

    The variables that such functions close over never change.
    """
    found: Any = sys.modules.get(f.__module__) if str(f.__module__).partition(".")[0] == PACKAGE else None
    for name in f.__qualname__.split("."):
        found = getattr(found, name, None)
    if found is not f:
        return False
    while isinstance(found, FunctionType) and str(found.__globals__.get("__name__")).partition(".")[0] == PACKAGE:
        found = vars(found).get("__wrapped__")
    return found is None


def attributes_of(x: object) -> dict[str, Any]:
    """The ``__dict__`` of an object itself; an empty one if it has none."""
    try:
        found = object.__getattribute__(x, "__dict__")
    except (AttributeError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def has_attributes(x: object) -> bool:
    """Whether it can have attributes of its own."""
    return hasattr(type(x), "__dictoffset__") and type(x).__dictoffset__ != 0


@cache
def is_written_in_python(cls: Any) -> bool:
    """Whether a class was made by a class statement: its objects have attributes; those of iterators in C do not."""
    return cls.__dictoffset__ != 0 or any("__slots__" in vars(base) for base in cls.__mro__[:-1])


def slots_of(cls: type) -> tuple[str, ...]:
    """The slots that a class adds."""
    slots = vars(cls).get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else tuple(slots)
    named = (f"_{cls.__name__.lstrip('_')}{s}" if s.startswith("__") and not s.endswith("__") else s for s in slots)
    return tuple(name for name in named if name not in ("__dict__", "__weakref__"))


@cache
def called_by(cls: Any) -> frozenset[str]:
    """The names in the code of a class's bases that are of libraries: attributes and methods that these may use."""
    words: set[str] = set()
    for base in cls.__mro__:
        if is_library(base.__module__):
            for item in vars(base).values():
                item = getattr(item, "__func__", getattr(item, "fget", item))
                if isinstance(item, FunctionType):
                    words |= words_of(item.__code__)
    return frozenset(words - DYNAMIC)
