"""Movement primitives: elements are moved, repeated or padded; each VJP is the adjoint movement."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.primitive import Aval, Primitive, define
from .arrays import allocate, broadcast, memory_order

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Shape = tuple[int, ...]


def movement(
    name: str, eval: Callable[..., np.ndarray], aval: Callable[..., Aval], vjp: Callable[..., Any], formula: str
) -> Primitive:
    """Define a primitive of one input that moves elements."""
    return define(name, eval=eval, aval=aval, inputs=("x",), vjps=[vjp], family="movement", formula=formula)


reshape = movement(
    "reshape",
    lambda x, shape: x.reshape(shape),
    lambda x, *, shape: Aval(shape, x.dtype),
    lambda g, x_shape: g.reshape(x_shape),
    "the same elements in row-major order",
)

permute = movement(
    "permute",
    lambda x, axes: x.transpose(axes),
    lambda x, *, axes: Aval(tuple(x.shape[axis] for axis in axes), x.dtype),
    lambda g, axes: g.permute(sorted(range(len(axes)), key=axes.__getitem__)),
    "y[i_axes] = x[i]",
)

expand = movement(
    "expand",
    broadcast,
    lambda x, *, shape: Aval(shape, x.dtype),
    lambda g, x_shape: g.sum_to(x_shape),
    "NumPy broadcasting: axes of size 1 and missing leading axes are repeated",
)


def _pad(x: np.ndarray, width: tuple[tuple[int, int], ...], interior: Shape, value: float) -> np.ndarray:
    out = allocate(_padded(x.shape, width, interior), x.dtype, memory_order(x))
    if any(interior):
        out[...] = value
    inside = _inside(x.shape, width, interior)
    for axis, (low, high) in enumerate(width):  # fill only the border
        before = inside[:axis]
        if low:
            out[(*before, slice(0, low))] = value
        if high:
            out[(*before, slice(out.shape[axis] - high, None))] = value
    out[inside] = x
    return out


def _padded(shape: Shape, width: tuple[tuple[int, int], ...], interior: Shape) -> Shape:
    return tuple(
        n + max(n - 1, 0) * gap + low + high for n, (low, high), gap in zip(shape, width, interior, strict=True)
    )


def _inside(shape: Shape, width: tuple[tuple[int, int], ...], interior: Shape) -> tuple[slice, ...]:
    return tuple(
        slice(low, low + (n - 1) * (gap + 1) + 1 if n else low, gap + 1)
        for n, (low, _), gap in zip(shape, width, interior, strict=True)
    )


def _pad_vjp(g: Tensor, x_shape: Shape, width: tuple[tuple[int, int], ...], interior: Shape) -> Tensor:
    inside = _inside(x_shape, width, interior)
    return g.slice(*zip(*((s.start, s.stop, s.step) for s in inside), strict=True)) if inside else g


pad = movement(
    "pad",
    _pad,
    lambda x, *, width, interior, value: Aval(_padded(x.shape, width, interior), x.dtype),
    _pad_vjp,
    "x with a border of low and high elements of one value, and with gaps between neighbours",
)


def _slice_vjp(g: Tensor, x_shape: Shape, start: Shape, stop: Shape, step: Shape) -> Tensor:
    width = []
    for i, size in enumerate(x_shape):
        n = g.shape[i]
        used = start[i] + (n - 1) * step[i] + 1 if n else start[i]
        width.append((start[i], size - used))
    return g.pad(width, interior=[s - 1 for s in step])


slice_ = movement(
    "slice",
    lambda x, start, stop, step: x[tuple(map(slice, start, stop, step))],
    lambda x, *, start, stop, step: Aval(
        tuple(len(range(*part)) for part in zip(start, stop, step, strict=True)), x.dtype
    ),
    _slice_vjp,
    "y[i] = x[start + step i]",
)

flip = movement(
    "flip",
    np.flip,
    lambda x, *, axis: x,
    lambda g, axis: g.flip(axis),
    "y[i] = x[n - 1 - i] along each axis",
)


def _concatenate(*arrays: np.ndarray, axis: int) -> np.ndarray:
    shape = list(arrays[0].shape)
    shape[axis] = sum(array.shape[axis] for array in arrays)
    out = allocate(shape, arrays[0].dtype, memory_order(arrays[0]))
    return np.concatenate(arrays, axis, out=out)


def _concatenate_vjp(g: Tensor, index: int, shapes: list[Shape], axis: int) -> Tensor:
    start = [0] * g.ndim
    stop = list(g.shape)
    start[axis] = sum(shape[axis] for shape in shapes[:index])
    stop[axis] = start[axis] + shapes[index][axis]
    return g.slice(start, stop)


concatenate = define(
    "concatenate",
    eval=_concatenate,
    aval=lambda *avals, axis: Aval(
        tuple(sum(a.shape[i] for a in avals) if i == axis else n for i, n in enumerate(avals[0].shape)), avals[0].dtype
    ),
    inputs=("xs*",),
    vjps=[_concatenate_vjp],
    family="movement",
    formula="the inputs one after another along an axis",
)
