"""Calls of composed functions from eager code: by compiled code where there is some, else by NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core import memory
from ..core.context import Context, in_scope
from ..core.variable import Variable
from . import entries as known
from .builder import abstract, submit
from .signature import signature


def run(function: Callable[..., Any], context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A call of a composed function."""
    key = None if known.is_unfit(function) else signature(function, context, args, kwargs)
    if key is None:
        return in_scope(function, context, args, kwargs)
    entry = known.entries.get(key)
    if entry is None:
        entry = known.entries[key] = known.Entry(function, _tensors(args, kwargs))
        if len(known.entries) > known.MOST:
            known.drop_unused()
    entry.used = known.times()
    if not entry.submitted and entry.plain + 1 >= entry.due:
        entry.submitted = True
        submit(entry, abstract(context, args, kwargs))
    composition = entry.composition
    if composition is not None and not (memory._borrowed and _borrows(args, kwargs)):
        result = composition(context, args, kwargs)
        if result is not None:
            entry.native += 1
            return result
    entry.plain += 1
    return in_scope(function, context, args, kwargs)


def _tensors(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    return [x for x in (*args, *kwargs.values()) if isinstance(x, Variable)]


def _borrows(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether another library can change an argument unnoticed."""
    return any(memory.is_borrowed(memory.owner(x._value)) for x in _tensors(args, kwargs))
