"""What rewrites need to know about values, such as constants and invariance along axes; small arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from .graph import CONSTANT, Builder, Value

if TYPE_CHECKING:
    from numpy.typing import DTypeLike

Axes = tuple[int, ...]


def constant_of(value: Value) -> Any:  # a NumPy scalar of the value's dtype
    """The number that all elements are equal to, or None."""
    while value.op in ("expand", "reshape"):
        value = value.args[0]
    if value.op == CONSTANT and value.size == 1:
        return value.params["array"].reshape(())[()]
    return None


def kept(shape: Iterable[int], axes: Axes) -> tuple[int, ...]:
    """The shape with these axes at size 1."""
    return tuple(1 if i in axes else n for i, n in enumerate(shape))


def invariant(builder: Builder, value: Value, axes: Axes) -> Value | None:
    """The value at size 1 along these axes, if it does not vary along them."""
    if all(value.shape[axis] == 1 for axis in axes):
        return value
    if value.op != "expand":
        return None
    x = value.args[0]
    lead = value.ndim - x.ndim
    if any(axis >= lead and x.shape[axis - lead] != 1 for axis in axes):
        return None
    return expand(builder, x, kept(value.shape, axes))


def expand(builder: Builder, value: Value, shape: Iterable[int]) -> Value:
    shape = tuple(shape)
    return value if value.shape == shape else builder.make("expand", [value], {"shape": shape})


def count(value: Value, axes: Axes) -> int:
    """How many elements there are along these axes."""
    return math.prod(value.shape[axis] for axis in axes)


def scaled(builder: Builder, value: Value, number: float) -> Value:
    """value · number, in its dtype."""
    return builder.make("mul", [value, builder.full(value.shape, number, value.dtype)], {})


def cast(builder: Builder, value: Value, dtype: DTypeLike) -> Value:
    dtype = np.dtype(dtype)
    return value if value.dtype == dtype else builder.make("cast", [value], {"dtype": dtype})


def total(builder: Builder, value: Value, axes: Axes) -> Value:
    """Σ over axes, which stay at size 1."""
    axes = tuple(axis for axis in axes if value.shape[axis] != 1)
    return builder.make("sum", [value], {"axis": axes}) if axes else value


def moved(builder: Builder, value: Value, term: Sequence[str], order: Sequence[str]) -> Value:
    """The value whose axes have these letters, with its axes in another order."""
    axes = tuple(map(term.index, order))
    return value if axes == tuple(range(value.ndim)) else builder.make("permute", [value], {"axes": axes})


def reshaped(builder: Builder, value: Value, shape: Iterable[int]) -> Value:
    shape = tuple(shape)
    return value if value.shape == shape else builder.make("reshape", [value], {"shape": shape})


def padded(builder: Builder, value: Value, width: Iterable[tuple[int, int]]) -> Value:
    """The value between borders of zeros."""
    width = tuple(width)
    params = {"width": width, "interior": (0,) * value.ndim, "value": 0.0}
    return builder.make("pad", [value], params) if any(map(any, width)) else value


def part(builder: Builder, value: Value, places: Mapping[int, int]) -> Value:
    """The elements at one place of some axes, which go."""
    start = tuple(places.get(axis, 0) for axis in range(value.ndim))
    stop = tuple(places[axis] + 1 if axis in places else n for axis, n in enumerate(value.shape))
    cut = builder.make("slice", [value], {"start": start, "stop": stop, "step": (1,) * value.ndim})
    return reshaped(builder, cut, (n for axis, n in enumerate(value.shape) if axis not in places))


def combined(builder: Builder, factors: Iterable[Fraction], values: Iterable[Value]) -> Value:
    """Σ factor · value, without those whose factor is 0; what is added comes before what is subtracted."""
    terms = sorted(((f, v) for f, v in zip(factors, values, strict=True) if f), key=lambda term: term[0] < 0)
    made: Value | None = None
    for factor, value in terms:
        minus = made is not None and factor < 0
        term = value if factor == (-1 if minus else 1) else scaled(builder, value, float(-factor if minus else factor))
        made = term if made is None else builder.make("sub" if minus else "add", [made, term], {})
    assert made is not None
    return made
