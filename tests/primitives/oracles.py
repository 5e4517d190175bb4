"""What primitives compute, by loops over places and Python's own arithmetic: nothing is shared with the primitives."""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray


def each(f: Callable[..., Any]) -> Callable[..., Array]:
    """An oracle that applies a Python function to the Python numbers of each place."""

    def oracle(*arrays, **params):
        numbers = zip(*(x.ravel().tolist() for x in arrays), strict=True)
        return np.array([f(*row, **params) for row in numbers]).reshape(arrays[0].shape)

    return oracle


def over_axes(f: Callable[[list[Any]], Any]) -> Callable[..., Array]:
    """An oracle that reduces: f of the list of values, row-major over the axes as they are given."""

    def oracle(x, *, axis, **_):
        shape = [1 if i in axis else n for i, n in enumerate(x.shape)]
        out = []
        for place in np.ndindex(*shape):
            values = []
            for inner in itertools.product(*(range(x.shape[i]) for i in axis)):
                full = list(place)
                for i, p in zip(axis, inner, strict=True):
                    full[i] = p
                values.append(x[tuple(full)].item())
            out.append(f(values))
        return np.array(out).reshape(shape)

    return oracle


def from_place(shape_of: Callable[..., Any], source: Callable[..., Any]) -> Callable[..., Array]:
    """An oracle that moves: y[place] = x[source(place)]."""

    def oracle(x, **params):
        shape = shape_of(x.shape, **params)
        return np.array([x[tuple(source(place, x.shape, **params))] for place in np.ndindex(*shape)]).reshape(shape)

    return oracle


def padded(x, *, width, interior, value):
    shape = [n + max(n - 1, 0) * gap + low + high for n, (low, high), gap in zip(x.shape, width, interior, strict=True)]
    out = np.full(shape, value, x.dtype)
    for place in np.ndindex(*x.shape):
        out[tuple(low + p * (gap + 1) for p, (low, _), gap in zip(place, width, interior, strict=True))] = x[place]
    return out


def concatenated(*xs, axis):
    rows = [row for x in xs for row in np.moveaxis(x, axis, 0)]
    shape = [len(rows) if i == axis else n for i, n in enumerate(xs[0].shape)]
    return np.moveaxis(
        np.array(rows).reshape([len(rows), *xs[0].shape[:axis], *xs[0].shape[axis + 1 :]]), 0, axis
    ).reshape(shape)


def gathered(x, index):
    out = np.empty((*index.shape, *x.shape[1:]))
    for place in np.ndindex(*index.shape):
        out[place] = x[index[place]]
    return out


def ordered(x, *, axis):
    out = np.empty(x.shape, int)
    for place in np.ndindex(*x.shape[:axis], *x.shape[axis + 1 :]):
        row = (*place[:axis], slice(None), *place[axis:])
        pairs = [(value != value, value, i) for i, value in enumerate(x[row].tolist())]  # noqa: PLR0124 (NaN is last)
        out[row] = [i for _, _, i in sorted(pairs)]
    return out


def scattered(x, index, *, size):
    out = np.zeros((size, *x.shape[index.ndim :]))
    for place in np.ndindex(*index.shape):
        out[index[place]] += x[place]
    return out


def numbered(*, shape, axis, dtype):
    out = np.empty(shape, dtype)
    for place in np.ndindex(*shape):
        number = 0
        for i in axis:
            number = number * shape[i] + place[i]
        out[place] = number
    return out


def windowed(x, *, kernel, stride, dilation):
    lead = x.ndim - len(kernel)
    counts = [
        len(range(0, n - d * (k - 1), s)) for n, k, s, d in zip(x.shape[lead:], kernel, stride, dilation, strict=True)
    ]
    out = np.empty((*x.shape[:lead], *counts, *kernel))
    for place in np.ndindex(*out.shape):
        front, window, tap = place[:lead], place[lead : lead + len(kernel)], place[lead + len(kernel) :]
        out[place] = x[(*front, *(s * i + d * u for i, u, s, d in zip(window, tap, stride, dilation, strict=True)))]
    return out


def folded(w, *, stride, dilation, size):
    lead = w.ndim - 2 * len(size)
    out = np.zeros((*w.shape[:lead], *size))
    for place in np.ndindex(*w.shape):
        front, window, tap = place[:lead], place[lead : lead + len(size)], place[lead + len(size) :]
        out[(*front, *(s * i + d * u for i, u, s, d in zip(window, tap, stride, dilation, strict=True)))] += w[place]
    return out


def accumulated(x, *, axis):
    out = np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        for k in range(place[axis] + 1):
            out[place] += x[(*place[:axis], k, *place[axis + 1 :])]
    return out


def drawn(state, *, shape, bits):
    """The words of NumPy's Philox from the start of the stream, cut into 32 or 64 bits by hand."""
    seed, position = map(int, state)
    width = 32 if bits <= 32 else 64
    count = math.prod(shape)
    stream = np.random.Philox(key=seed).random_raw(position + count)[position:].tolist()
    parts = [word >> low & (1 << width) - 1 for word in stream for low in range(0, 64, width)]
    return np.array([part >> width - bits for part in parts[:count]], f"u{width // 8}").reshape(shape)


def converted(v, dtype):
    if dtype == np.float32:
        return struct.unpack("f", struct.pack("f", v))[0]
    return {"f": float, "i": int, "b": bool}[dtype.kind](v)


def logarithm_power(a, b):
    return math.exp(b * math.log(a))
