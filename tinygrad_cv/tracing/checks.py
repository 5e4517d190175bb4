"""Checks: items of an object, all items of a container, or elements of an array, compared with what they were."""

from __future__ import annotations

import weakref
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from functools import partial
from itertools import chain
from operator import attrgetter, itemgetter
from types import CellType, MappingProxyType
from typing import Any

import numpy as np

from ..core.variable import Variable
from ..frontend.dlpack import as_array
from ..ir.graph import Value
from .tree import SCALARS, is_array

NUMBERS = frozenset({*SCALARS, float} - {type})
SEQUENCES = (list, deque, set)
CONTAINERS = (dict, MappingProxyType, *SEQUENCES)
MISSING = object()

Read = tuple[Callable[[Any], Iterable[Any]], Any]  # a function, and what to call it with

_contents = attrgetter("cell_contents")


class Check:
    """Some items of a container or attributes of an object: ``map(get, keys)`` gives them. Any: they may be anything.

    Attributes:
        expected: the items as they were.
        size: how many the container has in all, if that counts.
    """

    __slots__ = ("container", "expected", "get", "keys", "path", "size")

    def __init__(
        self,
        path: str,
        container: Any,
        keys: Sequence[Any],
        size: int | None = None,
        get: Callable[[Any], Any] | None = None,
    ):
        self.path, self.container, self.size = path, container, size
        self.keys: Sequence[Any] = keys
        self.get: Callable[[Any], Any]
        if get is not None:
            self.get = get
        elif isinstance(container, Mapping):
            self.get = container.get
        elif _are_cells(keys):  # the container has their names
            self.get = _contents
        else:
            self.get = partial(_attribute, container)
        self.expected = self.now()

    def now(self) -> tuple[Any, ...]:
        """The items as they are."""
        return tuple(map(self.get, self.keys))

    def reads(self) -> Sequence[Read]:
        """The fastest way to the items as they are: calls, each of which gives some of them."""
        container, several = self.container, len(self.keys) > 1  # for one key itemgetter does not give a tuple
        if several and type(container) in (dict, MappingProxyType) and all(key in container for key in self.keys):
            return ((itemgetter(*self.keys), container),)
        if several and isinstance(self.get, partial) and not any(item is MISSING for item in self.expected):
            return ((attrgetter(*self.keys), container),)
        return ((partial(map, self.get), self.keys),)

    def broken(self) -> str | None:
        """What has changed, in words; None if nothing has."""
        try:
            now = self.now()
        except ValueError:  # an empty closure cell
            return f"a variable that {self.path} closes over is unset now"
        if self.size is not None and len(self.container) != self.size:
            return f"{self.path} has {len(self.container)} items instead of {self.size}"
        for name, old, new in zip(self.names(), self.expected, now, strict=True):
            if not same(old, new):
                return f"{name} was {_short(old)}, now {_short(new)}"
        self.expected = now  # maybe other objects of equal value
        return None

    def names(self) -> list[str]:
        """What to call the items."""
        if self.get is _contents:
            return list(self.container)
        if self.container is None:
            return [self.path] * len(self.expected)
        if isinstance(self.container, dict) and self.path and not self.path.endswith("."):
            return [f"{self.path}[{key!r}]" for key in self.keys]
        return [f"{self.path}{key}" for key in self.keys]

    def put_back(self) -> None:
        """Replace tensors of a trace by what was there before."""
        container = self.container
        if isinstance(container, dict):
            before = dict(zip(self.keys, self.expected, strict=True))
            for key in [key for key, item in container.items() if _is_traced(item)]:
                if key in before:
                    dict.__setitem__(container, key, before[key])
                else:
                    dict.__delitem__(container, key)
        elif self.get is _contents:
            for cell, item in zip(self.keys, self.expected, strict=True):
                if _is_traced(_contents(cell)):
                    cell.cell_contents = item


class Contents(Check):
    """All items of a container in their order; for a dict, keys and values."""

    __slots__ = ()

    def __init__(self, path: str, container: Any):
        super().__init__(path, container, tuple(container), len(container), _itself)

    def now(self) -> tuple[Any, ...]:
        """The items as they are."""
        return tuple(chain.from_iterable(read(source) for read, source in self.reads()))

    def reads(self) -> Sequence[Read]:
        """The container itself, and its values."""
        whole = (iter, self.container)
        if isinstance(self.container, (dict, MappingProxyType)):
            kind = dict if isinstance(self.container, dict) else MappingProxyType
            return whole, (kind.values, self.container)
        return (whole,)

    def broken(self) -> str | None:
        """What has changed, in words; None if nothing has."""
        count = len(self.container)
        if count == self.size and len(self.expected) > count and not same(self.expected[:count], self.now()[:count]):
            return f"the keys of {self.path}, or their order, have changed"
        return super().broken()

    def names(self) -> list[str]:
        """What to call the items."""
        if len(self.expected) > len(self.keys):
            return [f"a key of {self.path}"] * len(self.keys) + [f"{self.path}[{key!r}]" for key in self.keys]
        return [f"{self.path}[{i}]" for i in range(len(self.expected))]

    def put_back(self) -> None:
        """Replace tensors of a trace by what was there before."""
        if isinstance(self.container, dict):
            check = Check(self.path, self.container, self.keys)
            check.expected = self.expected[len(self.keys) :]
            check.put_back()
        elif isinstance(self.container, list) and any(map(_is_traced, self.container)):
            self.container[:] = self.expected


def _itself(x: Any) -> Any:
    return x


def _attribute(x: Any, name: str) -> Any:
    return getattr(x, name, MISSING)


def _are_cells(x: Sequence[Any]) -> bool:
    return isinstance(x, tuple) and bool(x) and isinstance(x[0], CellType)


def _is_traced(x: object) -> bool:
    return isinstance(x, Variable) and isinstance(x._value, Value)


def filled(cell: CellType) -> bool:
    """Whether a variable of a closure is set."""
    try:
        _contents(cell)
    except ValueError:
        return False
    return True


def same(a: Any, b: Any) -> bool:
    """Whether a function cannot tell two values apart: one object, or equal numbers, strings and tuples of these."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (float, complex)):
        return repr(a) == repr(b)  # distinguishes -0.0 from 0.0; NaN equals itself
    if type(a) is tuple:
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) in SCALARS and a == b


def _short(value: object) -> str:
    if value is MISSING:
        return "not set"
    if type(value) in NUMBERS or isinstance(value, (tuple, str, np.generic)):
        text = repr(value)
        return text if len(text) <= 60 else text[:57] + "..."
    return f"another {type(value).__name__}"


def fingerprint(x: Any) -> tuple[Any, ...]:
    """Shape, dtype and a checksum of the elements of an array, or of other memory."""
    if not is_array(x):
        with memoryview(x) as view:
            return view.format, view.shape, zlib.crc32(view if view.c_contiguous else view.tobytes())
    masks = (np.ma.getmaskarray(x),) if isinstance(x, np.ma.MaskedArray) else ()
    arrays = as_array(x.detach() if getattr(x, "requires_grad", False) else x, "jit"), *masks
    sums = [zlib.crc32(np.ascontiguousarray(a).reshape(-1).view(np.uint8).data) for a in arrays]
    return arrays[0].shape, arrays[0].dtype, *sums


def is_fixed(x: Any) -> bool:
    """Whether nobody can change the elements of an array, since its memory is that of bytes."""
    while type(x) is np.ndarray and x.base is not None:
        x = x.base
    return type(x) is bytes


def is_memory(x: Any) -> bool:
    """Whether its memory can be compared: a bytearray, an array.array, an object of ctypes."""
    try:
        memoryview(x).release()
    except (TypeError, ValueError, BufferError):
        return False
    return True


class Each(Check):
    """What one function gives for each of several objects."""

    __slots__ = ("_names",)

    def __init__(self, what: str, found: dict[str, Any], get: Callable[[Any], Any]):
        self._names = [f"{what}{path}" for path in found]
        super().__init__(what, None, tuple(found.values()), get=get)

    def names(self) -> list[str]:
        """What to call the items."""
        return self._names


mro = attrgetter("__mro__")


def cached(f: Any) -> int:
    """How many results a ``functools.cache`` holds."""
    return f.cache_info().currsize


default_factory = attrgetter("default_factory")


def context_value(variable: ContextVar[Any]) -> Any:
    """The value of a context variable."""
    return variable.get(MISSING)


def referent(reference: weakref.ref[Any]) -> Any:
    """The object that a weak reference refers to."""
    return reference()


def elements(array: np.ndarray) -> tuple[Any, ...]:
    """The elements of an array of objects."""
    return tuple(np.asarray(array).reshape(-1).tolist())
