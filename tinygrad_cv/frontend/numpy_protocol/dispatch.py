"""NumPy's protocol: ``np.exp(t)`` is ``t.exp()`` and ``np.sum(t)`` is ``t.sum()``, in the graph.

Arguments are bound by NumPy's own signature. A function is of one of four kinds: it has a counterpart here; it only
moves elements, and is run on their numbers to find where each one goes; no gradient flows through it, so it runs on
arrays; or it raises an error if a tensor requires grad. The last two kinds are listed in ``numpy_names.py``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ...core.errors import DTypeError, GraphError
from ..forward import Tensor
from ..numpy_names import BY_SHAPE, BY_VALUE, REFUSED, WRITING
from ..promotion import check_dtype, operand
from . import arrangement, calculus, elements, products, selection, statistics
from .arrangement import MOVES, move
from .elements import UFUNCS
from .operands import as_tensor, holds_graph, holds_tensor, like_of

SUBJECTS = (elements, arrangement, selection, products, statistics, calculus)
FUNCTIONS: dict[str, Any] = {name: own for subject in SUBJECTS for name, own in subject.FUNCTIONS.items()}

REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
REDUCTIONS |= {"logical_and": "all", "logical_or": "any"}
ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}

OLDER_NAMES = {  # of NumPy 1
    "alltrue": "all",
    "cumproduct": "cumprod",
    "product": "prod",
    "round_": "round",
    "sometrue": "any",
}
# Functions written in C say their signatures since NumPy 2.4; the others of them take no argument that matters here.
UNSAID = {"bincount": inspect.signature(lambda x, weights=None, minlength=0: None)}
ANY = inspect.signature(lambda *args, **kwargs: None)

USUAL = {"where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True, "signature": None}


def name_of(function: Any) -> str:
    """A function's qualified name, such as "linalg.norm"."""
    room, name = (getattr(function, "__module__", None) or "").removeprefix("numpy").strip("."), function.__name__
    return f"{room}.{name}" if room in ("linalg", "fft") else OLDER_NAMES.get(name, name)


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` of NumPy, with tensors among its arguments."""
    name = name_of(function)
    _check_out(name, kwargs)
    given = _given(function, args, kwargs)
    own = FUNCTIONS.get(name)
    reason = ""
    if own is not None:
        other = set(given.arguments) - _parameters(own)
        if not other:
            _make_tensor_of_first(given)
            try:
                return own(*given.args, **given.kwargs)
            except NotImplementedError as error:
                reason = f" with {error}"
        else:
            reason = "".join(f" with {key}=" for key in sorted(other)[:1])
    if name in MOVES:
        moved = move(function, name, given)
        if moved is not NotImplemented:
            return moved
    if name in WRITING and isinstance(next(iter((*args, *kwargs.values())), None), Tensor):
        raise GraphError(f"np.{name} writes into a tensor: use x[index] = values, or np.where, which makes a new one.")
    if holds_graph(given.arguments.get("weights")):
        reason = " with weights="
    return through_arrays(name, function, args, kwargs, reason)


def _make_tensor_of_first(given: inspect.BoundArguments) -> None:
    """The argument that a counterpart calls methods of: an array where another argument is the tensor."""
    for key, value in given.arguments.items():
        if isinstance(value, np.ndarray):
            given.arguments[key] = as_tensor(value, like_of((*given.args, *given.kwargs.values())))
        return


def _check_out(name: str, kwargs: dict[str, Any]) -> None:
    if kwargs.get("out") is not None:
        raise GraphError(
            f"np.{name} with out= an array: the result is a tensor and cannot be written into an array. Leave out out=."
        )


def call_ufunc(ufunc: np.ufunc, method: str, inputs: Any, kwargs: Any) -> Any:
    """``ufunc.method(*inputs, **kwargs)`` of NumPy, with tensors among its inputs."""
    name = ufunc.__name__
    _check_out(name, kwargs)
    given = {key: value for key, value in kwargs.items() if not _same(value, USUAL.get(key, np._NoValue))}
    own = UFUNCS.get(name)
    if own and method == "__call__" and set(given) <= {"where", "dtype"} | ({"axis"} if name == "vecdot" else set()):
        return _called(own, inputs, **given)
    if (method == "reduce" and name in REDUCTIONS) or (method == "accumulate" and name in ACCUMULATIONS):
        x, *more = inputs
        given = {"axis": 0, **dict(zip(("axis", "dtype"), more, strict=False)), **given}
        own = FUNCTIONS[(REDUCTIONS if method == "reduce" else ACCUMULATIONS)[name]]
        if set(given) <= _parameters(own):
            return own(x, **given)
    if own and method == "outer" and not given:
        a, b = (operand(x, like_of(inputs)) for x in inputs)
        return own(a.reshape(*a.shape, *(1,) * b.ndim), b)
    reason = "" if method == "__call__" else f".{method}"
    return through_arrays(name, getattr(ufunc, method), inputs, kwargs, reason)


def _called(own: Any, inputs: Any, where: Any = None, dtype: Any = None, **more: Any) -> Any:
    like = like_of(inputs)
    tensors = [operand(x, like) for x in inputs]
    if dtype is not None:
        tensors = [x.astype(dtype) for x in tensors]
    result = own(*tensors, **more)
    if where is None:
        return result
    mask = where if isinstance(where, Tensor) else like._new(np.asarray(where))
    return tuple(mask.where(y, 0) for y in result) if isinstance(result, tuple) else mask.where(result, 0)


def _same(value: Any, usual: Any) -> bool:
    return value is usual or value is np._NoValue or (type(value) is type(usual) in (bool, int, str) and value == usual)


def _given(function: Callable[..., Any], args: Any, kwargs: Any) -> inspect.BoundArguments:
    """The arguments bound by NumPy's signature, without those equal to their defaults."""
    try:
        signature = inspect.signature(function)
    except ValueError:
        name = name_of(function)
        signature = inspect.signature(FUNCTIONS[name]) if name in FUNCTIONS else UNSAID.get(name, ANY)
    bound = signature.bind(*args, **kwargs)
    for key, value in list(bound.arguments.items()):
        default = bound.signature.parameters[key].default
        if default is not inspect.Parameter.empty and _same(value, default):
            del bound.arguments[key]
    if bound.arguments.get("order") in ("C", "K", "A"):
        del bound.arguments["order"]
    return bound


@cache
def _parameters(own: Callable[..., Any]) -> set[str]:
    """The parameters that a counterpart accepts."""
    return set(getattr(own, "parameters", None) or inspect.signature(own).parameters)


def through_arrays(name: str, function: Any, args: Any, kwargs: Any, how: str = "") -> Any:
    """Call a NumPy function on plain arrays; raises if a gradient would be lost.

    Args:
        how: what of the call is not ours: a method of a ufunc, or an argument.
    """
    lossless = name in BY_VALUE and not how
    reason = "" if how else BY_VALUE.get(name, REFUSED.get(name, ""))
    why = reason and f" ({reason})"

    def plain(x: Any) -> Any:
        if isinstance(x, Tensor):
            if name in BY_SHAPE:
                return np.broadcast_to(np.zeros((), x.dtype), x.shape)
            if x.node is not None and not lossless:
                raise GraphError(
                    f"np.{name}{how} has no derivative here{why}, and a tensor that requires grad would lose its "
                    "gradient silently: use .detach(), or a method of the tensor."
                )
            x._concrete(f"np.{name}{how}{why}")
            return x.numpy()
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else x

    arrays, options = [plain(x) for x in args], {key: plain(value) for key, value in kwargs.items()}
    try:
        result = function(*arrays, **options)
    except TypeError as error:  # of a ufunc, one that has no name
        kinds = ", ".join(str(x.dtype) if isinstance(x, np.ndarray) else type(x).__name__ for x in arrays)
        raise DTypeError(f"np.{name}{how} of {kinds}: {error}") from None
    if not isinstance(result, np.ndarray) or not holds_tensor(args) or result.dtype.kind not in "fiub":
        return result
    return result if result.dtype.itemsize > 8 else like_of(args)._new(result.astype(check_dtype(result.dtype)))
