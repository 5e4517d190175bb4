"""Cotangents of unusual memory layout. The gradient must be that of a plain array."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from .checked import Arrays, Checked, Form, repeatable


def problems(function: Checked, inputs: Arrays, v: np.ndarray) -> Iterator[str]:
    """How gradients change when the cotangent of f's outputs has another memory layout: they must not.

    They may by as much as those of v do: for a constant cotangent they may be rounding and nothing else, as those of a
    normalization are.
    """
    usual = function.gradients(inputs, v)
    for name, form in function.layouts.items():
        found, plain = (_gradients(function, inputs, v, make) for make in (form, partial(_plain, form)))
        if isinstance(plain, str):
            continue
        if isinstance(found, str):
            yield f"a cotangent that is {name} raises: {found}"
            continue
        for i, (a, b, c) in enumerate(zip(found, plain, usual, strict=True)):
            if a.shape != b.shape or not repeatable(a, b, float(np.abs(c).max(initial=0.0))):
                yield f"a cotangent that is {name} gives input {i} another gradient than a plain array of its numbers"


def _plain(form: Form, g: np.ndarray) -> np.ndarray:
    """The same numbers in C order, in memory of their own."""
    return np.array(form(g), order="C")


def _gradients(function: Checked, inputs: Arrays, v: np.ndarray, form: Form) -> list[np.ndarray] | str:
    """The gradients for a cotangent in this form, or the error that it raises."""
    try:
        return function.gradients(inputs, v, form)
    except Exception as error:  # whatever a user's backward raises
        return f"{type(error).__name__}: {error}"
