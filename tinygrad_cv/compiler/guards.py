"""What a jitted function closes over, as a list of things to look at before a recorded trace is used again.

Found by reading code: the globals and closure cells that a function names, the same for plain Python functions that it
names, and the attributes of the objects that are reached so. Each is compared by identity, which is quick, and where
that fails by value. Of this package and of installed ones only objects are looked into, not code.
"""

from __future__ import annotations

import dis
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import chain, starmap
from operator import attrgetter, is_
from pathlib import Path
from types import CellType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from ..core.variable import Variable
from .ir import Value
from .tree import SCALARS, is_array

PACKAGE = __name__.partition(".")[0]
STANDARD = {*sys.stdlib_module_names, "numpy"}
PLAIN = ("types.SimpleNamespace", "argparse.Namespace")  # of the standard library, but made to hold a user's values
DYNAMIC = {"getattr", "setattr", "hasattr", "vars", "__dict__", "globals", "locals", "eval", "exec"}
NUMBERS = (*(kind for kind in SCALARS if kind is not type), float, np.generic)
SEQUENCES = (list, deque, set)
FOLDER = str(Path(__file__).parent.parent)  # of this package

_contents = attrgetter("cell_contents")


class Check:
    """Some items of a container, as they were: ``map(get, keys)`` gives them."""

    __slots__ = ("container", "expected", "get", "keys", "path", "size")

    def __init__(self, path: str, container: Any, keys: Sequence[Any], size: int | None = None):
        self.path, self.container, self.size = path, container, size
        self.keys: Iterable[Any] = keys
        self.get: Callable[[Any], Any]
        if isinstance(container, Mapping):
            self.get = container.get
        elif _are_cells(keys):  # the container has their names
            self.get = _contents
        elif isinstance(container, SEQUENCES):
            self.get, self.keys = _itself, container
        else:
            self.get = partial(_attribute, container)
        self.expected = tuple(map(self.get, self.keys))

    def broken(self) -> str | None:
        """What is different now, in words."""
        try:
            now = tuple(map(self.get, self.keys))
        except ValueError:  # an empty closure cell
            return f"a variable that {self.path} closes over is not set now"
        if self.size is not None and len(self.container) != self.size:
            return f"{self.path} has {len(self.container)} items instead of {self.size}"
        for name, old, new in zip(self.names(), self.expected, now, strict=True):
            if not same(old, new):
                return f"{name} was {_short(old)}, now {_short(new)}"
        self.expected = now  # equal values in other objects
        return None

    def names(self) -> list[str]:
        """What to call the items."""
        if self.get is _itself:
            return [f"{self.path}[{i}]" for i in range(len(self.expected))]
        if self.get is _contents:
            return list(self.container)
        if isinstance(self.container, dict) and self.path and not self.path.endswith("."):
            return [f"{self.path}[{key!r}]" for key in self.keys]
        return [f"{self.path}{key}" for key in self.keys]

    def put_back(self) -> None:
        """Replace traced tensors by what was there before."""
        container = self.container
        if isinstance(container, dict):
            before = dict(zip(self.keys, self.expected, strict=True))
            for key in [key for key, item in container.items() if _is_traced(item)]:
                if key in before:
                    dict.__setitem__(container, key, before[key])
                else:
                    dict.__delitem__(container, key)
        elif isinstance(container, list) and any(map(_is_traced, container)):
            container[:] = self.expected
        elif self.get is _contents:
            for cell, item in zip(self.keys, self.expected, strict=True):
                if _is_traced(_contents(cell)):
                    cell.cell_contents = item


def _itself(x: Any) -> Any:
    return x


def _attribute(x: Any, name: str) -> Any:
    return getattr(x, name, None)


def _are_cells(x: Any) -> bool:
    return isinstance(x, tuple) and bool(x) and isinstance(x[0], CellType)


def _is_traced(x: Any) -> bool:
    return isinstance(x, Variable) and isinstance(x._value, Value)


def same(a: Any, b: Any) -> bool:
    """Whether a function cannot tell two values apart: one object, or equal numbers, strings and tuples of these."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return repr(a) == repr(b)  # tells -0.0 from 0.0, and finds NaN again
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) in SCALARS and a == b


def _short(value: Any) -> str:
    if type(value) in NUMBERS or isinstance(value, (tuple, str)):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    return f"another {type(value).__name__}"


class Volatile(NamedTuple):
    """An attribute that changes by itself; if it is a dict, it is looked at as it is after the trace."""

    path: str
    holder: Any
    name: str


class Guards:
    """Everything reached from some roots."""

    def __init__(self, roots: Mapping[str, Any]):
        self.roots = roots
        walk = _Walk(set())
        while True:  # which attributes count depends on the names in code that is found on the way
            walk.go(roots)
            if walk.names == walk.known:
                break
            walk = _Walk(walk.names)
        self.checks, self.arrays, self.tensors = walk.checks, walk.arrays, walk.tensors
        self.volatile = walk.volatile
        self._walk = walk

    def hold(self) -> bool:
        """Whether everything is as it was."""
        try:
            unchanged = list(map(len, self._sized)) == self._sizes and all(
                map(is_, chain.from_iterable(starmap(map, self._gets)), self._expected)
            )
        except ValueError:  # an empty closure cell
            return False
        if not unchanged:
            if any(map(Check.broken, self.checks)):
                return False
            self.close()
        return all(fingerprint(array) == known for _, array, known in self.arrays) if self.arrays else True

    def broken(self) -> str | None:
        """The first thing that is different now, in words."""
        for check in self.checks:
            if reason := check.broken():
                return reason
        for path, array, known in self.arrays:
            if fingerprint(array) != known:
                return f"the elements of the array {path} have changed"
        return None

    def add_volatile(self) -> None:
        """Look from now on at what the volatile attributes hold now."""
        for path, holder, name in self.volatile:
            if isinstance(vars(holder)[name], dict):
                self._walk.items(vars(holder), path, (name,))
                self._walk.go({})

    def put_back(self) -> None:
        """Where a trace has left a tensor without a value behind, what was there before."""
        for check in self.checks:
            check.put_back()

    def objects(self) -> list[Any]:
        """The holders of volatile attributes."""
        return list({id(holder): holder for _, holder, _ in self.volatile}.values())

    def close(self) -> None:
        """Make the lists for a quick look at everything."""
        sized = [check for check in self.checks if check.size is not None]
        self._sized, self._sizes = [check.container for check in sized], [check.size for check in sized]
        self._gets = [(check.get, check.keys) for check in self.checks]
        self._expected = [item for check in self.checks for item in check.expected]

    @property
    def nbytes(self) -> int:
        """How many bytes of NumPy arrays are compared at each call."""
        return sum(array.nbytes for _, array, _ in self.arrays)


def fingerprint(array: Any) -> tuple[Any, ...]:
    """Shape, dtype and a checksum of the elements."""
    array = np.asarray(array)
    return array.shape, array.dtype, zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


class _Walk:
    """One round: ``known`` are the names that count as used, ``names`` those that were found."""

    def __init__(self, known: set[str]):
        self.known, self.names = known, set(known)
        self.todo: list[tuple[Any, str]] = []
        self.seen: dict[int, Any] = {}
        self.checks: list[Check] = []
        self.arrays: list[tuple[str, Any, Any]] = []
        self.tensors: dict[int, tuple[str, Variable]] = {}
        self.volatile: list[Volatile] = []

    def go(self, roots: Mapping[str, Any]) -> None:
        """Look into objects, and into all that is found on the way."""
        self.todo += [(root, path) for path, root in reversed(list(roots.items()))]
        while self.todo:
            x, path = self.todo.pop()
            if not isinstance(x, NUMBERS) and id(x) not in self.seen:
                self.seen[id(x)] = x
                self._visit(x, path)

    def _visit(self, x: Any, path: str) -> None:
        kind = type(x)
        if isinstance(x, Variable):
            self.tensors[id(x)] = path, x
            self.todo += [(hook, f"{path}'s hook") for hook in (x.node.hooks if x.node else None) or ()]
        elif isinstance(x, FunctionType):
            self._function(x, path)
        elif isinstance(x, MethodType):
            self.todo += [(x.__self__, path.rpartition(".")[0]), (x.__func__, path)]
        elif isinstance(x, ModuleType):
            if _is_users(x.__name__):
                self.items(vars(x), _dot(path), tuple(name for name in self.known if name in vars(x)))
        elif isinstance(x, type):
            self._class(x, path, {"__init__", "__new__"})
        elif isinstance(x, dict):
            volatile = getattr(kind, "volatile", ())
            keys = tuple(key for key in x if key not in volatile or not isinstance(dict.get(x, key), float))
            self.items(x, path, keys, len(x))
        elif isinstance(x, (tuple, frozenset)):
            self.todo += [(item, f"{path}[{i}]") for i, item in enumerate(x)]
        elif isinstance(x, SEQUENCES):
            self.items(x, path, (), len(x))
        elif isinstance(x, partial):
            self.items(x, _dot(path), ("func", "args", "keywords"))
        elif isinstance(x, (staticmethod, classmethod)):
            self.todo.append((x.__func__, path))
        elif isinstance(x, property):
            self.items(x, _dot(path), ("fget",))
        elif is_array(x):
            with suppress(Exception):  # an array of other things than numbers, or one that cannot be read
                self.arrays.append((path, x, fingerprint(x)))
        elif hasattr(kind, "guarded"):
            self.items(x, _dot(path), kind.guarded)
        elif hasattr(kind, "__wrapped__") or "__wrapped__" in getattr(x, "__dict__", ()):  # functools.cache
            self.todo.append((x.__wrapped__, path))
        elif _home_of(kind) not in STANDARD or f"{kind.__module__}.{kind.__qualname__}" in PLAIN:
            self._object(x, path)

    def items(self, container: Any, path: str, keys: Sequence[Any], size: int | None = None) -> None:
        """Look at some items of a container, and into them."""
        check = Check(path, container, keys, size)
        self.checks.append(check)
        self.todo += reversed(list(zip(check.expected, check.names(), strict=True)))

    def _function(self, f: FunctionType, path: str) -> None:
        cells = f.__closure__ or ()
        full = tuple(cell for cell in cells if _filled(cell))
        if full:
            names = [name for name, cell in zip(f.__code__.co_freevars, cells, strict=True) if _filled(cell)]
            self.items(names, path, full)
        if f.__code__.co_filename.startswith(FOLDER) or not _is_users(f.__globals__.get("__name__", "")):
            return
        self.items(f, _dot(path), ("__code__", "__defaults__", "__kwdefaults__"))
        names_, loaded = _names(f.__code__)
        self.names |= names_
        self.items(f.__globals__, "", loaded)

    def _class(self, cls: type, path: str, more: set[str] = frozenset()) -> None:  # type: ignore[assignment]
        """What a user's class defines: methods that are named, or that Python or this package calls by themselves."""
        called = self.known | more | _called(cls)
        for base in cls.__mro__:
            if not _is_users(base.__module__):
                continue
            own = vars(base)
            special = {name for name in own if name.startswith("__") and name not in ("__init__", "__new__")}
            keys = tuple(name for name in own if name in called or name in special)
            self.items(own, f"{base.__qualname__}.", keys, len(own))

    def _object(self, x: Any, path: str) -> None:
        kind = type(x)
        attributes = getattr(x, "__dict__", {})
        inherits = PACKAGE in map(_home_of, kind.__mro__)  # this package's code looks at its tensors and layers
        volatile = getattr(kind, "volatile", ()) if inherits else ()
        volatile = tuple(name for name in volatile if name in attributes)
        self.volatile += [Volatile(_dot(path), x, name) for name in volatile]
        keys = tuple(name for name in attributes if name not in volatile)
        if _home_of(kind) != PACKAGE:
            if not self.known & DYNAMIC:
                used = self.known | _called(kind)  # type: ignore[arg-type]
                keys = tuple(name for name in keys if name in used or (inherits and _is_ours(attributes[name])))
            self._class(kind, path)
        self.items(attributes, _dot(path), keys, len(attributes))
        slots = [name for base in kind.__mro__ for name in _slots(base) if hasattr(x, name)]
        if slots:
            self.items(x, _dot(path), tuple(slots))


def _dot(path: str) -> str:
    return f"{path}." if path else ""


def _filled(cell: Any) -> bool:
    try:
        _contents(cell)
    except ValueError:
        return False
    return True


def _home_of(cls: type) -> str:
    return cls.__module__.partition(".")[0]


@cache
def _is_users(module: str) -> bool:
    """Whether code of that module is looked into: not that of this package, the standard library or installed ones."""
    if module == "__main__":
        return True
    if module.partition(".")[0] in STANDARD | {PACKAGE}:
        return False
    folders = Path(getattr(sys.modules.get(module), "__file__", None) or "").parts
    return not {"site-packages", "dist-packages"}.intersection(folders)


def _is_ours(x: Any) -> bool:
    """A tensor, or an object of a class of this package, a layer for instance: such are found without being named."""
    return isinstance(x, Variable) or PACKAGE in map(_home_of, type(x).__mro__)


def _slots(cls: type) -> tuple[str, ...]:
    slots = vars(cls).get("__slots__", ())
    slots = (slots,) if isinstance(slots, str) else tuple(slots)
    return tuple(name for name in slots if name not in ("__dict__", "__weakref__"))


@cache
def _names(code: CodeType) -> tuple[set[str], tuple[str, ...]]:
    """All names and strings in a function's code and in that of functions within; and the globals that it loads."""
    names = {*code.co_names, *(constant for constant in code.co_consts if type(constant) is str)}
    loaded = [i.argval for i in dis.get_instructions(code) if i.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner, more = _names(constant)
            names |= inner
            loaded += more
    return names, tuple(dict.fromkeys(loaded))


@cache
def _called(cls: Any) -> set[str]:
    """The names in the code of a class's bases from this package: attributes and methods that these use."""
    names: set[str] = set()
    for base in cls.__mro__:
        if _home_of(base) == PACKAGE:
            for item in vars(base).values():
                item = getattr(item, "__func__", getattr(item, "fget", item))
                if isinstance(item, FunctionType):
                    names |= _names(item.__code__)[0]
    return names - DYNAMIC
