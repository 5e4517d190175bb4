"""Whether arguments are what their parameters' annotations say: it explains why a call has failed.

Nothing is checked before a call, so that a call that works costs nothing.
"""

from __future__ import annotations

import builtins
import inspect
import operator
import re
import reprlib
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from os import PathLike
from typing import Annotated, Any, ForwardRef, Literal, NamedTuple, TypeVar, Union, cast, get_args, get_origin

import numpy as np

from .context import current, location
from .errors import CheckpointError, DTypeError, GraphError, ShapeError, TraceError
from .variable import Variable

F = TypeVar("F", bound=Callable[..., Any])
ARRAYS: Any = (Variable, np.ndarray)
TYPED: Any = (*ARRAYS, np.generic)
CALLABLE = get_origin(Callable[[], Any])
WORDS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "True or False",
    str: "a string",
    type(None): "None",
    Variable: "a tensor",
    CALLABLE: "a function",
    Mapping: "a dict",
    Iterable: "a list",
    PathLike: "a path",
    type: "a class",
}
PLURALS: dict[Any, str] = {int: "integers", float: "numbers", str: "strings", Variable: "tensors"}
BUILTIN = (ValueError, TypeError, IndexError, KeyError, OverflowError, AttributeError)
NAMED = (ShapeError, DTypeError, CheckpointError, *BUILTIN)


class Kind(NamedTuple):
    """What an annotation that only type checkers evaluate takes."""

    fits: Callable[[Any], bool]
    words: str


def _is_tensor_like(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(map(_is_tensor_like, value)) and len(set(map(np.shape, value))) < 2
    if isinstance(value, TYPED):
        return value.dtype.kind in "fiub"
    return isinstance(value, (int, float)) or hasattr(value, "__dlpack__") or hasattr(value, "__array__")


def _is_dtype(value: Any) -> bool:
    try:
        dtype = np.dtype(value)
    except TypeError:
        return False
    return dtype.kind in "fiub" and dtype.itemsize <= 8


def _is_array_like(value: Any) -> bool:
    try:
        return np.asarray(value).dtype.kind in "fiub"
    except (TypeError, ValueError):
        return False


LIKE_TENSORS = Annotated[Any, Kind(_is_tensor_like, "a tensor, an array, a number or a list of numbers")]
KINDS: dict[str, Any] = {  # the names of frontend/typing.py and numpy.typing, and what stands for them
    "Axis": int | Sequence[int] | None,
    "Shape": int | Sequence[int],
    "SupportsIndex": int,
    "Tensor": Variable,
    "Inputs": Variable | Sequence[Variable],
    "Function": Callable[..., Any],
    "Single": LIKE_TENSORS,
    "TensorLike": LIKE_TENSORS,
    "ArrayLike": Annotated[Any, Kind(_is_array_like, "an array, a number or a list of numbers")],
    "DTypeLike": Annotated[Any, Kind(_is_dtype, "float16, float32, float64, an integer dtype or bool")],
}


def explaining(function: F) -> F:
    """Decorate a function: if a call fails and an argument is not what its annotation says, that is the error.

    Other errors of the arguments name the function too, unless it is one that calls a user's.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            explain(function, args, kwargs, error)
            raise

    return cast(F, call)


def explain(function: Callable[..., Any], args: Any, kwargs: Any, error: Exception) -> None:
    """After an error in a call: :func:`raise_explained`. If an operation further down raised it, name the function.

    Raises:
        Exception: one of the same type for an error of Python's or NumPy's, with the arguments.
    """
    called, message = _called(function, args), str(error)
    last = called.rpartition(".")[2]
    known = _names(message, [last])
    if type(error) in BUILTIN:  # Python and NumPy may use the word
        known = bool(re.match(rf"([\w.]+\.)?{last}(:| of | takes |\()", message))
    if not known:
        raise_explained(function, args, kwargs, error, called)
    if not isinstance(error, NAMED) or not error.args or _calls_back(function):
        return
    given = _given(function, args, kwargs)
    if type(error) in BUILTIN:
        if not known:
            raise type(error)(f"{called}: {message} It was called with {given}.") from error
        return
    if not known:  # instead of the operation's name
        file = isinstance(error, CheckpointError)  # whose name begins the message, and stays as a layer's does
        inner = None if file else re.match(rf"(?!{called.partition('.')[0]}: |[A-Z])([\w.]+: )+", message)
        message = f"{called}: {message[inner.end() if inner else 0 :]}"
    if isinstance(error, (ShapeError, DTypeError)) and not (_is_method(function) and function.__name__ != "__init__"):
        parameters = inspect.signature(function).parameters
        message += "" if _names(message, parameters) else f" It was called with {given}."
    error.args = (message, *error.args[1:])


def _called(function: Callable[..., Any], args: Any) -> str:
    """What a message calls a function: a method of what is no tensor by its class, too."""
    name = function.__name__
    if not _is_method(function) or not args or (isinstance(args[0], Variable) and name != "__init__"):
        return name
    kind = args[0].__name__ if isinstance(args[0], type) else type(args[0]).__name__
    return kind if name == "__init__" else f"{kind}.{name}"


def _is_method(function: Callable[..., Any]) -> bool:
    return next(iter(inspect.signature(function).parameters), "") in ("self", "cls")


def _given(function: Callable[..., Any], args: Any, kwargs: Any) -> str:
    """The arguments of a call, arrays by shape and dtype."""
    try:
        bound = inspect.signature(inspect.unwrap(function)).bind(*args, **kwargs).arguments
    except TypeError:  # too many or too few, which Python says
        return "other arguments than it takes"
    return ", ".join(
        f"{key} {x.shape} {x.dtype}" if isinstance(x, TYPED) else f"{key}={reprlib.repr(x)}"
        for key, x in bound.items()
        if key != "self"
    )


def _calls_back(function: Callable[..., Any]) -> bool:
    """Whether a parameter is a function of the user's, which may raise any error; one that makes layers is not."""
    hints = (_evaluated(hint, inspect.unwrap(function).__globals__) for hint in function.__annotations__.values())
    functions = (one for hint in hints for one in (hint, *get_args(hint)) if get_origin(one) is CALLABLE)
    return any(not hasattr((None, *get_args(one))[-1], "forward") for one in functions)


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
    kinds = {name: bound.signature.parameters[name].kind for name in bound.arguments}
    given = {name: x for name, x in bound.arguments.items() if kinds[name] is not inspect.Parameter.VAR_KEYWORD}
    ours = isinstance(error, (ShapeError, DTypeError))
    for name, value in given.items():
        hint = _evaluated(inner.__annotations__.get(name, Any), inner.__globals__)
        several = kinds[name] is inspect.Parameter.VAR_POSITIONAL
        wrong = next((x for x in (value if several else (value,)) if not _fits(x, hint)), _FITTING)
        if wrong is not _FITTING:
            value = wrong
            if f"{name}=" in str(error) or (ours and _names(str(error), [name])):
                return
            got = f"{name}={_shown(value)}{location()}"
            raise DTypeError(f"{called}: {got}; it must be {_words(hint)}.") from error
    scope = current().scope
    outermost = scope is None or scope.kind == "module"
    if outermost and (ours or isinstance(error, IndexError)) and not _names(str(error), given):
        arrays = [f"{name} {x.shape} {x.dtype}" for name, x in given.items() if isinstance(x, TYPED)]
        error.args = (f"{error} {called} was called with {', '.join(arrays)}.",) if arrays else error.args


_FITTING = object()


def _names(message: str, parameters: Iterable[str]) -> bool:
    return any(re.search(rf"\b{name}\b", message) for name in parameters)


class _Names(dict[str, Any]):
    """The names of a module, and of :data:`KINDS`. Others that only type checkers import stand for any type."""

    def __missing__(self, name: str) -> Any:
        return getattr(builtins, name, Any)


def _evaluated(annotation: Any, names: Mapping[str, Any]) -> Any:
    try:
        return (
            eval(annotation, {}, _Names({**KINDS, **names, "ArrayLike": KINDS["ArrayLike"]}))
            if isinstance(annotation, str)
            else annotation
        )
    except TypeError:  # Any[...], of a name that only type checkers import
        return Any


def _bound(hint: Any) -> Any:
    """What a type variable stands for."""
    bound = hint.__bound__ if isinstance(hint, TypeVar) else hint
    return KINDS.get(bound.__forward_arg__, Any) if isinstance(bound, ForwardRef) else bound or Any


def _fits(value: Any, hint: Any) -> bool:
    """Whether a value may be passed where the hint says so."""
    hint = _bound(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return inner[1].fits(value)
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
    kind = origin or hint
    try:
        return isinstance(value, kind) if isinstance(kind, type) and kind is not Any else True
    except TypeError:  # a protocol that cannot be asked
        return True


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
    hint = _bound(hint)
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return str(inner[1].words)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_words, inner))
    if origin is Literal:
        return " or ".join(map(repr, inner))
    if origin is tuple and Ellipsis not in inner:
        return f"{len(inner)} {PLURALS.get(inner[0], 'values')}"
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return f"a sequence of {PLURALS.get(inner[0], 'values')}"
    kind = origin or hint
    kind = Variable if getattr(kind, "__name__", "") == "Tensor" else kind
    return WORDS.get(kind, f"a {getattr(kind, '__name__', kind)}")
