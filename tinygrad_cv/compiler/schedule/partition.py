"""Into how many parts a scattered sum can be taken whose terms stay apart: each part of them has rows of its own."""

from __future__ import annotations

import math

import numpy as np

from ...ir.graph import Value
from .intervals import full, interval

PARTS = 16  # at least, where there are so many: for threads to share
PART = 1 << 16  # bytes of the rows of a part, at most: they stay in the cache while it is summed


def parts_of(scatter: Value) -> int:
    """How many equal parts there are, of the terms and of the rows, in row-major order: they belong together."""
    index, size = scatter.args[1], scatter.shape[0]
    low, high = interval(index)
    if index.size == 1 or max(low.size, high.size) == 1 or low.min() < 0 or high.max() >= size:
        return 1
    low, high = (full(end, index.shape).reshape(-1) for end in (low, high))
    possible = [n for n in _parts(index) if size % n == 0 and _apart(low, high, size // n, n)]
    row = math.prod(scatter.shape[1:]) * scatter.dtype.itemsize
    fine = (n for n in possible if n >= PARTS and size // n * row <= PART)
    return next(fine, possible[-1])


def _apart(low: np.ndarray, high: np.ndarray, rows: int, parts: int) -> bool:
    """Whether the numbers of each part are among its own rows."""
    first = rows * np.arange(parts)
    least, most = low.reshape(parts, -1).min(1), high.reshape(parts, -1).max(1)
    return bool((least >= first).all() and (most < first + rows).all())


def _parts(index: Value) -> list[int]:
    """Numbers of parts, each of which is a range of one axis, of the index and of what it is a reshape of."""
    found = _ranges(index.shape)
    while index.op == "reshape":
        (index,) = index.args
        found &= _ranges(index.shape)
    return sorted(found)


def _ranges(shape: tuple[int, ...]) -> set[int]:
    found, outer = {1}, 1
    for n in shape:
        found.update(outer * k for k in range(1, n + 1) if n % k == 0)
        outer *= n
    return found
