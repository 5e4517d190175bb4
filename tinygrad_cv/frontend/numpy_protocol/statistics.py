"""NumPy's reductions, with ``dtype``, ``initial`` and ``where``: sums, averages, quantiles, moments, norms."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.errors import ShapeError
from ..forward import Tensor
from ..movement import axes_of, axis_of, concatenate
from ..ordering import as_rows, quantile_of_rows, with_axes
from ..precision import in_single
from ..promotion import DOUBLE, cast, floating
from ..reduction import centre, root
from .operands import alike, filled, once
from .products import norm_of_matrices

if TYPE_CHECKING:
    from ..typing import Axis


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


def _cumulative(name: str, instead: float | None = None) -> Callable[..., Tensor]:
    """Cumulative sums or products, of all elements without an axis; NaN counts as ``instead``, if it is given."""

    def call(a: Tensor, axis: int | None = None) -> Tensor:
        x = a if instead is None or a.dtype.kind != "f" else a.isnan().where(instead, a)
        return getattr(x.reshape(-1), name)(0) if axis is None else getattr(x, name)(axis)

    return call


def _from_start(name: str) -> Callable[..., Tensor]:
    """np.cumulative_sum and np.cumulative_prod: of one axis, on request with the sum or product of nothing first."""

    def call(x: Tensor, axis: int | None = None, include_initial: bool = False) -> Tensor:
        if axis is None:
            if x.ndim != 1:
                raise ShapeError(f"np.{name} of shape {x.shape}: it takes an axis, unless there is but one.")
            axis = 0
        y = getattr(x, {"cumulative_sum": "cumsum", "cumulative_prod": "cumprod"}[name])(axis)
        if not include_initial:
            return y
        width = [(int(i == axis_of(name, axis, x.ndim)), 0) for i in range(x.ndim)]
        return y.pad(width, 0 if name == "cumulative_sum" else 1)

    return call


def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: bool = False
) -> Tensor | tuple[Tensor, Tensor]:
    if weights is None:
        y = a.mean(axis, keepdims)
        return (y, filled(y, a.size / max(y.size, 1))) if returned else y
    a, w = alike("average", a, weights)
    if w.ndim != a.ndim:
        axes = axes_of("average", axis, a.ndim)
        if w.shape != tuple(a.shape[i] for i in axes):
            raise ShapeError(
                f"np.average: weights of shape {w.shape} along axis {axis} of {a.shape}: sizes must agree."
            )
        order = sorted(range(len(axes)), key=axes.__getitem__)
        w = w.permute(*order).reshape([n if i in axes else 1 for i, n in enumerate(a.shape)])
    w = w.expand(a.shape)
    total = w.sum(axis, keepdims)
    y = (a * w).sum(axis, keepdims) / total
    return (y, total) if returned else y


def norm(x: Tensor, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Norms of vectors, and of matrices those that need no singular values."""
    axes = axes_of("norm", axis, x.ndim)
    if ord is None or (ord == "fro" and len(axes) == 2):
        return x.norm(axes, keepdims)
    if len(axes) == 1:
        return vector_norm(x, axis=axes, keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ShapeError(f"np.linalg.norm with ord={ord!r} over {len(axes)} axes: it takes one axis, or two.")
    return norm_of_matrices(x, ord, axes, keepdims)


def vector_norm(x: Tensor, axis: Axis = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"np.linalg.norm of vectors with ord={ord!r}: it must be a number.")
    if ord == 2:
        return x.norm(axis, keepdims)
    if ord == math.inf:
        return abs(x).max(axis, keepdims)
    if ord == -math.inf:
        return abs(x).min(axis, keepdims)
    if ord == 0:
        return (x != 0).astype(floating(x).dtype).sum(axis, keepdims)
    if ord == 1:
        return abs(x).sum(axis, keepdims)
    return (abs(x) ** float(ord)).sum(axis, keepdims) ** (1.0 / ord)


def matrix_norm(x: Tensor, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    return norm(x, ord, (-2, -1), keepdims)


def ptp(a: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    return a.max(axis, keepdims) - a.min(axis, keepdims)


# ---------------------------------------------------------------- quantiles


def quantile(
    a: Tensor, q: Any, axis: Axis = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    if method == "closest_observation":
        raise NotImplementedError("method='closest_observation'")
    return a.quantile(q, axis, keepdims, method)


def percentile(
    a: Tensor, q: Any, axis: Axis = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    return quantile(a, _share(q), axis, method=method, keepdims=keepdims)


def nanquantile(
    a: Tensor, q: Any, axis: Axis = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Of the elements that are not NaN: they are the first in order."""
    if a.dtype.kind != "f":
        return quantile(a, q, axis, method=method, keepdims=keepdims)
    axes = axes_of("nanquantile", axis, a.ndim, scalar=True)
    rows = as_rows(a, axes)
    count = cast((~rows.isnan()).sum(-1, keepdims=True), DOUBLE)
    return with_axes(quantile_of_rows("nanquantile", rows, count, q, method), axes, keepdims, np.ndim(q))


def nanpercentile(
    a: Tensor, q: Any, axis: Axis = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    return nanquantile(a, _share(q), axis, method=method, keepdims=keepdims)


def _share(q: Any) -> Any:
    return q / 100.0 if isinstance(q, Tensor) or (q := np.asarray(q)).dtype.kind in "fiub" else q


# ---------------------------------------------------------------- covariances


def cov(
    m: Any, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, dtype: Any = None
) -> Tensor:
    """Σ (x - mean) (y - mean) / (n - ddof) of every two rows; ddof is 1, or 0 with ``bias``."""
    d = _deviations("cov", m, y, rowvar, dtype)
    ddof = (0 if bias else 1) if ddof is None else ddof
    n = d.shape[1] - ddof
    return (d @ d.T * (1.0 / n if n > 0 else math.nan)).squeeze()


def corrcoef(x: Any, y: Any = None, rowvar: bool = True, dtype: Any = None) -> Tensor:
    """Covariances in units of the standard deviations."""
    d = _deviations("corrcoef", x, y, rowvar, dtype)
    unit = d / d.norm(1, keepdims=True)
    return (unit @ unit.T).clip(-1.0, 1.0).squeeze()


def _deviations(op: str, m: Any, y: Any, rowvar: bool, dtype: Any) -> Tensor:
    """Variables as rows, less their means."""
    items = alike(op, m) if y is None else alike(op, m, y)
    if max(x.ndim for x in items) > 2:
        raise ShapeError(f"np.{op} of {items[0].ndim} axes: it takes one axis or two.")
    rows = [
        x.T if not rowvar and x.ndim == 2 and x.shape[0] != 1 else x.reshape(-1, x.shape[-1] if x.ndim else 1)
        for x in items
    ]
    x = floating(concatenate(rows) if len(rows) > 1 else rows[0])
    return centre(x if dtype is None else x.astype(dtype), 1)[1]


# ---------------------------------------------------------------- without NaN


def _without_nan(name: str, start: float) -> Callable[..., Tensor]:
    def call(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        return getattr(x.isnan().where(start, x) if x.dtype.kind == "f" else x, name)(axis, keepdims)

    return call


def _extreme_number(name: str, instead: float) -> Callable[..., Tensor]:
    """The largest or smallest element that is not NaN; NaN where there is none."""

    def call(a: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
        if a.dtype.kind != "f":
            return getattr(a, name)(axis, keepdims)
        nan = a.isnan()
        return nan.all(axis, keepdims).where(math.nan, getattr(nan.where(instead, a), name)(axis, keepdims))

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
    "cumsum": _cumulative("cumsum"),
    "cumprod": _cumulative("cumprod"),
    "cumulative_sum": _from_start("cumulative_sum"),
    "cumulative_prod": _from_start("cumulative_prod"),
    "nancumsum": _cumulative("cumsum", 0.0),
    "nancumprod": _cumulative("cumprod", 1.0),
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
    "nanmax": _extreme_number("max", -math.inf),
    "nanmin": _extreme_number("min", math.inf),
    "median": lambda a, axis=None, overwrite_input=False, keepdims=False: a.median(axis, keepdims),
    "nanmedian": lambda a, axis=None, overwrite_input=False, keepdims=False: nanquantile(
        a, 0.5, axis, keepdims=keepdims
    ),
    "quantile": quantile,
    "percentile": percentile,
    "nanquantile": nanquantile,
    "nanpercentile": nanpercentile,
    "cov": cov,
    "corrcoef": corrcoef,
    "average": average,
    "ptp": ptp,
    "linalg.norm": norm,
    "linalg.vector_norm": vector_norm,
    "linalg.matrix_norm": matrix_norm,
}
FUNCTIONS: dict[str, Any] = {
    **{name: _in_dtype(name, reduce) for name, reduce in _OF_ELEMENTS.items()},
    **once(_WITHOUT_DTYPE),
}
