"""Which numbers the elements of a value can be, whatever the inputs are: an interval for each element.

A scattered sum over row numbers can be shared by threads, without their writing the same rows, if it is known that
each part of the numbers stays within its own part of the rows. Row numbers are known to be so by the way that they
were made: places within an image, which are limited to its size, plus the image's first row.

The bounds are arrays of as many axes as the value, of length 1 along those along which they do not vary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ...core.primitive import PRIMITIVES
from ...ir.graph import CONSTANT, Value

LARGEST = 1 << 22  # elements of a bound: of more, nothing is said
EXACT = 2.0**53  # float64 holds all integers up to here
COMPARISONS = ("less", "less_equal")


class Interval(NamedTuple):
    """The least and the largest number of each element, as float64. NaN is no number."""

    low: np.ndarray
    high: np.ndarray


Rule = Callable[[Value, Sequence[Interval]], Interval]
RULES: dict[str, Rule] = {}  # of primitives: from the intervals of its arguments to that of the value


def interval(root: Value) -> Interval:
    """The interval of each element of a value."""
    known: dict[Value, Interval] = {}
    for value in _cone(root):
        rule = RULES.get(value.op)
        found = rule(value, [known[a] for a in value.args]) if rule else _any(value)
        known[value] = _fitted(value, found)
    return known[root]


def full(bound: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A bound for every element of a value of this shape."""
    return np.broadcast_to(bound, shape)


def rule(*names: str) -> Callable[[Rule], Rule]:
    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def _cone(root: Value) -> list[Value]:
    """What the interval of a value depends on, arguments first."""
    seen, stack = {root}, [root]
    while stack:
        value = stack.pop()
        new = [a for a in value.args if a not in seen] if value.op in RULES else []
        seen.update(new)
        stack.extend(new)
    return sorted(seen, key=lambda value: value.number)


def _any(value: Value) -> Interval:
    """All numbers of a dtype."""
    kind = value.dtype.kind
    info = None if kind in "fb" else np.iinfo(value.dtype)
    ends = (-np.inf, np.inf) if kind == "f" else (0, 1) if info is None else (int(info.min), int(info.max))
    low, high = (np.full((1,) * value.ndim, float(end)) for end in ends)
    return Interval(low, high)


def _fitted(value: Value, found: Interval) -> Interval:
    """The interval, or all numbers of the dtype where some of it would be outside of it: integers wrap around."""
    every = _any(value)
    low, high = found
    if low.size > LARGEST or high.size > LARGEST:
        return every
    fits = (low >= every.low) & (high <= every.high)  # false for NaN too
    return found if fits.all() else Interval(np.where(fits, low, every.low), np.where(fits, high, every.high))


def _rounded(value: Value, low: np.ndarray, high: np.ndarray) -> Interval:
    """The interval of results of arithmetic in the value's dtype: floats are rounded, integers may wrap around."""
    if value.dtype.kind != "f":
        known = (-EXACT <= low) & (high <= EXACT)
        return Interval(np.where(known, low, -np.inf), np.where(known, high, np.inf))
    with np.errstate(over="ignore"):
        ends = low.astype(value.dtype), high.astype(value.dtype)
    down, up = (np.nextafter(end, value.dtype.type(to)) for end, to in zip(ends, (-np.inf, np.inf), strict=True))
    return Interval(down.astype(float), up.astype(float))


@rule(CONSTANT)
def _constant(value: Value, args: Sequence[Interval]) -> Interval:
    array = value.params["array"]
    if array.size > LARGEST:
        return _any(value)
    numbers = array.astype(float)
    return Interval(numbers, numbers)


@rule("iota")
def _iota(value: Value, args: Sequence[Interval]) -> Interval:
    axes = value.params["axis"]
    shape = tuple(n if axis in axes else 1 for axis, n in enumerate(value.shape))
    if math.prod(shape) > LARGEST:
        return _any(value)
    numbers = PRIMITIVES["iota"].eval(**{**value.params, "shape": shape}).astype(float)
    return Interval(numbers, numbers)


@rule("argmax")
def _argmax(value: Value, args: Sequence[Interval]) -> Interval:
    last = math.prod(value.args[0].shape[axis] for axis in value.params["axis"]) - 1
    one = (1,) * value.ndim
    return Interval(np.zeros(one), np.full(one, float(last)))


# ---------------------------------------------------------------- arithmetic


@rule("add")
def _add(value: Value, args: Sequence[Interval]) -> Interval:
    (a, c), (b, d) = args
    return _rounded(value, a + b, c + d) if value.dtype.kind != "b" else _any(value)


@rule("sub")
def _sub(value: Value, args: Sequence[Interval]) -> Interval:
    (a, c), (b, d) = args
    return _rounded(value, a - d, c - b)


@rule("mul")
def _mul(value: Value, args: Sequence[Interval]) -> Interval:
    (a, c), (b, d) = args
    with np.errstate(invalid="ignore"):
        ends = a * b, a * d, c * b, c * d  # NaN for 0 · infinity: then nothing is said
    return _rounded(value, np.minimum.reduce(ends), np.maximum.reduce(ends))


@rule("neg")
def _neg(value: Value, args: Sequence[Interval]) -> Interval:
    ((low, high),) = args
    return _rounded(value, -high, -low)


@rule("maximum")
def _maximum(value: Value, args: Sequence[Interval]) -> Interval:
    (a, c), (b, d) = args
    return Interval(np.maximum(a, b), np.maximum(c, d))


@rule("floor")
def _floor(value: Value, args: Sequence[Interval]) -> Interval:
    ((low, high),) = args
    return Interval(np.floor(low), np.floor(high))


@rule("cast")
def _cast(value: Value, args: Sequence[Interval]) -> Interval:
    ((low, high),) = args
    if value.args[0].dtype.kind == "f" and value.dtype.kind in "iu":  # towards zero; NaN becomes 0
        return Interval(np.minimum(np.trunc(low), 0), np.maximum(np.trunc(high), 0))
    return _rounded(value, low, high) if value.dtype.kind == "f" else Interval(low, high)


@rule(*COMPARISONS)
def _comparison(value: Value, args: Sequence[Interval]) -> Interval:
    return _any(value)


@rule("where")
def _where(value: Value, args: Sequence[Interval]) -> Interval:
    """Both branches together. One that is compared is on its own side of what it is compared with."""
    condition, *branches = value.args
    _, one, other = args
    if condition.op in COMPARISONS:
        known = dict(zip(branches, (one, other), strict=True))
        one, other = (
            _on_its_side(b, condition, holds, known) for b, holds in zip(branches, (True, False), strict=True)
        )
    return Interval(np.minimum(one.low, other.low), np.maximum(one.high, other.high))


def _on_its_side(branch: Value, condition: Value, holds: bool, known: dict[Value, Interval]) -> Interval:
    """The interval of a branch if the condition, a < b or a <= b, holds; or if it does not, and neither is NaN."""
    a, b = condition.args
    low, high = known[branch]
    if branch is a and b in known:
        return (
            Interval(low, np.minimum(high, known[b].high)) if holds else Interval(np.maximum(low, known[b].low), high)
        )
    if branch is b and a in known:
        return (
            Interval(np.maximum(low, known[a].low), high) if holds else Interval(low, np.minimum(high, known[a].high))
        )
    return known[branch]


# ---------------------------------------------------------------- movement


@rule("expand")
def _expand(value: Value, args: Sequence[Interval]) -> Interval:
    low, high = (end.reshape((1,) * (value.ndim - end.ndim) + end.shape) for end in args[0])
    return Interval(low, high)


@rule("permute")
def _permute(value: Value, args: Sequence[Interval]) -> Interval:
    low, high = (end.transpose(value.params["axes"]) for end in args[0])
    return Interval(low, high)


@rule("reshape")
def _reshape(value: Value, args: Sequence[Interval]) -> Interval:
    low, high = (_in_shape(end, value.args[0].shape, value.shape) for end in args[0])
    return Interval(low, high)


def _in_shape(end: np.ndarray, old: tuple[int, ...], new: tuple[int, ...]) -> np.ndarray:
    if end.size == 1:
        return end.reshape((1,) * len(new))
    return full(end, old).reshape(new) if math.prod(new) <= LARGEST else np.full((1,) * len(new), np.nan)


@rule("slice", "flip", "pad", "concatenate")
def _moved(value: Value, args: Sequence[Interval]) -> Interval:
    if max(value.size, *(a.size for a in value.args)) > LARGEST:
        return _any(value)
    move = PRIMITIVES[value.op].eval
    low, high = (
        move(*(full(known[side], a.shape) for known, a in zip(args, value.args, strict=True)), **value.params)
        for side in (0, 1)
    )
    return Interval(low, high)


@rule("gather")
def _gather(value: Value, args: Sequence[Interval]) -> Interval:
    low, high = args[0]
    one = (1,) * value.ndim
    return Interval(np.full(one, low.min()), np.full(one, high.max()))
