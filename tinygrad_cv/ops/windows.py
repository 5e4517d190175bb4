"""Sliding windows over the last axes, the basis of convolution and pooling, and their adjoint, the overlapping sum."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..core.primitive import Aval, define
from .arrays import HALF, allocate, in_single, memory_order
from .contraction import arrange, arranged, extents, multiply, parse, transposed

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Ints = tuple[int, ...]
SHORT = 16  # elements: shorter runs are slow to add up
CHUNK = 1 << 18  # elements added up at a time; they stay in the cache
LARGE = 1 << 18  # elements; smaller arrays of all windows are simply allocated


def window_count(size: int, kernel: int, stride: int, dilation: int) -> int:
    """The number of windows: floor((size - dilation (kernel - 1) - 1) / stride) + 1."""
    return max(0, (size - dilation * (kernel - 1) - 1) // stride + 1)


def _windows(x: np.ndarray, kernel: Ints, stride: Ints, dilation: Ints) -> np.ndarray:
    lead = x.ndim - len(kernel)
    counts = tuple(map(window_count, x.shape[lead:], kernel, stride, dilation))
    steps = x.strides[lead:]
    strides = (*x.strides[:lead], *(t * s for t, s in zip(steps, stride, strict=True)))
    taps = tuple(t * d for t, d in zip(steps, dilation, strict=True))
    return as_strided(x, (*x.shape[:lead], *counts, *kernel), (*strides, *taps), writeable=False)


def _windows_aval(x: Aval, *, kernel: Ints, stride: Ints, dilation: Ints) -> Aval:
    lead = len(x.shape) - len(kernel)
    counts = map(window_count, x.shape[lead:], kernel, stride, dilation)
    return Aval((*x.shape[:lead], *counts, *kernel), x.dtype)


def _fold(w: np.ndarray, stride: Ints, dilation: Ints, size: Ints) -> np.ndarray:
    if w.dtype == HALF:
        return in_single(_fold, w, stride=stride, dilation=dilation, size=size)
    spatial = len(size)
    lead = w.ndim - 2 * spatial
    counts, kernel = w.shape[lead : lead + spatial], w.shape[lead + spatial :]
    out = allocate((*w.shape[:lead], *size), w.dtype, [axis for axis in memory_order(w) if axis < lead + spatial])
    out[...] = 0
    outermost = memory_order(w)[0] if w.ndim else 0
    for block, target in _pieces(w, out, outermost if outermost < lead else None):
        for tap, place in places(kernel, counts, stride, dilation):
            at: Any = (Ellipsis, *tap)
            target[place] += block[at]
    return out


def places(kernel: Iterable[int], counts: Iterable[int], stride: Ints, dilation: Ints) -> Iterator[tuple[Ints, Any]]:
    """For every position in the kernel, the slices of the image that it covers over all windows."""
    for tap in product(*map(range, kernel)):
        axes = zip(tap, dilation, stride, counts, strict=True)
        yield tap, (Ellipsis, *(slice(t * d, t * d + (n - 1) * s + 1 if n else t * d, s) for t, d, s, n in axes))


def _contract_vjp(
    g: np.ndarray, index: int, operand: np.ndarray, spec: str, x_shape: Ints, kernel: Ints, stride: Ints, dilation: Ints
) -> np.ndarray | None:
    """The VJP of x in contract(windows(x), operand), or with the operand first."""
    a, b = (operand, g) if index else (g, operand)
    return contract_fold(a, b, transposed(spec, index), stride, dilation, x_shape[len(x_shape) - len(kernel) :])


def contract_fold(
    a: np.ndarray, b: np.ndarray, spec: str, stride: Ints, dilation: Ints, size: Ints
) -> np.ndarray | None:
    """fold(contract(a, b)) tap by tap, without the array of all windows, for a few images at a time.

    The first letter of y is the images', the last ones are the taps'; the images' letter must be in one operand only,
    the taps' in the other only. None if they are not, or if the array is not much larger than the operands.
    """
    groups, spatial = parse(spec), len(size)
    if groups.y[:1] in groups.free_b:
        a, b, groups = b, a, parse(f"{groups.b},{groups.a}->{groups.y}")
    extent = extents(groups, a, b)
    total = math.prod(extent[i] for i in groups.y)
    images, taps = groups.y[: -2 * spatial][:1], groups.y[-spatial:]
    if total <= LARGE or total <= 2 * max(a.size, b.size) or a.dtype.kind != "f" or a.dtype == HALF:
        return None
    if not images or images not in groups.free_a or not set(taps) <= set(groups.free_b):
        return None
    rest = [letter for letter in groups.b if letter not in taps]
    b = b.transpose([groups.b.index(letter) for letter in (*taps, *rest)])
    one = parse(f"{groups.a},{''.join(rest)}->{groups.y[:-spatial]}")  # the contraction of one tap
    order = arrange(a, b[(0,) * spatial], one)
    if stride[-1] == 1 and extent[one.y[-1]] < SHORT:
        order = order._replace(b_last=True)  # neighbouring positions and their channels are then contiguous
    kernel, counts = [extent[i] for i in taps], [extent[i] for i in one.y[-spatial:]]
    weights = {tap: arranged(b[tap], order) for tap in product(*map(range, kernel))}
    axes = [order.result.index(i) for i in one.y]
    shape = [*(extent[i] for i in one.y[:-spatial]), *size]
    out = allocate(shape, a.dtype, [one.y.index(i) for i in order.result])
    out[...] = 0
    n = extent[images]
    step = max(1, CHUNK * n // max(math.prod(extent[i] for i in one.y), 1))
    for i in range(0, n, step):
        part = a[(*[slice(None)] * groups.a.index(images), slice(i, i + step))]
        for tap, place in places(kernel, counts, stride, dilation):
            out[i : i + step][place] += multiply(part, weights[tap], order).transpose(axes)
    return out


def _pieces(w: np.ndarray, out: np.ndarray, axis: int | None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Corresponding parts along the outermost axis, small enough to stay in the cache while all taps are added."""
    if axis is None or not w.size:
        yield w, out
        return
    n = w.shape[axis]
    step = max(1, CHUNK * n // w.size)
    for i in range(0, n, step):
        part = (*[slice(None)] * axis, slice(i, i + step))
        yield w[part], out[part]


def _fold_vjp(g: Tensor, w_shape: Ints, stride: Ints, dilation: Ints, size: Ints) -> Tensor:
    w = g.windows(w_shape[len(w_shape) - len(size) :], stride, dilation)
    return w if w.shape == w_shape else w.slice((0,) * w.ndim, w_shape)  # if the size has room for more windows


windows = define(
    "windows",
    eval=_windows,
    aval=_windows_aval,
    inputs=("x",),
    vjps=[lambda g, x_shape, kernel, stride, dilation: g.fold(stride, dilation, x_shape[len(x_shape) - len(kernel) :])],
    joint={"contract": _contract_vjp},
    family="window",
    formula="y[..., i, j, u, v] = x[..., s i + d u, s j + d v]",
)

fold = define(
    "fold",
    eval=_fold,
    aval=lambda w, *, stride, dilation, size: Aval((*w.shape[: len(w.shape) - 2 * len(size)], *size), w.dtype),
    inputs=("w",),
    vjps=[_fold_vjp],
    family="window",
    formula="y[..., p, q] = sum of w[..., i, j, u, v] over s i + d u = p, s j + d v = q",
)
