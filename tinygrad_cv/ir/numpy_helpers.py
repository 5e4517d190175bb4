"""What the NumPy source of a graph calls where NumPy has no single function. Each is printed into the source it serves.

They are written to be read, and depend on NumPy alone; ``NEEDS`` lists which helpers use which.
"""

# ruff: noqa: B905 (in what is printed, the lengths agree)

from __future__ import annotations

import math

import numpy as np

NEEDS = {"fold": ("taps",)}


def times(a, b):
    """a b, and 0 where a is 0, whatever b is."""
    return np.where(a == 0, a, a * b)


def integers(x, dtype):
    """Floats as integers: towards 0; beyond the range, its end; NaN is 0."""
    x = x.astype(np.float64)
    limits = np.iinfo(dtype)
    with np.errstate(invalid="ignore"):
        whole = x.astype(dtype)
    whole = np.where(x >= 2.0 ** int(limits.max).bit_length(), limits.max, whole)
    return np.where(np.isnan(x), 0, np.where(x <= limits.min, limits.min, whole)).astype(dtype)


def erf(x):
    """The error function."""
    return np.vectorize(math.erf, otypes=[np.float64])(x).astype(x.dtype)


def pad(x, width, interior, value):
    """A border of low and high elements around x, and gaps between neighbours, all of one value."""
    sizes = [n + max(n - 1, 0) * gap for n, gap in zip(x.shape, interior)]
    y = np.full([low + n + high for n, (low, high) in zip(sizes, width)], value, x.dtype)
    y[tuple(slice(low, low + n, gap + 1) for n, (low, _), gap in zip(sizes, width, interior))] = x
    return y


def windows(x, kernel, stride, dilation):
    """y[..., i, j, u, v] = x[..., s i + d u, s j + d v]"""
    lead = x.ndim - len(kernel)
    counts = [max(0, (n - d * (k - 1) - 1) // s + 1) for n, k, s, d in zip(x.shape[lead:], kernel, stride, dilation)]
    steps = [step * s for step, s in zip(x.strides[lead:], stride)]
    taps = [step * d for step, d in zip(x.strides[lead:], dilation)]
    shape, strides = (*x.shape[:lead], *counts, *kernel), (*x.strides[:lead], *steps, *taps)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def taps(kernel, counts, stride, dilation):
    """Every place in a kernel, and where it falls in the image over all windows."""
    for tap in np.ndindex(*kernel):
        yield tap, tuple(slice(t * d, t * d + n * s, s) for t, n, s, d in zip(tap, counts, stride, dilation))


def fold(w, stride, dilation, size):
    """y[..., p, q] = sum of w[..., i, j, u, v] over s i + d u = p, s j + d v = q"""
    lead = w.ndim - 2 * len(size)
    counts, kernel = w.shape[lead : lead + len(size)], w.shape[lead + len(size) :]
    room = [max(n, d * (k - 1) + c * s) for n, k, c, s, d in zip(size, kernel, counts, stride, dilation)]
    y = np.zeros((*w.shape[:lead], *room), w.dtype)
    for tap, place in taps(kernel, counts, stride, dilation):
        y[(..., *place)] += w[(..., *tap)]
    return y[tuple(slice(n) for n in (*w.shape[:lead], *size))]


def scatter_add(x, index, size):
    """y[k, ...] = the sum of x[i, ...] over index[i] = k"""
    y = np.zeros((size, *x.shape[index.ndim :]), x.dtype)
    np.add.at(y, index, x)
    return y


def iota(shape, axis, dtype):
    """0, 1, 2, ... in row-major order over some axes"""
    numbers = np.arange(math.prod(shape[i] for i in axis)).astype(dtype).reshape([shape[i] for i in axis])
    order = sorted(range(len(axis)), key=lambda i: axis[i])
    return np.broadcast_to(
        np.expand_dims(numbers.transpose(order), [i for i in range(len(shape)) if i not in axis]), shape
    )


def argmax(x, axis, dtype):
    """The place of the first maximum, in row-major order over some axes, which stay with size 1."""
    rest = [i for i in range(x.ndim) if i not in axis]
    flat = x.transpose(*rest, *axis).reshape(*(x.shape[i] for i in rest), math.prod(x.shape[i] for i in axis))
    return flat.argmax(-1).astype(dtype).reshape([1 if i in axis else n for i, n in enumerate(x.shape)])


def random_bits(state, shape, bits):
    """Uniform integers of a number of bits from Philox 4x64 with the key state[0], from word state[1] on."""
    seed, position = (int(word) for word in state)
    width = 32 if bits <= 32 else 64
    count = math.prod(shape)
    words = -(-count * width // 64)
    raw = np.random.Philox(key=seed, counter=position // 4).random_raw(words + position % 4)[position % 4 :]
    drawn = raw.view(f"u{width // 8}")[:count]
    return (drawn >> drawn.dtype.type(width - bits)).reshape(shape)
