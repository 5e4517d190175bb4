"""Unusual memory layouts of an array: strided, reversed, read-only, expanded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def _strided(g: np.ndarray) -> np.ndarray:
    """Every other element of a larger array, in Fortran order."""
    wide = np.full(tuple(2 * n for n in g.shape), np.nan, g.dtype, order="F")
    wide[tuple(slice(None, None, 2) for _ in g.shape)] = g
    return wide[tuple(slice(None, None, 2) for _ in g.shape)]


def _reversed(g: np.ndarray) -> np.ndarray:
    """Negative strides."""
    turn = tuple(slice(None, None, -1) for _ in g.shape)
    return np.array(g[turn])[turn]


def _read_only(g: np.ndarray) -> np.ndarray:
    g = g.copy()
    g.flags.writeable = False
    return g


def _expanded(g: np.ndarray) -> np.ndarray:
    """One number for all elements, with strides of 0, as the gradient of a mean has."""
    return np.broadcast_to(g.ravel()[:1].reshape((1,) * g.ndim), g.shape)


LAYOUTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
    "expanded": _expanded,
}
