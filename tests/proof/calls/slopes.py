"""Jacobians by differences of order six, each entry with a bound on its own error.

    D(h) = Σ w_k (f(x + k h) - f(x - k h)) / h,    w = 3/4, -3/20, 1/60,

leaves a truncation error of order h⁶. D(h/2) is the value; how far the two differ bounds its truncation, and rounding
adds at most 2 Σ |w_k| δ / (h/2) where each value of f is off by δ. The step h is near ε^(1/7), at which both are least.
In extended precision (ε = 2⁻⁶³, where the machine has it) entries are right to all digits of float64.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Array = np.ndarray
Function = Callable[[Sequence[Array]], Array]  # the inputs -> all outputs, as one vector

WEIGHTS = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))


class Jacobian(NamedTuple):
    """Outputs by inputs, all of both in one row."""

    entries: Array
    bound: Array  # of each entry's error


def jacobian(f: Function, arrays: Sequence[Array], places: Sequence[int], epsilon: float, rounding: float) -> Jacobian:
    """The Jacobian of f by its inputs at ``places``.

    Args:
        epsilon: the machine epsilon of f's values; it chooses the step.
        rounding: how far rounding may move a value of f.
    """
    h = 2.0 ** (math.log2(epsilon) // 7)
    size = f(arrays).size
    columns, bounds = [], []
    for i in places:
        for place in np.ndindex(arrays[i].shape):
            coarse, fine = (_slope(f, arrays, i, place, step) for step in (h, h / 2))
            columns.append(fine)
            bounds.append(np.abs(fine - coarse) + 2 * sum(abs(w) for _, w in WEIGHTS) * rounding / (h / 2))
    entries, bound = (np.array(part, np.float64).reshape(len(columns), size).T for part in (columns, bounds))
    return Jacobian(entries, bound)


def _slope(f: Function, arrays: Sequence[Array], i: int, place: tuple[int, ...], h: float) -> Array:
    moved = list(arrays)

    def at(k: int) -> Array:
        moved[i] = arrays[i].copy()
        moved[i][place] += k * h
        return f(moved)

    total = 0.0
    for k, w in WEIGHTS:
        ahead, behind = at(k), at(-k)
        total = total + w * np.subtract(ahead, behind, out=np.zeros_like(ahead), where=ahead != behind)  # ∞ - ∞ is 0
    return np.asarray(total / h)
