"""What a function reads besides its arguments: modules and tensors, under the names that the function has for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from types import CodeType, FunctionType, MethodType

from ..core.variable import Variable

LIBRARY = __name__.partition(".")[0]


def closed_over(function: object, wanted: tuple[type, ...]) -> dict[str, object]:
    """The variables, and the objects of the wanted types, that a function and the functions it calls read; by name."""
    found: dict[str, object] = {}
    seen: set[int] = set()
    stack = [("", function)]
    while stack:
        name, value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, (Variable, *wanted)) and not isinstance(value, type):
            found.setdefault(name, value)
        else:
            stack += reversed(list(_read_by(name, value)))
    found.pop("", None)
    return found


def _read_by(name: str, value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, MethodType):
        yield "", value.__func__
        yield from _attributes(value.__self__)
    elif isinstance(value, partial):
        yield "", value.func
        yield from ((f"input {i}", x) for i, x in enumerate(value.args))
        yield from value.keywords.items()
    elif isinstance(value, FunctionType):
        yield from _of_function(value)
    elif isinstance(value, Mapping):
        yield from ((f"{name}.{key}", x) for key, x in value.items())
    elif isinstance(value, (tuple, list)):
        yield from ((f"{name}.{i}", x) for i, x in enumerate(value))
    elif not name and callable(value) and not isinstance(value, type):  # an object that is called
        yield "", vars(type(value)).get("__call__")
        yield from _attributes(value)


def _attributes(value: object) -> Iterator[tuple[str, object]]:
    yield from getattr(value, "__dict__", {}).items()


def _of_function(function: FunctionType) -> Iterator[tuple[str, object]]:
    if (function.__module__ or "").partition(".")[0] == LIBRARY:
        return
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in dict.fromkeys(_names(function.__code__)):
        if name in function.__globals__:
            yield name, function.__globals__[name]
    defaults = function.__defaults__ or ()
    arguments = function.__code__.co_varnames[: function.__code__.co_argcount]
    yield from zip(arguments[len(arguments) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()
    if (wrapped := getattr(function, "__wrapped__", None)) is not None:
        yield "", wrapped


def _names(code: CodeType) -> Iterator[str]:
    """The global names that code, and the code of functions inside it, may look up."""
    stack = [code]
    while stack:
        inner = stack.pop()
        yield from inner.co_names
        stack += [constant for constant in inner.co_consts if isinstance(constant, CodeType)]
