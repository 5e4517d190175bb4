"""Whether arguments are what their parameters' annotations say: it explains why a call has failed.

Nothing is checked before a call, so that a call that works costs nothing.
"""

from __future__ import annotations

import builtins
import inspect
import operator
import re
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

import numpy as np

from ..core.context import current, location
from ..core.errors import DTypeError, GraphError, ShapeError, TraceError
from ..core.variable import Variable

F = TypeVar("F", bound=Callable[..., Any])
ARRAYS: Any = (Variable, np.ndarray)
TYPED: Any = (*ARRAYS, np.generic)
CALLABLE = get_origin(Callable[[], Any])
WORDS = {
    int: "an integer",
    float: "a number",
    bool: "True or False",
    str: "a string",
    type(None): "None",
    Variable: "a tensor",
}
PLURALS = {int: "integers", float: "numbers", str: "strings"}


def explaining(function: F) -> F:
    """Decorate a function: if a call fails and an argument is not what its annotation says, that is the error."""

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise_explained(function, args, kwargs, error)
            raise

    return cast(F, call)


def raise_explained(function: Callable[..., Any], args: Any, kwargs: Any, error: Exception, called: str = "") -> None:
    """After an error in a call: raise a better one if an argument is not of its parameter's type.

    An error that names the parameter stays. If one of the package names none, since it came up in an operation further
    down, the outermost function adds what it was called with.

    Args:
        called: what the function is called; by default its name.

    Raises:
        DTypeError: it names the function, the parameter, the value, and what the parameter takes.
    """
    if isinstance(error, (GraphError, TraceError)):  # of the graph, not of the arguments
        return
    inner, called = inspect.unwrap(function), called or function.__name__
    try:
        bound = inspect.signature(inner).bind(*args, **kwargs)
    except TypeError:  # too many or too few, which Python says
        return
    several = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    given = {name: x for name, x in bound.arguments.items() if bound.signature.parameters[name].kind not in several}
    ours = isinstance(error, (ShapeError, DTypeError))
    for name, value in given.items():
        hint = _evaluated(inner.__annotations__.get(name, Any), inner.__globals__)
        if not _fits(value, hint):
            if f"{name}=" in str(error) or (ours and _names(str(error), [name])):
                return
            got = f"{name}={_shown(value)}{location()}"
            raise DTypeError(f"{called}: {got}; it must be {_words(hint)}.") from error
    scope = current().scope
    outermost = scope is None or scope.kind == "module"
    if outermost and (ours or isinstance(error, IndexError)) and not _names(str(error), given):
        arrays = [f"{name} {x.shape} {x.dtype}" for name, x in given.items() if isinstance(x, TYPED)]
        error.args = (f"{error} {called} was called with {', '.join(arrays)}.",) if arrays else error.args


def _names(message: str, parameters: Iterable[str]) -> bool:
    return any(re.search(rf"\b{name}\b", message) for name in parameters)


class _Names(dict[str, Any]):
    """The names of a module. Those that only type checkers import stand for any type, but for Tensor."""

    def __missing__(self, name: str) -> Any:
        return Variable if name == "Tensor" else getattr(builtins, name, Any)


def _evaluated(annotation: Any, names: Mapping[str, Any]) -> Any:
    try:
        return eval(annotation, {}, _Names(names)) if isinstance(annotation, str) else annotation
    except TypeError:  # Any[...], of a name that only type checkers import
        return Any


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value may be passed where the hint says so."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in inner)
    if origin is Literal:
        return isinstance(value, tuple(map(type, inner)))  # which ones exist says the function
    if origin is tuple and Ellipsis not in inner:
        return isinstance(value, (list, tuple)) and len(value) == len(inner) and all(map(_fits, value, inner))
    if isinstance(origin, type) and issubclass(origin, Sequence):
        whole = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
        return whole and all(_fits(item, inner[0]) for item in value)
    if hint is bool:  # all is true or false, but for arrays of several elements
        return not isinstance(value, ARRAYS) or value.size == 1
    if hint is int:
        return _is_index(value)
    if hint is float:
        return value.ndim == 0 if isinstance(value, ARRAYS) else _is_real(value)
    if origin is not None:
        return callable(value) if origin is CALLABLE else True
    return isinstance(value, hint) if isinstance(hint, type) and hint is not Any else True


def _is_index(value: Any) -> bool:
    if isinstance(value, ARRAYS):
        return value.ndim == 0 and value.dtype.kind in "iu"
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _is_real(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, complex)  # text has not


def _shown(value: Any) -> str:
    return f"<array of shape {value.shape}>" if isinstance(value, ARRAYS) else repr(value)


def _words(hint: Any) -> str:
    """What the hint takes, in words."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, inner))
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin is tuple and Ellipsis not in inner:
        return f"{len(inner)} {PLURALS.get(inner[0], 'values')}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a sequence of {PLURALS.get(inner[0], 'values')}"
    if origin is not None:
        return "a function"
    return WORDS.get(hint, f"a {getattr(hint, '__name__', hint)}")
