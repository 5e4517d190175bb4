"""NumPy's protocol: ``np.exp(t)`` is ``t.exp()`` and ``np.sum(t)`` is ``t.sum()``, in the graph.

Arguments are bound by NumPy's own signature. A function is of one of four kinds: it has a counterpart here; it only
moves elements, and is run on their numbers to find where each one goes; no gradient flows through it, so it runs on
arrays; or it raises an error if a tensor requires grad.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from ..core.errors import GraphError
from .elementwise import ElementwiseMethods
from .forward import Tensor
from .movement import concatenate
from .numpy_functions import FUNCTIONS, cbrt, cosh, expm1, hypot, log1p, sinh, trunc, vecdot
from .precision import in_single
from .products import matmul
from .promotion import check_dtype, operand, operands

_LN2 = math.log(2.0)

# where a tensor has a method of NumPy's name
METHODS: dict[str, Any] = {
    ufunc.__name__: method
    for name, method in vars(ElementwiseMethods).items()
    if isinstance(ufunc := getattr(np, name, None), np.ufunc)
}
UFUNCS: dict[str, Any] = METHODS | {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "floor_divide": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "divmod": lambda a, b: (a // b, a % b),
    "power": lambda a, b: a**b,
    "float_power": lambda a, b: a.astype(np.float64) ** b.astype(np.float64),
    "negative": lambda x: -x,
    "positive": lambda x: +x,
    "fabs": abs,
    "cbrt": cbrt,
    "reciprocal": lambda x: 1.0 / x,
    "exp2": lambda x: 2.0**x,
    "expm1": expm1,
    "log2": lambda x: x.log() * (1.0 / _LN2),
    "log10": lambda x: x.log() * (1.0 / math.log(10.0)),
    "log1p": log1p,
    "logaddexp": lambda a, b: _pair(a, b).logsumexp(0),
    "logaddexp2": lambda a, b: (_pair(a, b) * _LN2).logsumexp(0) * (1.0 / _LN2),
    "tan": lambda x: x.sin() / x.cos(),
    "sinh": sinh,
    "cosh": cosh,
    "arctanh": lambda x: (log1p(x) - log1p(-x)) * 0.5,
    "hypot": hypot,
    "deg2rad": lambda x: x * (math.pi / 180.0),
    "radians": lambda x: x * (math.pi / 180.0),
    "rad2deg": lambda x: x * (180.0 / math.pi),
    "degrees": lambda x: x * (180.0 / math.pi),
    "modf": lambda x: (x - trunc(x), trunc(x)),
    "fmax": lambda a, b: a.isnan().where(b, b.isnan().where(a, a.maximum(b))),
    "fmin": lambda a, b: a.isnan().where(b, b.isnan().where(a, a.minimum(b))),
    "fmod": lambda a, b: a - trunc(a / b) * b,
    "matmul": lambda a, b: a @ b,
    "vecdot": vecdot,
    "matvec": lambda a, b: matmul(a, b.expand_dims(-1)).squeeze(-1),
    "vecmat": lambda a, b: matmul(a.expand_dims(-2), b).squeeze(-2),
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "logical_and": lambda a, b: (a != 0) & (b != 0),
    "logical_or": lambda a, b: (a != 0) | (b != 0),
    "logical_not": lambda x: x == 0,
    "isinf": lambda x: abs(x) == math.inf,
}
UFUNCS = {name: in_single(own, name) for name, own in UFUNCS.items()}

REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min"}
REDUCTIONS |= {"logical_and": "all", "logical_or": "any"}

# Functions that only move elements, or insert 0: run on element numbers, they tell where each element goes.
_MOVES = """flipud fliplr rot90 roll rollaxis tile delete compress extract diagonal diag diagflat tril triu resize
    unstack linalg.diagonal array_split hsplit vsplit dsplit repeat pad fft.fftshift fft.ifftshift atleast_1d
    atleast_2d atleast_3d broadcast_arrays meshgrid hstack vstack dstack column_stack block"""
MOVES: dict[str, tuple[str, ...]] = {  # and the parameters that hold elements, if not just the first
    **dict.fromkeys(_MOVES.split(), ()),
    "append": ("arr", "values"),
    "compress": ("a",),
    "extract": ("arr",),
}
PADS = ("constant", "edge", "reflect", "symmetric", "wrap", "empty")

# Comparisons, counts, searches, shapes, step functions: no gradient flows through them.
_WITHOUT_GRADIENT = """signbit logical_xor rint trunc ceil spacing heaviside bitwise_and bitwise_or bitwise_xor invert
    bitwise_count gcd lcm left_shift right_shift allclose isclose array_equal array_equiv argsort argpartition argwhere
    nonzero flatnonzero count_nonzero searchsorted digitize histogram histogram2d histogramdd histogram_bin_edges
    bincount isin lexsort nanargmax nanargmin size result_type can_cast common_type min_scalar_type may_share_memory
    shares_memory zeros_like ones_like empty_like full_like array2string array_repr array_str iscomplex iscomplexobj
    isreal isrealobj isposinf isneginf save savez savez_compressed savetxt round around fix linalg.matrix_rank
    einsum_path diag_indices_from tril_indices_from triu_indices_from packbits unpackbits ravel_multi_index
    unravel_index imag"""
WITHOUT_GRADIENT = frozenset(_WITHOUT_GRADIENT.split())
BY_SHAPE = ("np.zeros_like", "np.ones_like", "np.full_like", "np.empty_like", "np.size")  # need no values

USUAL = {"where": True, "dtype": None, "casting": "same_kind", "order": "K", "subok": True, "signature": None}


def _pair(a: Tensor, b: Tensor) -> Tensor:
    a, b = operands("logaddexp", a, b)
    shape = np.broadcast_shapes(a.shape, b.shape)
    return concatenate([a.expand(*shape).expand_dims(0), b.expand(*shape).expand_dims(0)])


def name_of(function: Any) -> str:
    """A function's qualified name, such as "linalg.norm"."""
    room = (getattr(function, "__module__", None) or "").removeprefix("numpy").strip(".")
    return f"{room}.{function.__name__}" if room in ("linalg", "fft") else function.__name__


def call_function(function: Any, args: Any, kwargs: Any) -> Any:
    """``function(*args, **kwargs)`` of NumPy, with tensors among its arguments."""
    name = name_of(function)
    _check_out(name, kwargs)
    given = _given(function, args, kwargs)
    own = FUNCTIONS.get(name)
    reason = ""
    if own is not None and given is not None:
        other = set(given.arguments) - _parameters(own)
        if not other and not _is_no_number(name, given.arguments):
            try:
                return own(*given.args, **given.kwargs)
            except NotImplementedError as error:
                reason = f" with {error}"
        else:
            reason = "".join(f" with {key}=" for key in sorted(other)[:1])
    if name in MOVES and given is not None and given.arguments.get("mode", "constant") in (*PADS, "raise"):
        moved = _move(function, name, given)
        if moved is not NotImplemented:
            return moved
    return through_arrays(f"np.{name}", function, args, kwargs, name not in WITHOUT_GRADIENT, reason)


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
    if method in ("reduce", "accumulate") and (name == "add" or (method == "reduce" and name in REDUCTIONS)):
        x, *more = inputs
        given = {"axis": 0, **dict(zip(("axis", "dtype"), more, strict=False)), **given}
        own = FUNCTIONS[REDUCTIONS[name] if method == "reduce" else "cumsum"]
        if set(given) <= _parameters(own):
            return own(x, **given)
    if own and method == "outer" and not given:
        a, b = (operand(x, _like(inputs)) for x in inputs)
        return own(a.reshape(*a.shape, *(1,) * b.ndim), b)
    reason = "" if method == "__call__" else f".{method}"
    return through_arrays(f"np.{name}{reason}", getattr(ufunc, method), inputs, kwargs, name not in WITHOUT_GRADIENT)


def _called(own: Any, inputs: Any, where: Any = None, dtype: Any = None, **more: Any) -> Any:
    like = _like(inputs)
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
        bound = inspect.signature(function).bind(*args, **kwargs)
    except ValueError:  # older versions have no signatures for functions written in C
        bound = inspect.signature(FUNCTIONS.get(name_of(function), function)).bind(*args, **kwargs)
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


def _is_no_number(name: str, arguments: Any) -> bool:
    """Whether this is np.repeat with an array of repeats, which only moves elements."""
    return name == "repeat" and not isinstance(arguments["repeats"], (int, np.integer))


def _move(function: Any, name: str, given: Any) -> Any:
    """Run a function that only moves elements on their numbers, and gather the elements accordingly."""
    data = MOVES[name] or tuple(given.arguments)[:1]
    if any(holds_tensor(value) for key, value in given.arguments.items() if key not in data):
        return NotImplemented
    if "constant_values" in given.arguments.get("kwargs", {}) or {"values", "casting"} & set(given.arguments) - set(
        data
    ):
        return NotImplemented
    dtype = given.arguments.pop("dtype", None)
    like: Any = _like(given.arguments[key] for key in data)
    pieces: list[Any] = []

    def numbered(x: Any) -> Any:
        if isinstance(x, (list, tuple)) and holds_tensor(x):
            return type(x)(map(numbered, x))
        x = operand(x, like)
        start = 1 + sum(piece.size for piece in pieces)
        pieces.append(x.reshape(-1))
        return np.arange(start, start + pieces[-1].size).reshape(x.shape)

    for key in data:
        given.arguments[key] = numbered(given.arguments[key])
    zero = like._new(np.zeros(1, like.dtype))
    pool = concatenate([zero, *pieces])
    pool = pool if dtype is None else pool.astype(dtype)
    places = function(*given.args, **given.kwargs)
    if isinstance(places, (list, tuple)):
        return type(places)(pool.gather(like._new(np.array(part))) for part in places)
    return pool.gather(like._new(np.array(places)))


def holds_tensor(x: Any) -> bool:
    """Whether an argument is a tensor, or a nested list with one."""
    return any(map(holds_tensor, x)) if isinstance(x, (list, tuple)) else isinstance(x, Tensor)


def through_arrays(name: str, function: Any, args: Any, kwargs: Any, refused: bool, reason: str = "") -> Any:
    """Call a NumPy function on plain arrays; raises if a gradient would be lost."""

    def plain(x: Any) -> Any:
        if isinstance(x, Tensor):
            if name in BY_SHAPE:
                return np.broadcast_to(np.zeros((), x.dtype), x.shape)
            if x.node is not None and refused:
                raise GraphError(
                    f"{name}{reason} has no derivative here, and a tensor that requires grad would lose its gradient "
                    "silently: use .detach(), or a method of the tensor."
                )
            return x.numpy()
        return type(x)(map(plain, x)) if type(x) in (list, tuple) else x

    result = function(*map(plain, args), **{key: plain(value) for key, value in kwargs.items()})
    if not isinstance(result, np.ndarray) or not holds_tensor(args) or result.dtype.kind not in "fiub":
        return result
    return result if result.dtype.itemsize > 8 else _like(args)._new(result.astype(check_dtype(result.dtype)))


def _like(items: Any) -> Any:
    for x in items:
        if isinstance(x, Tensor):
            return x
        if isinstance(x, (list, tuple)) and holds_tensor(x):
            return _like(x)
    return None
