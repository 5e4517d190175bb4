"""What NumPy's functions are tried with, and how a result is judged: by NumPy's values and their differences."""

from __future__ import annotations

import math

import numpy as np

import tinygrad_cv as tg
from tinygrad_cv.frontend.numpy_protocol.dispatch import name_of

X = np.array([[0.5, 0.75, 0.25], [0.125, 0.375, 0.625]])
Y = np.array([[1.5, 0.5, 2.5], [0.25, 3.0, 1.0]])
M = np.array([[True, False, True], [True, True, False]])
V = Y[0]
A3 = np.random.default_rng(0).uniform(0.5, 2.0, (2, 3, 4))

ROOMS = (np, np.linalg, np.fft)
OURS = [getattr(room, name) for room in ROOMS for name in dir(room) if hasattr(getattr(room, name), "_implementation")]
FOUND = {name: f for f in OURS if (name := name_of(f)).endswith(f.__name__)}  # not by the older names of NumPy 1
UFUNC = {f.__name__: f for f in vars(np).values() if isinstance(f, np.ufunc)}


def several(results):
    """Results as a list."""
    return list(results) if isinstance(results, (list, tuple)) else [results]


def check(call, *arrays, slopes=True):
    """The value is NumPy's, and the gradient is what differences of NumPy's values say; or there is none."""
    leaves = [tg.tensor(a, requires_grad=True) for a in arrays]
    ours, expected = several(call(*leaves)), several(call(*arrays))
    assert len(ours) == len(expected)
    rng = np.random.default_rng(1)
    total, weights = 0.0, []
    for y, e in zip(ours, expected, strict=True):
        assert isinstance(y, tg.Tensor) and y.shape == np.shape(e), (y, e)
        np.testing.assert_allclose(y.numpy(), e, 1e-13, 1e-14)
        weights.append(rng.uniform(0.5, 1.5, np.shape(e)))
        if y.dtype.kind == "f":
            assert y.requires_grad == slopes
            total = total + (y * weights[-1]).sum()
    if isinstance(total, float) or not slopes:
        return
    total.backward()

    def value(*at):
        return sum(float(np.sum(w * f)) for w, f in zip(weights, several(call(*at)), strict=True))

    for i, (a, leaf) in enumerate(zip(arrays, leaves, strict=True)):
        step = 1e-6 * rng.uniform(0.5, 1.0, a.shape)
        around = [value(*(b + s * step if j == i else b for j, b in enumerate(arrays))) for s in (1, -1)]
        grad = np.zeros_like(a) if leaf.grad is None else leaf.grad.numpy()
        assert math.isclose((around[0] - around[1]) / 2, float((grad * step).sum()), rel_tol=1e-5, abs_tol=1e-9)
