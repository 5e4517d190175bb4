"""NumPy's reductions of tensors, in the graph, with ``dtype``, ``initial`` and ``where``, and its norms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import ShapeError
from .forward import Tensor
from .movement import axes_of, axis_of
from .precision import in_single
from .promotion import operands
from .reduction import root

if TYPE_CHECKING:
    from .typing import Axis


def _mask(where: Any, x: Tensor) -> Tensor:
    return (where if isinstance(where, Tensor) else x._new(np.asarray(where))).expand(x.shape)


def _reduction(name: str, start: Any, join: Any) -> Callable[..., Tensor]:
    """A reduction with ``initial`` and ``where``: elements left out become ``start``, the neutral element."""

    def call(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Tensor:
        if where is not None:
            x = _mask(where, x).where(x, initial if start is None else start)
        if initial is not None and start is None and x.size == 0:
            return x.sum(axis, keepdims).astype(x.dtype) + initial
        y = getattr(x, name)(axis, keepdims)
        return y if initial is None else join(y, initial)

    return call


def _extremum(name: str, join: Any) -> Callable[..., Tensor]:
    full = _reduction(name, None, join)

    def call(a: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None, where: Any = None) -> Tensor:
        if where is not None and initial is None:
            raise ShapeError(f"np.{name} with where= needs initial=, the result where no element is selected.")
        return full(a, axis, keepdims, initial, where)

    return call


def _logical(name: str, start: bool) -> Callable[..., Tensor]:
    def call(a: Tensor, axis: Axis = None, keepdims: bool = False, where: Any = None) -> Tensor:
        x = a if where is None else _mask(where, a).where(a != 0, start)
        return getattr(x, name)(axis, keepdims)

    return call


def mean(x: Tensor, axis: Axis = None, keepdims: bool = False, where: Any = None) -> Tensor:
    if where is None:
        return x.mean(axis, keepdims)
    mask = _mask(where, x)
    x = x if x.dtype.kind == "f" else x.astype(np.float32)
    return mask.where(x, 0.0).sum(axis, keepdims) / mask.astype(x.dtype).sum(axis, keepdims)


def var(
    x: Tensor, axis: Axis = None, ddof: Any = 0, keepdims: bool = False, where: Any = None, correction: Any = 0
) -> Tensor:
    ddof = ddof or correction
    if where is None:
        return x.var(axis, keepdims, ddof)
    mask = _mask(where, x)
    x = x if x.dtype.kind == "f" else x.astype(np.float32)
    count = mask.astype(x.dtype).sum(axis, keepdims)
    centred = mask.where(x - mean(x, axis, True, where), 0.0)
    return centred.square().sum(axis, keepdims) / (count - ddof)


def std(
    x: Tensor, axis: Axis = None, ddof: Any = 0, keepdims: bool = False, where: Any = None, correction: Any = 0
) -> Tensor:
    return root(var(x, axis, ddof, keepdims, where, correction))


def cumsum(x: Tensor, axis: int | None = None) -> Tensor:
    return x.reshape(-1).cumsum(0) if axis is None else x.cumsum(axis)


def average(a: Tensor, axis: Any = None, weights: Any = None, keepdims: bool = False) -> Tensor:
    if weights is None:
        return a.mean(axis, keepdims)
    a, w = operands("average", a, weights)
    if w.ndim != a.ndim:
        w = w.reshape([w.size if i == axis_of("average", axis, a.ndim) else 1 for i in range(a.ndim)])
    w = w.expand(a.shape)
    return (a * w).sum(axis, keepdims) / w.sum(axis, keepdims)


def norm(x: Tensor, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Norms of vectors and the Frobenius norm of matrices; other norms need singular values."""
    axes = axes_of("norm", axis, x.ndim)
    if ord is None or (ord == 2 and len(axes) == 1) or (ord == "fro" and len(axes) == 2):
        return x.norm(axes, keepdims)
    if len(axes) == 1:
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    raise NotImplementedError(f"ord={ord!r} of a matrix")


def vector_norm(x: Tensor, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    if ord == 2:
        return x.norm(axis, keepdims)
    if ord == math.inf:
        return abs(x).max(axis, keepdims)
    if ord == -math.inf:
        return abs(x).min(axis, keepdims)
    if ord == 0:
        return (x != 0).astype(x.dtype).sum(axis, keepdims)
    if ord == 1:
        return abs(x).sum(axis, keepdims)
    return (abs(x) ** float(ord)).sum(axis, keepdims) ** (1.0 / ord)


def matrix_norm(x: Tensor, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    return norm(x, ord, (-2, -1), keepdims)


def ptp(a: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    return a.max(axis, keepdims) - a.min(axis, keepdims)


def _without_nan(name: str, start: float) -> Callable[..., Tensor]:
    def call(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return getattr(x.isnan().where(start, x), name)(axis, keepdims)

    return call


def _among_numbers(reduce: Any) -> Callable[..., Tensor]:
    """A reduction that ignores NaN."""

    def call(x: Tensor, axis: Axis = None, where: Any = None, **options: Any) -> Tensor:
        numbers = ~x.isnan()
        return reduce(x, axis, where=numbers if where is None else _mask(where, x) & numbers, **options)

    call.parameters = _parameters(reduce)  # type: ignore[attr-defined]
    return call


def _parameters(function: Any) -> set[str]:
    code = inspect.unwrap(function).__code__  # inspect.signature takes several times as long
    return set(getattr(function, "parameters", None) or code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])


def _in_dtype(name: str, reduce: Any) -> Callable[..., Tensor]:
    """A reduction that computes in ``dtype`` if it is given; without it, float16 is rounded once."""
    once = in_single(reduce, name)

    def call(a: Tensor, axis: Axis = None, dtype: Any = None, **options: Any) -> Tensor:
        return once(a, axis, **options) if dtype is None else reduce(a.astype(dtype), axis, **options)

    call.parameters = {"a", "dtype", *_parameters(reduce)}  # type: ignore[attr-defined]
    return call


_max, _min = _extremum("max", lambda y, i: y.maximum(i)), _extremum("min", lambda y, i: y.minimum(i))

_OF_ELEMENTS: dict[str, Any] = {
    "sum": _reduction("sum", 0, lambda y, i: y + i),
    "prod": _reduction("prod", 1, lambda y, i: y * i),
    "mean": mean,
    "var": var,
    "std": std,
    **dict.fromkeys(("cumsum", "cumulative_sum"), cumsum),
    "nansum": _without_nan("sum", 0.0),
    "nanprod": _without_nan("prod", 1.0),
    "nanmean": _among_numbers(mean),
    "nanvar": _among_numbers(var),
    "nanstd": _among_numbers(std),
}
_WITHOUT_DTYPE: dict[str, Any] = {
    **dict.fromkeys(("max", "amax"), _max),
    **dict.fromkeys(("min", "amin"), _min),
    "any": _logical("any", False),
    "all": _logical("all", True),
    "average": average,
    "ptp": ptp,
    "linalg.norm": norm,
    "linalg.vector_norm": vector_norm,
    "linalg.matrix_norm": matrix_norm,
}
REDUCTIONS: dict[str, Any] = {
    **{name: _in_dtype(name, reduce) for name, reduce in _OF_ELEMENTS.items()},
    **{name: in_single(reduce, name) for name, reduce in _WITHOUT_DTYPE.items()},
}
