"""NumPy's products: of vectors, matrices and tensors, traces, and norms of matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from ...core.errors import ShapeError
from ..forward import Tensor
from ..movement import axes_of, axis_of, concatenate, whole
from ..precision import in_single
from ..products import LETTERS, einsum, matmul
from .elements import vecdot
from .operands import alike, once


def dot(a: Any, b: Any) -> Tensor:
    """As matmul, but * for 0-d operands, and above 2-d every row with every column instead of batches."""
    a, b = alike("dot", a, b)
    if a.ndim == 0 or b.ndim == 0:
        return a * b
    return tensordot(a, b, ([-1], [max(b.ndim - 2, 0)])) if max(a.ndim, b.ndim) > 2 else matmul(a, b)


def inner(a: Any, b: Any, /) -> Tensor:
    a, b = alike("inner", a, b)
    return a * b if a.ndim == 0 or b.ndim == 0 else tensordot(a, b, ([-1], [-1]))


def vdot(a: Any, b: Any, /) -> Tensor:
    a, b = alike("vdot", a, b)
    if a.size != b.size:
        raise ShapeError(f"np.vdot of shapes {a.shape} and {b.shape}: they must have as many elements.")
    return a.reshape(-1) @ b.reshape(-1)


def outer(a: Any, b: Any) -> Tensor:
    a, b = alike("outer", a, b)
    return a.reshape(-1, 1) * b.reshape(1, -1)


def tensordot(a: Any, b: Any, axes: Any = 2) -> Tensor:
    a, b = alike("tensordot", a, b)
    pair = ([*range(a.ndim - axes, a.ndim)], [*range(axes)]) if isinstance(axes, int) else axes
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise ShapeError(f"np.tensordot over the axes {axes!r}: a number, or the axes of the one and of the other.")
    left, right = pair
    left, right = axes_of("tensordot", left, a.ndim), axes_of("tensordot", right, b.ndim)
    if len(left) != len(right):
        raise ShapeError(f"np.tensordot over the axes {axes}: there must be as many of each tensor.")
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


def kron(a: Any, b: Any) -> Tensor:
    """Every element of a times all of b, side by side."""
    a, b = alike("kron", a, b)
    ndim = max(a.ndim, b.ndim)
    left, right = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    y = a.reshape([m for n in left for m in (n, 1)]) * b.reshape([m for n in right for m in (1, n)])
    return y.reshape([n * m for n, m in zip(left, right, strict=True)])


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The vector product of vectors of three elements, or of two, whose third is 0."""
    a, b = alike("cross", a, b)
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = a.moveaxis(axis_of("cross", axisa, a.ndim), -1), b.moveaxis(axis_of("cross", axisb, b.ndim), -1)
    sizes = (a.shape[-1], b.shape[-1])
    if not {2, 3}.issuperset(sizes):
        raise ShapeError(f"np.cross of vectors of {sizes[0]} and {sizes[1]} elements: it takes 2 or 3.")
    (p, q, *r), (u, v, *w) = ([x[..., i] for i in range(x.shape[-1])] for x in (a, b))
    third = p * v - q * u
    if sizes == (2, 2):
        return third
    r, w = (r or [p * 0]), (w or [u * 0])
    parts = [q * w[0] - r[0] * v, r[0] * u - p * w[0], third]
    return concatenate([x.expand_dims(-1) for x in parts], -1).moveaxis(-1, axisc)


def matrix_power(a: Tensor, n: int) -> Tensor:
    """n factors, by squaring; n ≥ 0."""
    n = whole("np.linalg.matrix_power", "n", n)
    if n < 0:
        raise NotImplementedError("n < 0, which needs an inverse")
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"np.linalg.matrix_power of shape {a.shape}: the last two axes must be equal.")
    y, square = None, a
    while n:
        if n % 2:
            y = square if y is None else y @ square
        n //= 2
        square = square @ square if n else square
    return a._new(np.eye(a.shape[-1], dtype=a.dtype)).expand(a.shape) if y is None else y


def trace(a: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    """The sum of a diagonal."""
    d = a.diagonal(offset, axis1, axis2)
    return (d if dtype is None else d.astype(dtype)).sum(-1)


def multi_dot(arrays: Sequence[Any]) -> Tensor:
    return _chain(*alike("multi_dot", *arrays))


@in_single
def _chain(*matrices: Any) -> Tensor:
    return reduce(matmul, matrices)


def norm_of_matrices(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    """The largest or smallest sum of magnitudes, of columns for ±1, of rows for ±∞; others need singular values."""
    if ord not in (1, -1, 2, -2, "nuc", math.inf, -math.inf):
        raise ValueError(f"np.linalg.norm of matrices with ord={ord!r}: it must be 'fro', 'nuc', ±1, ±2 or ±inf.")
    if ord in (2, -2, "nuc"):
        raise NotImplementedError(f"ord={ord!r} of a matrix (it needs singular values)")
    rows, columns = axes
    summed, other = (rows, columns) if abs(ord) == 1 else (columns, rows)
    sums = abs(x).sum(summed, keepdims=True)
    y = sums.max(other, keepdims=True) if ord > 0 else sums.min(other, keepdims=True)
    return y if keepdims else y.squeeze(axes)


_PRODUCTS: dict[str, Any] = {
    "dot": dot,
    "inner": inner,
    "vdot": vdot,
    "outer": outer,
    "tensordot": tensordot,
    "kron": kron,
    "cross": cross,
    "trace": trace,
    "linalg.outer": lambda x1, x2: outer(x1, x2),
    "linalg.tensordot": lambda x1, x2, axes=2: tensordot(x1, x2, axes),
    "linalg.vecdot": vecdot,
    "linalg.cross": lambda x1, x2, axis=-1: cross(x1, x2, axis=axis),
    "linalg.trace": lambda x, offset=0, dtype=None: trace(x, offset, -2, -1, dtype),
    "linalg.matrix_power": matrix_power,
}
FUNCTIONS: dict[str, Any] = {
    **once(_PRODUCTS),
    "einsum": numpys_einsum,
    "linalg.matmul": lambda x1, x2: matmul(x1, x2),
    "linalg.multi_dot": multi_dot,
}
