"""Mean and variance in one pass over memory, exact to the last digits however large the mean is.

A normalization sums x, then x less its mean, then the square of what is left: three passes. All three follow from the
moments of blocks (an image each), which are computed while the block is in the cache: with m_b the mean of block b in
float32, d = x - m_b, r_b = Σ d and q_b = Σ d² over the block's n elements, all further sums in float64,

    mean = Σ (n m_b + r_b) / N,      M2 = Σ (q_b + 2 δ r_b + n δ²)  with  δ = m_b - mean

(Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979). Then

    Σ x = N mean,      Σ (x - c) = N (mean - c),      Σ (x - c)² = M2 + N (mean - c)²

A block whose mean is not finite is taken about 0: then r_b is Σ x and q_b is Σ x², infinite or NaN as these are, and M2
is Σ q_b. So an infinity in x stays one, where the formula has no difference of infinities.
"""

from __future__ import annotations

from functools import reduce
from typing import NamedTuple

import numpy as np

from ..graph import CONSTANT, Builder, Graph, Value, rebuild
from ..terms import Axes, cast, count, expand, invariant, kept, scaled, total

FLOAT64 = np.dtype(np.float64)
BLOCK = 16  # the least number of elements in a block


class Shifted(NamedTuple):
    """x - Σ shifts, none of which varies along the axes."""

    x: Value
    shifts: tuple[Value, ...]


class Moments(NamedTuple):
    mean: Value
    m2: Value


def merge_moments(graph: Graph) -> Graph:
    """If a graph has a sum of squares of x - c, compute all sums of x over these axes from its moments."""
    builder = graph.builder
    wanted: set[tuple[Value, Axes]] = set()
    for value in graph.values():
        if value.op == "sum" and value.args[0].op == "square" and value.dtype == np.float32:
            axes = value.params["axis"]
            shifted = _shifted(builder, value.args[0].args[0], axes)
            if shifted.shifts and shifted.x.op != CONSTANT and count(shifted.x, axes) > BLOCK:
                wanted.add((shifted.x, axes))
    if not wanted:
        return graph
    made: dict[tuple[Value, Axes], Moments] = {}

    def rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
        if value.op != "sum" or value.dtype != np.float32:
            return None
        axes = value.params["axis"]
        square = args[0].op == "square"
        shifted = _shifted(builder, args[0].args[0] if square else args[0], axes)
        old = _shifted(builder, value.args[0].args[0] if square else value.args[0], axes)
        if (old.x, axes) not in wanted or (square and not shifted.shifts):
            return None
        key = (shifted.x, axes)
        if key not in made:
            made[key] = _moments(builder, shifted.x, axes)
        return _sum(builder, made[key], shifted, axes, square)

    return rebuild(graph, rule)


def _shifted(builder: Builder, value: Value, axes: Axes) -> Shifted:
    shifts: list[Value] = []
    while value.op == "sub":
        shift = invariant(builder, value.args[1], axes)
        if shift is None:
            break
        shifts.append(shift)
        value = value.args[0]
    return Shifted(value, tuple(shifts))


def _moments(builder: Builder, x: Value, axes: Axes) -> Moments:
    moving = tuple(axis for axis in axes if x.shape[axis] > 1)
    inner = moving[1:] if len(moving) > 1 and count(x, moving[1:]) >= BLOCK else moving
    n = count(x, inner)
    block = scaled(builder, total(builder, x, inner), 1.0 / n)
    block = builder.make("where", [_is_finite(builder, block), block, _zero(builder, block)], {})
    d = builder.make("sub", [x, expand(builder, block, x.shape)], {})
    r = cast(builder, total(builder, d, inner), FLOAT64)
    q = cast(builder, total(builder, builder.make("square", [d], {}), inner), FLOAT64)
    m = cast(builder, block, FLOAT64)
    outer = tuple(axis for axis in axes if axis not in inner)
    parts = builder.make("add", [scaled(builder, m, n), r], {})
    whole = total(builder, parts, outer)
    number = builder.full(whole.shape, float(count(x, axes)), FLOAT64)
    mean = builder.make("div", [whole, number], {})  # not times 1/N: equal elements are exactly their mean
    delta = builder.make("sub", [m, expand(builder, mean, m.shape)], {})
    cross = builder.make("mul", [scaled(builder, delta, 2.0), r], {})
    spread = scaled(builder, builder.make("square", [delta], {}), n)
    m2 = builder.make("add", [builder.make("add", [q, cross], {}), spread], {})
    m2 = builder.make("where", [expand(builder, _is_finite(builder, mean), m2.shape), m2, q], {})
    return Moments(mean, total(builder, m2, outer))


def _zero(builder: Builder, value: Value) -> Value:
    return builder.full(value.shape, 0, value.dtype)


def _is_finite(builder: Builder, value: Value) -> Value:
    """x - x is 0, or NaN where x is not finite."""
    return builder.make("equal", [builder.make("sub", [value, value], {}), _zero(builder, value)], {})


def _sum(builder: Builder, moments: Moments, shifted: Shifted, axes: Axes, square: bool) -> Value:
    shape, n = kept(shifted.x.shape, axes), count(shifted.x, axes)
    off = moments.mean
    if shifted.shifts:
        shifts = [cast(builder, expand(builder, shift, shape), FLOAT64) for shift in shifted.shifts]
        shift = reduce(lambda a, b: builder.make("add", [a, b], {}), shifts)
        if square:  # of +inf and -inf the mean is NaN, but squares are inf, as Σ d² says
            off = builder.make("where", [builder.make("equal", [off, off], {}), off, shift], {})
        off = builder.make("sub", [off, shift], {})
    if square:
        spread = scaled(builder, builder.make("square", [off], {}), n)
        return cast(builder, builder.make("add", [moments.m2, spread], {}), np.float32)
    return cast(builder, scaled(builder, off, n), np.float32)
