"""class Tensor and the functions on tensors. A method normalizes its arguments and applies one primitive."""

from __future__ import annotations

from typing import Any

from ..core.errors import GraphError
from .movement import concatenate, stack
from .promotion import operands
from .reduction import LETTERS, einsum, matmul

__all__ = ["FUNCTIONS", "concatenate", "einsum", "matmul", "stack", "where"]


def where(condition: Any, a: Any, b: Any) -> Any:
    """``a`` where the condition holds, else ``b``; the branch not taken adds exactly nothing to the gradient.

    >>> import tinygrad_cv as tg
    >>> x = tg.tensor([-1.0, 4.0], requires_grad=True)
    >>> tg.where(x > 0, x.sqrt(), x).sum().backward()
    >>> x.grad
    tensor([1.  , 0.25], shape=(2,), dtype=float32)
    """
    from .creation import asarray

    return asarray(condition).where(a, b)


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

# What NumPy's own functions do with tensors: np.sum(t) is t.sum().
FUNCTIONS: dict[str, Any] = {
    **{name: _method(name) for name in METHODS},
    "concatenate": concatenate,
    "stack": stack,
    "einsum": einsum,
    "where": where,
    "dot": _dot,
    "clip": _clip,
    "shape": lambda x: x.shape,
    "ndim": lambda x: x.ndim,
    "size": lambda x: x.size,
}
