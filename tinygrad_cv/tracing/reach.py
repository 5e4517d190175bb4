"""What a function can reach: the variables that its code names, the same for functions found there, and attributes.

Code is read the same way wherever it is from: a script, ``site-packages``, or no file at all. Only the code of Python's
standard library, of NumPy and of this package is not read; their objects are looked into.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from contextvars import ContextVar
from enum import Enum
from functools import partial
from io import IOBase
from operator import attrgetter, methodcaller
from random import Random
from types import BuiltinFunctionType, FunctionType, MethodType, MethodWrapperType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..core.variable import Variable
from .checks import (
    CONTAINERS,
    MISSING,
    NUMBERS,
    Check,
    Contents,
    Each,
    cached,
    context_value,
    default_factory,
    elements,
    fingerprint,
    is_memory,
    mro,
    referent,
)
from .kinds import (
    DYNAMIC,
    PACKAGE,
    attributes_of,
    called_by,
    has_attributes,
    home_of,
    is_library,
    is_ours,
    is_written_in_python,
    slots_of,
)
from .lookup import Lookup, dot
from .names import WORD
from .tree import is_array

# Their state cannot be compared; see hidden.py.
HIDDEN = (Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator, IOBase)
# Modules whose objects are not looked into: they never change, or no number depends on them.
CLOSED = {"logging", "_thread", "concurrent", "asyncio", "multiprocessing", "subprocess", "unittest", "pathlib", "abc"}
CLOSED |= {"datetime", "zoneinfo", "re", "inspect", "typing", "types", "importlib", "warnings", "fractions"}
# Modules whose objects cannot be looked into.
BLIND = {"_queue", "sqlite3", "_sqlite3", "_dbm", "_gdbm", "_socket", "_multiprocessing", "_elementtree", "select"}
LIMIT = 20_000  # objects


class Volatile(NamedTuple):
    """An attribute that a call changes without changing the trace; if it is a dict, it is compared from then on."""

    path: str
    holder: Any
    name: str


class Walk(Lookup):
    """One walk over all that is reached from some objects.

    Attributes:
        seen: the objects, by their ids.
        arrays: arrays and other memory: path, object, fingerprint.
        tensors: tensors and their paths, by their ids.
        hidden: iterators, generators of random numbers, open files, with their paths.
        unseen: paths of what cannot be looked into.
    """

    def __init__(self, known: set[str]):
        super().__init__(known)
        self.seen: dict[int, Any] = {}
        self.arrays: list[tuple[str, Any, Any]] = []
        self.tensors: dict[int, tuple[str, Variable]] = {}
        self.volatile: list[Volatile] = []
        self.hidden: list[tuple[str, Any]] = []
        self.unseen: list[str] = []
        self._objects: dict[str, Any] = {}
        self._classes: dict[str, type] = {}
        self._read: set[tuple[type, bool]] = set()  # classes that were looked into
        self._bases: set[tuple[type, tuple[str, ...]]] = set()  # and which attributes of which of their bases

    def go(self, roots: Mapping[str, Any]) -> None:
        """Look into objects, and into all that is found in them."""
        self.todo += [(root, path) for path, root in reversed(list(roots.items()))]
        while self.todo:
            x, path = self.todo.pop()
            if type(x) in NUMBERS or isinstance(x, np.generic) or x is MISSING or id(x) in self.seen:
                continue
            if len(self.seen) == LIMIT:
                self.unseen.append(f"more than {LIMIT:,} objects, from {path} on")
                self.todo.clear()
                return
            self.seen[id(x)] = x
            if x is not sys.modules:
                self._visit(x, path)

    def finish(self) -> None:
        """Add the checks of all that was found at once: attributes of modules, classes of objects, bases of classes."""
        super().finish()
        for what, found, get in (("the class of ", self._objects, type), ("the bases of ", self._classes, mro)):
            if found:
                self.checks.append(Each(what, found, get))

    # --- kinds of objects ---

    def _visit(self, x: Any, path: str) -> None:
        kind: Any = type(x)
        if isinstance(x, Variable):
            self.tensors[id(x)] = path, x
            self.todo += [(hook, f"{path}'s hook") for hook in (x.node.hooks if x.node else None) or ()]
        elif isinstance(x, FunctionType):
            self.function(x, path)
            return
        elif isinstance(x, MethodType):
            self.todo += [(x.__self__, path.rpartition(".")[0]), (x.__func__, path)]
        elif isinstance(x, (BuiltinFunctionType, MethodWrapperType)):
            if not isinstance(x.__self__, (ModuleType, type, type(None))):
                self.todo.append((x.__self__, path.rpartition(".")[0] or path))
        elif isinstance(x, ModuleType):
            self.module(x, path)
        elif isinstance(x, type):
            self._class(x, path, frozenset({"__init__", "__new__"}))
        elif isinstance(x, CONTAINERS):
            self._container(x, path)
        elif isinstance(x, (tuple, frozenset)):
            self.todo += [(item, f"{path}[{i}]") for i, item in enumerate(x)]
        elif isinstance(x, partial):
            self.items(x, dot(path), ("func", "args", "keywords"))
        elif isinstance(x, (staticmethod, classmethod)):
            self.todo.append((x.__func__, path))
        elif isinstance(x, property):
            self.items(x, dot(path), ("fget",))
        elif isinstance(x, HIDDEN) or (_is_iterator(x) and not is_written_in_python(kind)):
            self.hidden.append((path, x))
            return
        elif is_array(x):
            self._array(x, path)
            if not isinstance(x, np.ndarray):  # another library's array may keep more than its elements
                attributes = attributes_of(x)
                self.items(attributes, dot(path), tuple(name for name in attributes if name in self.known))
                return
        elif hasattr(kind, "guarded"):
            self.items(x, dot(path), kind.guarded)
            return
        elif hasattr(kind, "cache_info") and hasattr(x, "__wrapped__"):  # functools.cache
            self.todo.append((x.__wrapped__, path))
            self.each(path, x, cached)
            return
        elif isinstance(x, (attrgetter, methodcaller)):
            self.names |= set(WORD.findall(repr(x)))
        elif isinstance(x, ContextVar):
            self.each(f"the context variable {x.name}", x, context_value)
        elif isinstance(x, weakref.ref):
            self.each(path, x, referent)
        elif isinstance(x, weakref.ProxyTypes):
            with suppress(ReferenceError):
                self.todo.append((x.__repr__.__self__, path))
            return
        elif isinstance(x, threading.local):
            self.items(x, dot(path), tuple(vars(x)))
        elif (not is_written_in_python(kind) or "_ctypes" in map(home_of, kind.__mro__)) and is_memory(x):
            with suppress(Exception):
                self.arrays.append((path, x, fingerprint(x)))
        elif is_library(kind.__module__):
            if home_of(kind) in BLIND or kind.__module__ in BLIND:
                self.unseen.append(f"{path} (a {kind.__name__})")
            elif home_of(kind) not in CLOSED or kind.__qualname__ == "SimpleNamespace":
                self._object(x, path)
            return
        if not is_library(kind.__module__) and not isinstance(x, type):
            self._object(x, path)

    def _container(self, x: Any, path: str) -> None:
        is_dynamic = getattr(x, "is_dynamic", None) if home_of(type(x)) == PACKAGE else None
        if isinstance(x, dict) and is_dynamic:
            keys = tuple(key for key in x if not is_dynamic(key))
            self.items(x, path, keys, len(x))
            return
        if isinstance(x, defaultdict):
            self.each(f"{path}.default_factory", x, default_factory)
        self.check(Contents(path, x))

    def _array(self, x: Any, path: str) -> None:
        try:
            if isinstance(x, np.ndarray) and x.dtype.hasobject:
                self.each(path, x, elements)
            else:
                self.arrays.append((path, x, fingerprint(x)))
        except Exception:  # another library's array that cannot be read may raise anything
            self.unseen.append(f"{path} (a {type(x).__name__})")

    # --- classes and their objects ---

    def _class(self, cls: type, path: str, more: frozenset[str] = frozenset()) -> None:
        """What a class defines: methods that code names, or that Python or this package calls."""
        if (cls, bool(more)) in self._read:
            return
        self._read.add((cls, bool(more)))
        called = self.known | more | called_by(cls)
        for base in cls.__mro__:
            own = vars(base)
            if home_of(base) == PACKAGE:
                if "forward" in own and (base, ("forward",)) not in self._bases:
                    self._bases.add((base, ("forward",)))
                    self.variables(Check(f"{base.__qualname__}.", own, ("forward",), len(own)))
            elif not is_library(base.__module__):
                special = {name for name in own if name.startswith("__") and name not in ("__init__", "__new__")}
                special -= {"__dict__", "__weakref__", "__module__", "__doc__"} - self.known
                keys = tuple(name for name in own if name in called or name in special)
                if (base, keys) not in self._bases:
                    self._bases.add((base, keys))
                    self.items(own, f"{base.__qualname__}.", keys, len(own))
                self._classes[base.__qualname__] = base
                self.names |= set(own.get("__match_args__", ()))
        if issubclass(cls, Enum):
            self.todo += [(member, f"{cls.__qualname__}.{name}") for name, member in cls.__members__.items()]
        if not is_library(type(cls).__module__):
            self._class(type(cls), path)

    def _object(self, x: Any, path: str) -> None:
        kind: Any = type(x)
        attributes = attributes_of(x)
        slots = tuple(name for base in kind.__mro__ for name in slots_of(base))
        ours = PACKAGE in map(home_of, kind.__mro__)  # this package reads its tensors and layers without naming them
        volatile = getattr(kind, "volatile", ()) if ours else ()
        volatile = tuple(name for name in volatile if name in attributes)
        self.volatile += [Volatile(dot(path), x, name) for name in volatile]
        keys = tuple(name for name in attributes if name not in volatile)
        if not is_library(kind.__module__):
            if not self.known & DYNAMIC:
                used = self.known | called_by(kind)
                keys = tuple(name for name in keys if name in used or (ours and is_ours(attributes[name])))
            if not (slots or has_attributes(x) or isinstance(x, (Variable, *CONTAINERS, tuple, frozenset, *NUMBERS_))):
                self.unseen.append(f"{path} (a {kind.__name__})")
        if home_of(kind) == PACKAGE or not is_library(kind.__module__):
            self._class(kind, path)
            self._objects[path] = x
        if attributes:
            self.items(attributes, dot(path), keys, len(attributes))
        elif has_attributes(x):
            self.items(attributes, dot(path), (), 0)
        if slots:
            self.items(x, dot(path), slots)


NUMBERS_ = (*NUMBERS - {type(None), bool, slice, range, type(Ellipsis)}, np.generic, np.ndarray)


def _is_iterator(x: Any) -> bool:
    return isinstance(x, Iterator) and not isinstance(x, weakref.ProxyTypes)  # a proxy passes for an iterator
