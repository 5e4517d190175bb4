"""NumPy's functions for tensors, in the graph. Parameters have the names and order of NumPy's signatures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np

from .forward import Tensor
from .movement import axes_of, axis_of, concatenate, shape_of, stack
from .numpy_reductions import REDUCTIONS
from .precision import in_single
from .products import LETTERS, einsum, matmul
from .promotion import operands


def _like(*items: Any) -> Tensor:
    return next(x for x in items if isinstance(x, Tensor))


def _tensor(x: Tensor, like: Tensor) -> Tensor:
    return x if isinstance(x, Tensor) else like._new(np.asarray(x))


# --- elements ---


def clip(a: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    return a.clip(a_min if min is None else min, a_max if max is None else max)


def where(condition: Any, x: Tensor, y: Any, /) -> Tensor:
    return _tensor(condition, _like(condition, x, y)).where(x, y)


def nan_to_num(x: Tensor, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    if x.dtype.kind != "f":
        return x.clone()
    limits = np.finfo(x.dtype)
    x = x.isnan().where(nan, x)
    x = (x == math.inf).where(float(limits.max) if posinf is None else posinf, x)
    return (x == -math.inf).where(float(limits.min) if neginf is None else neginf, x)


def log1p(x: Tensor) -> Tensor:
    """log(1 + x), with a first-order correction of the rounding of 1 + x, which is 0 in exact arithmetic."""
    w = 1.0 + x
    lost = (x.detach() - (w.detach() - 1.0)) / w.detach()
    return w.log() + (lost.isfinite()).where(lost, 0.0)


def expm1(x: Tensor) -> Tensor:
    """eˣ - 1; near 0 by the hyperbolic tangent, which is accurate there."""
    far = x > 1
    near = far.where(0.0, x)
    return far.where(x.exp() - 1.0, (near * 0.5).tanh() * (near.exp() + 1.0))


def sinh(x: Tensor) -> Tensor:
    """(eˣ - e⁻ˣ) / 2; computed so that eˣ cannot overflow where the result does not."""
    rising, falling = (0.5 * x).exp(), (-0.5 * x).exp()
    far = 0.5 * rising * rising - 0.5 * falling * falling
    return (abs(x) > 1).where(far, (expm1(x) - expm1(-x)) * 0.5)


def cosh(x: Tensor) -> Tensor:
    """(eˣ + e⁻ˣ) / 2; computed so that eˣ cannot overflow where the result does not."""
    rising, falling = (0.5 * x).exp(), (-0.5 * x).exp()
    return 0.5 * rising * rising + 0.5 * falling * falling


def hypot(a: Tensor, b: Tensor) -> Tensor:
    return stack([a, b]).norm(0)


def cbrt(x: Tensor) -> Tensor:
    below = x < 0
    root = below.where(-x, x) ** (1.0 / 3.0)
    return below.where(-root, root)


def trunc(x: Tensor) -> Tensor:
    return (x < 0).where(-(-x).floor(), x.floor())


# --- axes and parts ---


def reshape(a: Tensor, shape: Any = None, newshape: Any = None) -> Tensor:
    return a.reshape(*shape_of((shape if newshape is None else newshape,)))


def transpose(a: Tensor, axes: Any = None) -> Tensor:
    return a.transpose() if axes is None else a.permute(*axes)


def repeat(a: Tensor, repeats: int, axis: int | None = None) -> Tensor:
    return a.reshape(-1).repeat(repeats, 0) if axis is None else a.repeat(repeats, axis)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    return ary.split(indices_or_sections, axis)


def diff(a: Tensor, n: int = 1, axis: int = -1) -> Tensor:
    axis = axis_of("diff", axis, a.ndim)
    lead = (slice(None),) * axis
    for _ in range(n):
        a = a[(*lead, slice(1, None))] - a[(*lead, slice(None, -1))]
    return a


def sort(a: Tensor, axis: Any = -1, kind: Any = None, stable: Any = None) -> Tensor:
    """Elements gathered in the order of their values."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    return a.take_along_axis(np.argsort(a.numpy(), axis=axis, kind="stable"), axis)


def median(a: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    if axis is None:
        middle = median(a.reshape(-1), 0)
        return middle.reshape((1,) * a.ndim) if keepdims else middle
    axis = axis_of("median", axis, a.ndim)
    n = a.shape[axis]
    part = (*(slice(None),) * axis, slice((n - 1) // 2, n // 2 + 1))
    middle = sort(a, axis)[part].mean(axis, keepdims)
    return a.isnan().any(axis, keepdims).where(math.nan, middle) if a.dtype.kind == "f" else middle


def take(a: Tensor, indices: Any, axis: int | None = None) -> Tensor:
    if axis is None:
        a, axis = a.reshape(-1), 0
    place = indices if isinstance(indices, Tensor) else np.asarray(indices)
    return a[(*(slice(None),) * axis_of("take", axis, a.ndim), place)]


# --- products ---


def dot(a: Tensor, b: Tensor) -> Tensor:
    """As matmul, but * for 0-d operands, and above 2-d every row with every column instead of batches."""
    a, b = operands("dot", a, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tensordot(a, b, ([-1], [max(b.ndim - 2, 0)])) if max(a.ndim, b.ndim) > 2 else matmul(a, b)


def inner(a: Tensor, b: Tensor, /) -> Tensor:
    a, b = operands("inner", a, b)
    return a * b if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, ([-1], [-1]))


def vdot(a: Tensor, b: Tensor, /) -> Tensor:
    a, b = operands("vdot", a, b)
    return (a.reshape(-1) * b.reshape(-1)).sum()


def vecdot(x1: Any, x2: Any, /, axis: int = -1) -> Tensor:
    x1, x2 = operands("vecdot", x1, x2)
    return (x1 * x2).sum(axis)


def outer(a: Tensor, b: Tensor) -> Tensor:
    a, b = operands("outer", a, b)
    return a.reshape(-1, 1) * b.reshape(1, -1)


def tensordot(a: Tensor, b: Tensor, axes: Any = 2) -> Tensor:
    a, b = operands("tensordot", a, b)
    left, right = ([*range(a.ndim - axes, a.ndim)], [*range(axes)]) if isinstance(axes, int) else axes
    left, right = axes_of("tensordot", left, a.ndim), axes_of("tensordot", right, b.ndim)
    first = list(LETTERS[: a.ndim])
    second = list(LETTERS[a.ndim : a.ndim + b.ndim])
    for i, j in zip(left, right, strict=True):
        second[j] = first[i]
    rest = [c for c in first if c not in second] + [c for c in second if c not in first]
    return einsum(f"{''.join(first)},{''.join(second)}->{''.join(rest)}", a, b)


def numpys_einsum(*operands: Any, optimize: Any = False) -> Tensor:
    """einsum with the subscripts as a string, or as lists of numbers after each operand."""
    if isinstance(operands[0], str):
        return einsum(*operands)
    tensors, lists = operands[: len(operands) // 2 * 2 : 2], operands[1::2]
    result = operands[-1] if len(operands) % 2 else None
    spell = lambda places: "".join("..." if p is Ellipsis else LETTERS[p] for p in places)  # noqa: E731
    spec = ",".join(map(spell, lists)) + ("" if result is None else f"->{spell(result)}")
    return einsum(spec, *tensors)


def trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    i, j = axis_of("trace", axis1, a.ndim), axis_of("trace", axis2, a.ndim)
    x = a.moveaxis((i, j), (-2, -1))
    n = np.arange(x.shape[-2])[:, None] + offset == np.arange(x.shape[-1])
    return a._new(n).where(x, 0).sum((-2, -1)).astype(a.dtype)


def multi_dot(arrays: Sequence[Any]) -> Tensor:
    return _chain(*operands("multi_dot", *arrays))


@in_single
def _chain(*matrices: Any) -> Tensor:
    return reduce(matmul, matrices)


def _joined(join: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def call(arrays: Sequence[Any], axis: Any = 0, dtype: Any = None) -> Tensor:
        tensors = list(arrays)
        if axis is None:
            tensors, axis = [_tensor(x, _like(*tensors)).reshape(-1) for x in tensors], 0
        y = join(tensors, axis)
        return y if dtype is None else y.astype(dtype)

    return call


def _method(name: str, *parameters: str) -> Callable[..., Any]:
    """A method as a function with NumPy's argument names."""

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, name)(*args, *(kwargs[key] for key in parameters if key in kwargs))

    call.parameters = {"a", "arr", "array", "m", *parameters}  # type: ignore[attr-defined]
    return call


_PRODUCTS: dict[str, Any] = {
    "dot": dot,
    "inner": inner,
    "vdot": vdot,
    "outer": outer,
    "tensordot": tensordot,
    "trace": trace,
    "linalg.outer": lambda x1, x2: outer(x1, x2),
    "linalg.tensordot": lambda x1, x2, axes=2: tensordot(x1, x2, axes),
    "linalg.vecdot": vecdot,
    "linalg.trace": lambda x, offset=0: trace(x, offset, -2, -1),
}
FUNCTIONS: dict[str, Any] = {
    **REDUCTIONS,
    **{name: in_single(function, name) for name, function in _PRODUCTS.items()},
    "median": in_single(median),
    "diff": in_single(diff),
    "argmax": _method("argmax", "axis", "keepdims"),
    "argmin": _method("argmin", "axis", "keepdims"),
    "clip": clip,
    "where": where,
    "nan_to_num": nan_to_num,
    "reshape": reshape,
    "transpose": transpose,
    **dict.fromkeys(("matrix_transpose", "linalg.matrix_transpose"), lambda x: x.mT),
    "squeeze": _method("squeeze", "axis"),
    "expand_dims": _method("expand_dims", "axis"),
    "swapaxes": _method("swapaxes", "axis1", "axis2"),
    "moveaxis": _method("moveaxis", "source", "destination"),
    "ravel": _method("ravel"),
    "flip": _method("flip", "axis"),
    "broadcast_to": _method("broadcast_to", "shape"),
    "take_along_axis": _method("take_along_axis", "indices", "axis"),
    "take": take,
    "repeat": repeat,
    "split": split,
    "sort": sort,
    "copy": lambda a: a.clone(),
    "astype": lambda x, dtype: x.astype(dtype),
    "real": lambda val: val,
    "concatenate": _joined(concatenate),
    "stack": _joined(stack),
    "einsum": numpys_einsum,
    "linalg.matmul": lambda x1, x2: matmul(x1, x2),
    "linalg.multi_dot": multi_dot,
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
}
