"""What code can reach: the globals and closure cells that a function names, the same for the functions that it names,
and the attributes of the objects that are reached so.

Wherever code lies, in a script, in ``site-packages`` or nowhere, it is read the same way. The code of Python's standard
library, of NumPy and of this package is not: of these, objects are looked into.
"""

from __future__ import annotations

import builtins
import os
import sys
import threading
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from enum import Enum
from functools import partial
from io import IOBase
from operator import attrgetter, methodcaller
from random import Random
from types import (
    BuiltinFunctionType,
    CodeType,
    FunctionType,
    MethodType,
    MethodWrapperType,
    ModuleType,
)
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
    filled,
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
    is_data,
    is_library,
    is_of_package,
    is_ours,
    is_written_in_python,
    slots_of,
)
from .names import WORD, Names, imported, names_of
from .tree import is_array

BUILTINS = frozenset(vars(builtins))


GLOBALS = frozenset(["globals", "eval", "exec", "__globals__", "f_globals"])  # and any global
MODULES = frozenset(["modules", "import_module", "__import__"])
ENVIRONMENT = frozenset(["getenv", "environ", "environb", "expandvars"])

HIDDEN = (Random, np.random.Generator, np.random.RandomState, np.random.BitGenerator, IOBase)  # state that is not shown
CLOSED = {"logging", "_thread", "concurrent", "asyncio", "multiprocessing", "subprocess", "unittest"}
CLOSED |= {
    "pathlib",
    "datetime",
    "zoneinfo",
    "re",
    "inspect",
    "typing",
    "types",
    "abc",
    "importlib",
    "warnings",
    "fractions",
}
BLIND = {"_queue", "sqlite3", "_sqlite3", "_dbm", "_gdbm", "_socket", "_multiprocessing", "_elementtree", "select"}
LIMIT = 20_000  # objects


class Volatile(NamedTuple):
    """An attribute that changes by itself; if it is a dict, it is looked at as it is after the trace."""

    path: str
    holder: Any
    name: str


class Walk:
    """One round: ``known`` are the names that count as used, ``names`` those that were found.

    Attributes:
        hidden: iterators, generators of random numbers, open files, with their paths.
        unseen: paths of what cannot be looked into.
        codes: the code that was read.
    """

    def __init__(self, known: set[str]):
        self.known, self.names = known, set(known)
        self.todo: list[tuple[Any, str]] = []
        self.seen: dict[int, Any] = {}
        self.checks: list[Check] = []
        self.arrays: list[tuple[str, Any, Any]] = []
        self.tensors: dict[int, tuple[str, Variable]] = {}
        self.volatile: list[Volatile] = []
        self.hidden: list[tuple[str, Any]] = []
        self.unseen: list[str] = []
        self.codes: list[CodeType] = []
        self._objects: dict[str, Any] = {}
        self._classes: dict[str, type] = {}
        self._read: set[tuple[type, bool]] = set()  # classes
        self._bases: set[tuple[type, tuple[str, ...]]] = set()  # and what is looked at of each of their bases
        self._modules: dict[int, tuple[ModuleType, str, dict[str, None]]] = {}

    def go(self, roots: Mapping[str, Any]) -> None:
        """Look into objects, and into all that is found on the way."""
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
        """Checks that go over all that was found: attributes of modules, classes of objects, bases of classes."""
        for module, path, keys in self._modules.values():
            self.checks.append(Check(_dot(path), vars(module), tuple(keys)))
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
            self._function(x, path)
            return
        elif isinstance(x, MethodType):
            self.todo += [(x.__self__, path.rpartition(".")[0]), (x.__func__, path)]
        elif isinstance(x, (BuiltinFunctionType, MethodWrapperType)):
            if not isinstance(x.__self__, (ModuleType, type, type(None))):
                self.todo.append((x.__self__, path.rpartition(".")[0] or path))
        elif isinstance(x, ModuleType):
            self._module(x, path)
        elif isinstance(x, type):
            self._class(x, path, frozenset({"__init__", "__new__"}))
        elif isinstance(x, CONTAINERS):
            self._container(x, path)
        elif isinstance(x, (tuple, frozenset)):
            self.todo += [(item, f"{path}[{i}]") for i, item in enumerate(x)]
        elif isinstance(x, partial):
            self.items(x, _dot(path), ("func", "args", "keywords"))
        elif isinstance(x, (staticmethod, classmethod)):
            self.todo.append((x.__func__, path))
        elif isinstance(x, property):
            self.items(x, _dot(path), ("fget",))
        elif isinstance(x, HIDDEN) or (_is_iterator(x) and not is_written_in_python(kind)):
            self.hidden.append((path, x))
            return
        elif is_array(x):
            self._array(x, path)
            if not isinstance(x, np.ndarray):  # of others' code, what it keeps beside its elements is not known
                attributes = attributes_of(x)
                self.items(attributes, _dot(path), tuple(name for name in attributes if name in self.known))
                return
        elif hasattr(kind, "guarded"):
            self.items(x, _dot(path), kind.guarded)
            return
        elif hasattr(kind, "cache_info") and hasattr(x, "__wrapped__"):  # functools.cache
            self.todo.append((x.__wrapped__, path))
            self._each(path, x, cached)
            return
        elif isinstance(x, (attrgetter, methodcaller)):
            self.names |= set(WORD.findall(repr(x)))
        elif isinstance(x, ContextVar):
            self._each(f"the context variable {x.name}", x, context_value)
        elif isinstance(x, weakref.ref):
            self._each(path, x, referent)
        elif isinstance(x, weakref.ProxyTypes):
            with suppress(ReferenceError):
                self.todo.append((x.__repr__.__self__, path))
            return
        elif isinstance(x, threading.local):
            self.items(x, _dot(path), tuple(vars(x)))
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
        volatile = getattr(type(x), "volatile", ())
        if isinstance(x, dict) and volatile:
            keys = tuple(key for key in x if key not in volatile or not isinstance(dict.get(x, key), float))
            self.items(x, path, keys, len(x))
            return
        if isinstance(x, defaultdict):
            self._each(f"{path}.default_factory", x, default_factory)
        self._checked(Contents(path, x))

    def _array(self, x: Any, path: str) -> None:
        try:
            if isinstance(x, np.ndarray) and x.dtype.hasobject:
                self._each(path, x, elements)
            else:
                self.arrays.append((path, x, fingerprint(x)))
        except Exception:  # what another library's array raises where it cannot be read
            self.unseen.append(f"{path} (a {type(x).__name__})")

    def _each(self, path: str, x: Any, get: Callable[[Any], Any]) -> None:
        self._checked(Check(path, None, (x,), get=get))

    def items(self, container: Any, path: str, keys: Sequence[Any], size: int | None = None) -> None:
        """Look at some items of a container, and into them."""
        self._checked(Check(path, container, keys, size))

    def _checked(self, check: Check) -> None:
        self.checks.append(check)
        self.todo += reversed(list(zip(check.expected, check.names(), strict=True)))

    # --- code ---

    def _function(self, f: FunctionType, path: str) -> None:
        cells = dict(zip(f.__code__.co_freevars, f.__closure__ or (), strict=True))
        cells = {name: cell for name, cell in cells.items() if filled(cell)}
        if is_of_package(f) and vars(f).keys() <= {"__wrapped__"}:
            return
        if cells:
            self._variables(Check(path, list(cells), tuple(cells.values())))
        home = f.__globals__.get("__name__") or ""
        if vars(f):
            self.items(vars(f), _dot(path), tuple(vars(f)), len(vars(f)))
        if is_library(home):
            if cells:
                self._escaped(cell.cell_contents for cell in cells.values())
            return
        self.items(f, _dot(path), ("__code__", "__defaults__", "__kwdefaults__"))
        self.codes.append(f.__code__)
        names = names_of(f.__code__)
        self.names |= names.words
        wanted = {chain[0]: None for chain in names.chains if chain[0] not in f.__code__.co_freevars}
        if names.words & GLOBALS:
            wanted.update(dict.fromkeys(name for name in f.__globals__ if name in names.words))
            if "globals" in names.words:
                wanted.update(dict.fromkeys(name for name, x in f.__globals__.items() if is_data(x)))
        self._variables(Check("", f.__globals__, tuple(wanted)))
        for chain in names.chains:
            module = cells[chain[0]].cell_contents if chain[0] in cells else f.__globals__.get(chain[0])
            if isinstance(module, ModuleType):
                self._chain(module, chain[0], chain[1:])
                self._any_chain(module, chain[0], names)
        foreign = tuple(name for name in wanted if name not in f.__globals__ and name not in BUILTINS)
        if foreign:
            self.items(vars(builtins), "builtins.", foreign)
        self._imports(names, f.__globals__.get("__package__") or home.rpartition(".")[0])

    def _variables(self, check: Check) -> None:
        """Look at variables; into modules only as far as code reads them."""
        self.checks.append(check)
        found = zip(check.expected, check.names(), strict=True)
        self.todo += reversed([(x, path) for x, path in found if not isinstance(x, ModuleType)])

    def _chain(self, module: ModuleType, path: str, attributes: tuple[str, ...]) -> None:
        """What is read of a module: its attribute, that one's if it is a module too, and so on."""
        while attributes:
            name, *rest = attributes
            self._modules.setdefault(id(module), (module, path, {}))[2][name] = None
            x, path = vars(module).get(name, MISSING), f"{path}.{name}"
            if x is MISSING and "__getattr__" in vars(module):
                self.todo.append((vars(module)["__getattr__"], path))
            elif name == "__dict__":
                self.todo.append((module, path))
            if not isinstance(x, ModuleType):
                self.todo.append((x, path))
                return
            module, attributes = x, tuple(rest)
        self.todo.append((module, path))

    def _any_chain(self, module: ModuleType, path: str, names: Names) -> None:
        """Where it is not known which names are read of which: any of a module, and of the modules found so."""
        found = {} if names.exact else {id(module): (module, path)}
        todo = list(found.values())
        while todo:
            module, path = todo.pop()
            for (name,) in names.chains:
                self._chain(module, path, (name,))
                inner = vars(module).get(name)
                if isinstance(inner, ModuleType) and id(inner) not in found:
                    found[id(inner)] = inner, f"{path}.{name}"
                    todo.append(found[id(inner)])

    def _escaped(self, values: Any) -> None:
        self.todo += [(x, x.__name__) for x in values if isinstance(x, ModuleType)]

    def _imports(self, names: Names, package: str) -> None:
        for name, level, wanted in names.imports if names.exact else ():
            full = imported(name, level, package) if level else name
            if full not in sys.modules:
                self.items(sys.modules, "sys.modules", (full,))
            elif wanted:
                for attribute in wanted:
                    self._chain(sys.modules[full], full, (attribute,))
            elif not is_library(full):
                self.todo.append((sys.modules[full], full))
        for name, _, _ in () if names.exact else names.imports:
            for full in dict.fromkeys(imported(name, level, package) for level in range(package.count(".") + 2)):
                module = sys.modules.get(full)
                if isinstance(module, ModuleType):
                    self._chain(module, full, ())
                    self._any_chain(module, full, names)
                else:
                    self.items(sys.modules, "sys.modules", (full,))
        if names.words & MODULES:
            named = sorted(name for name in names.strings if name in sys.modules and not is_library(name))
            self.items(sys.modules, "sys.modules", tuple(named))
        if names.words & ENVIRONMENT:
            self._checked(Contents("os.environ", os.environ._data))  # type: ignore[attr-defined]

    def _module(self, module: ModuleType, path: str) -> None:
        """A module that is handed on: all that is named anywhere, or all where code may read any."""
        if not is_library(module.__name__):
            dynamic = bool(self.known & DYNAMIC)
            keys = [name for name, x in vars(module).items() if name in self.known or (dynamic and is_data(x))]
            self.items(vars(module), _dot(path), tuple(keys))

    # --- classes and their objects ---

    def _class(self, cls: type, path: str, more: frozenset[str] = frozenset()) -> None:
        """What a class defines: methods that are named, or that Python or this package calls by themselves."""
        if (cls, bool(more)) in self._read:
            return
        self._read.add((cls, bool(more)))
        called = self.known | more | called_by(cls)
        for base in cls.__mro__:
            own = vars(base)
            if home_of(base) == PACKAGE:
                if "forward" in own and (base, ("forward",)) not in self._bases:
                    self._bases.add((base, ("forward",)))
                    self._variables(Check(f"{base.__qualname__}.", own, ("forward",), len(own)))
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
        ours = PACKAGE in map(home_of, kind.__mro__)  # this package's code looks at its tensors and layers
        volatile = getattr(kind, "volatile", ()) if ours else ()
        volatile = tuple(name for name in volatile if name in attributes)
        self.volatile += [Volatile(_dot(path), x, name) for name in volatile]
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
            self.items(attributes, _dot(path), keys, len(attributes))
        elif has_attributes(x):
            self.items(attributes, _dot(path), (), 0)
        if slots:
            self.items(x, _dot(path), slots)


NUMBERS_ = (*NUMBERS - {type(None), bool, slice, range, type(Ellipsis)}, np.generic, np.ndarray)


def _dot(path: str) -> str:
    return f"{path}." if path else ""


def _is_iterator(x: Any) -> bool:
    return isinstance(x, Iterator) and not isinstance(x, weakref.ProxyTypes)  # a proxy could be one
