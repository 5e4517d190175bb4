"""What NumPy's own functions do with tensors: np.exp(t) is t.exp() and np.sum(t) is t.sum(), in the graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import GraphError
from ..core.variable import Variable
from .movement import concatenate, stack
from .promotion import operands
from .reduction import LETTERS, einsum, matmul

UFUNCS: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "floor_divide": lambda a, b: a // b,
    "remainder": lambda a, b: a % b,
    "power": lambda a, b: a**b,
    "float_power": lambda a, b: a**b,
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "absolute": abs,
    "fabs": abs,
    "sign": lambda x: x.sign(),
    "square": lambda x: x.square(),
    "sqrt": lambda x: x.sqrt(),
    "reciprocal": lambda x: 1.0 / x,
    "exp": lambda x: x.exp(),
    "log": lambda x: x.log(),
    "sin": lambda x: x.sin(),
    "cos": lambda x: x.cos(),
    "tanh": lambda x: x.tanh(),
    "floor": lambda x: x.floor(),
    "maximum": lambda a, b: a.maximum(b),
    "minimum": lambda a, b: a.minimum(b),
    "matmul": lambda a, b: a @ b,
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "logical_and": lambda a, b: (a != 0) & (b != 0),
    "logical_or": lambda a, b: (a != 0) | (b != 0),
    "logical_not": lambda x: x == 0,
    "isnan": lambda x: x.isnan(),
    "isfinite": lambda x: x.isfinite(),
}


def _method(name: str) -> Any:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.pop("out", None) is not None:
            raise GraphError(f"np.{name} with out= an array: a tensor's result cannot be written into an array.")
        if kwargs.get("dtype", 0) is None:
            kwargs.pop("dtype")
        return getattr(x, name)(*args, **kwargs)

    return call


def _clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None, **kwargs: Any) -> Any:
    """With the names that np.clip gives the bounds."""
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return _method("clip")(x, low, high, **kwargs)


def _dot(a: Any, b: Any) -> Any:
    """np.dot: a product for a number; beyond matrices not the batches of matmul, but every row with every column."""
    a, b = operands("dot", a, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    if a.ndim <= 2 and b.ndim <= 2:
        return matmul(a, b)
    rows, columns = LETTERS[: a.ndim - 1], LETTERS[a.ndim - 1 : a.ndim + b.ndim - 2]
    right = f"{columns[:-1]}z{columns[-1:]}" if b.ndim > 1 else "z"
    return einsum(f"{rows}z,{right}->{rows}{columns}", a, b)


def _where(condition: Any, a: Any, b: Any) -> Any:
    like = next(x for x in (condition, a, b) if isinstance(x, Variable))
    return (condition if isinstance(condition, Variable) else like._result(np.asarray(condition))).where(a, b)


METHODS = (
    "sum",
    "mean",
    "var",
    "std",
    "max",
    "min",
    "amax",
    "amin",
    "argmax",
    "argmin",
    "cumsum",
    "prod",
    "any",
    "all",
    "reshape",
    "transpose",
    "squeeze",
    "expand_dims",
    "swapaxes",
    "moveaxis",
    "ravel",
    "flip",
    "repeat",
    "split",
    "broadcast_to",
    "take_along_axis",
)

FUNCTIONS: dict[str, Any] = {
    **{name: _method(name) for name in METHODS},
    "concatenate": concatenate,
    "stack": stack,
    "einsum": einsum,
    "where": _where,
    "dot": _dot,
    "clip": _clip,
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
}
