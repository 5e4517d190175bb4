"""Calls of composed functions from eager code: by compiled code where there is some, else by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import Any

from ..core import memory
from ..core.context import Context, in_scope
from ..core.variable import Variable
from .builder import abstract, submit
from .composition import AbstractCall, Composition
from .signature import signature

CALLS = 2  # of a signature before it is compiled, and more of small arguments:
WORTH = 1 << 14  # elements of arguments in all calls, each call counting for EACH more
EACH = 1 << 8
MOST = 512  # signatures that are known
REFUSED = 16  # signatures of a function that cannot be compiled, and none that can, before it is left alone


class Entry:
    """What is known of a signature.

    Attributes:
        composition: None while there is none.
        reason: why there will be none.
        native, plain: calls by compiled code and by NumPy.
        due: with which call it is to be compiled.
    """

    def __init__(self, function: Callable[..., Any], tensors: list[Any]):
        self.function = function
        self.shapes = ", ".join(f"{x.dtype}{list(x.shape)}" for x in tensors)
        self.composition: Composition | None = None
        self.reason = ""
        self.native = self.plain = self.used = 0
        elements = sum(int(x.size) for x in tensors)
        self.due = max(CALLS, WORTH // (elements + EACH))

    def __str__(self) -> str:
        waits = f"left to NumPy: {self.reason}" if self.reason else "not compiled yet"
        calls = f"{self.native} call{'' if self.native == 1 else 's'} by compiled code, {self.plain} by NumPy"
        return f"{self.function.__name__}({self.shapes}): {calls}; {'compiled' if self.composition else waits}"

    def build(self, call: AbstractCall) -> None:
        """Compile it, or note why not."""
        try:
            self.composition = Composition(self.function, call)
            _refused[self.function] = -REFUSED
        except Exception as error:
            self.reason = f"{error}" or type(error).__name__
            _refused[self.function] = _refused.get(self.function, 0) + 1
            if _refused[self.function] == REFUSED:
                _unfit.add(self.function)


entries: dict[Hashable, Entry] = {}
_refused: dict[Callable[..., Any], int] = {}  # how often one could not be compiled; less than 0: it could
_unfit: set[Callable[..., Any]] = set()  # whose signatures are not looked at any more
_times = count(1).__next__


def run(function: Callable[..., Any], context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call of a composed function."""
    key = None if function in _unfit else signature(function, context, args, kwargs)
    if key is None:
        return in_scope(function, context, args, kwargs)
    entry = entries.get(key)
    if entry is None:
        entry = _new(key, function, _tensors(args, kwargs))
    entry.used = _times()
    if entry.plain == entry.due - 1 and entry.composition is None:
        submit(entry, abstract(context, args, kwargs))
    composition = entry.composition
    if composition is not None and not (memory._borrowed and _borrows(args, kwargs)):
        result = composition(context, args, kwargs)
        if result is not None:
            entry.native += 1
            return result
    entry.plain += 1
    return in_scope(function, context, args, kwargs)


def _new(key: Hashable, function: Callable[..., Any], tensors: list[Any]) -> Entry:
    while len(entries) >= MOST:
        del entries[min(entries, key=lambda known: entries[known].used)]
    entry = entries[key] = Entry(function, tensors)
    return entry


def _tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    return [x for x in (*args, *kwargs.values()) if isinstance(x, Variable)]


def _borrows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether another library can change an argument unnoticed."""
    return any(memory.is_borrowed(memory.owner(x._value)) for x in _tensors(args, kwargs))
