"""Cotangents of unusual memory layout: strided, expanded, read-only. The gradient must be that of a plain array."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np

from ..frontend.tensor import Tensor
from .functions import ArrayFunction, Arrays, Checked, repeatable


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


def _plain(make: Callable[[np.ndarray], np.ndarray], g: np.ndarray) -> np.ndarray:
    """The same numbers in C order, in memory of their own."""
    return np.array(make(g), order="C")


FORMS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "strided": _strided,
    "reversed": _reversed,
    "read-only": _read_only,
    "expanded": _expanded,
}


def problems(function: Checked, inputs: Arrays, v: np.ndarray) -> Iterator[str]:
    """How gradients change when the cotangent of f's outputs has another memory layout: they must not."""
    for name, make in FORMS.items():
        found, plain = (_gradients(function, inputs, v, form) for form in (make, partial(_plain, make)))
        if isinstance(plain, str):
            continue
        if isinstance(found, str):
            yield f"a cotangent that is {name} raises: {found}"
            continue
        for i, (a, b) in enumerate(zip(found, plain, strict=True)):
            if a.shape != b.shape or not repeatable(a, b):
                yield f"a cotangent that is {name} gives input {i} another gradient than a plain array of its numbers"


def _gradients(
    function: Checked, inputs: Arrays, v: np.ndarray, make: Callable[[np.ndarray], np.ndarray]
) -> list[np.ndarray] | str:
    """The gradients for cotangents of a form, or the error that they raise."""

    def parts(outputs: Sequence[Tensor] | Arrays) -> Iterator[np.ndarray]:
        start = 0
        for y in outputs:
            yield make(v[start : start + y.size].reshape(y.shape).astype(y.dtype))
            start += y.size

    try:
        if isinstance(function, ArrayFunction):
            return function.vjp(inputs, parts)
        return function.vjp(inputs, lambda outputs: map(Tensor._new, parts(outputs)))
    except Exception as error:  # whatever a user's backward raises
        return f"{type(error).__name__}: {error}"
