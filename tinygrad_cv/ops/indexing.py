"""Gather and its adjoint, the scattered sum; iota, which counts along axes; argsort, the places in order of size."""

from __future__ import annotations

import math

import numpy as np

from ..core.primitive import Aval, define
from .arrays import HALF, broadcast, in_single

CHUNK = 1 << 16  # elements whose places are numbered at a time

gather = define(
    "gather",
    eval=lambda x, index: x.take(index, 0),
    aval=lambda x, index: Aval((*index.shape, *x.shape[1:]), x.dtype),
    inputs=("x", "index"),
    vjps=[lambda g, x_shape, index: g.scatter_add(index, x_shape[0]), None],
    family="indexing",
    formula="y[i, ...] = x[index[i], ...]",
)


def _scatter_add(x: np.ndarray, index: np.ndarray, size: int) -> np.ndarray:
    if x.dtype == HALF:
        return in_single(_scatter_add, x, index, size=size)
    out = np.zeros((size, *x.shape[index.ndim :]), x.dtype)
    width, rows = math.prod(out.shape[1:]), index.reshape(-1)
    if width < 2 or not rows.size or rows.min() < -size or rows.max() >= size:
        np.add.at(out, index, x)
        return out
    terms, sums, step = x.reshape(rows.size, width), out.reshape(-1), max(1, CHUNK // width)
    for i in range(0, rows.size, step):  # NumPy adds elements several times as fast as rows
        places = rows[i : i + step, None].astype(np.int64) * width + np.arange(width)
        np.add.at(sums, places.reshape(-1), terms[i : i + step].reshape(-1))
    return out


scatter_add = define(
    "scatter_add",
    eval=_scatter_add,
    aval=lambda x, index, *, size: Aval((size, *x.shape[len(index.shape) :]), x.dtype),
    inputs=("x", "index"),
    vjps=[lambda g, index: g.gather(index), None],
    family="indexing",
    formula="y[k, ...] = Σ x[i, ...] over index[i] = k",
)


def _iota(shape: tuple[int, ...], axis: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    places = np.arange(math.prod(shape[i] for i in axis)).astype(dtype).reshape([shape[i] for i in axis])
    order = sorted(range(len(axis)), key=axis.__getitem__)
    places = places.transpose(order).reshape([n if i in axis else 1 for i, n in enumerate(shape)])
    return broadcast(places, shape)


iota = define(
    "iota",
    eval=_iota,
    aval=lambda *, shape, axis, dtype: Aval(shape, dtype),
    inputs=(),
    vjps=[],
    family="indexing",
    formula="0, 1, 2, ... in row-major order over the axes",
)


def _argsort(x: np.ndarray, axis: int) -> np.ndarray:
    return np.argsort(x, axis, kind="stable").astype(np.int64, copy=False)


argsort = define(
    "argsort",
    eval=_argsort,
    aval=lambda x, *, axis: Aval(x.shape, np.dtype(np.int64)),
    inputs=("x",),
    vjps=[None],
    family="indexing",
    formula="the places along an axis, smallest element first; of equals the first, and NaN last",
)
