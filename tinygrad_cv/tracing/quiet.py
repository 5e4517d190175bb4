"""Whether a function can reach a clock, or the random bytes of the system.

Watching every call doubles the time of a trace, and few functions need it. What a function reaches cannot ask a clock
if its code was read, or if it is from a module that is known to be quiet.
"""

from __future__ import annotations

import sys
from functools import cache
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, ModuleType, WrapperDescriptorType

from .kinds import DYNAMIC, PACKAGE, is_library
from .lookup import GLOBALS
from .names import Names, names_of
from .reach import Walk

# Modules of which no attribute can ask a clock.
PLAIN = frozenset({"cmath", "collections", "functools", "itertools", "math", "operator", PACKAGE})
# Modules whose own functions and objects do not ask, though they may hold others that do.
QUIET = PLAIN | {"abc", "builtins", "contextlib", "contextvars", "copy", "dataclasses", "enum", "numbers", "numpy"}
QUIET |= {"re", "threading", "types", "typing", "warnings", "weakref"}
QUIET |= {f"_{name}" for name in QUIET | {"thread", "threading_local"}}  # and their parts in C
ANY_OBJECT = GLOBALS | {"__builtins__", "__import__", "compile", "input"}  # code with these names may reach any object


def may_ask(walk: Walk) -> bool:
    """Whether something that was reached may ask a clock: its code was not read, and it is not known to be quiet."""
    if walk.unseen or walk.hidden or any(_is_open(names_of(code)) for code in walk.codes):
        return True
    computed = bool(walk.known & DYNAMIC)
    return any(_asks(x, computed) for x in walk.seen.values())


def _is_open(names: Names) -> bool:
    """Whether code may reach any object, or imports a module that may have clocks."""
    return bool(not names.exact or names.words & ANY_OBJECT) or any(
        level or name.partition(".")[0] not in PLAIN for name, level, _ in names.imports
    )


def _asks(x: object, computed: bool) -> bool:
    """Whether an object may ask a clock; ``computed``: some code computes the names of attributes."""
    if isinstance(x, ModuleType):  # passed on as an object
        return x.__name__.partition(".")[0] not in PLAIN if is_library(x.__name__) else computed
    if isinstance(x, FunctionType):
        return not _is_known(x.__globals__.get("__name__") or "", True)
    if isinstance(x, BuiltinFunctionType):
        if isinstance(x.__self__, (ModuleType, type(None))):
            return not _is_known(x.__module__ or "", False) or x is input
        x = x.__self__  # of a bound method
    return x is sys.modules or _is_noisy(x if isinstance(x, type) else type(x))


@cache
def _is_noisy(kind: type) -> bool:
    """Whether a class, or an object of it, may ask a clock: in its own code, or that of a base."""
    return not all(_is_known(base.__module__, not _has_methods_in_c(base)) for base in kind.__mro__)


def _is_known(module: str, python: bool) -> bool:
    """Whether what a module defines is quiet, or is read: code in Python (``python``) that is of no library."""
    if is_library(module):
        return module.partition(".")[0] in QUIET and not module.startswith("numpy.random")
    return python


def _has_methods_in_c(cls: type) -> bool:
    own = [item for item in vars(cls).values() if isinstance(item, (MethodDescriptorType, WrapperDescriptorType))]
    return any(item.__objclass__ is cls for item in own) or isinstance(vars(cls).get("__new__"), BuiltinFunctionType)
