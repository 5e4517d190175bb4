"""A line search by the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..frontend.tensor import Tensor


class Point(NamedTuple):
    """Where a search along a direction has looked."""

    t: float  # how far
    loss: float
    gradient: Tensor
    slope: float  # the gradient along the direction


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    length: float,
    tolerance: float,
    limit: int,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[Point, int]:
    """A point where the loss has fallen enough and is flat enough, and how many were evaluated.

    loss(t) ≤ loss(0) + c1 t slope(0) and |slope(t)| ≤ c2 |slope(0)| (Nocedal and Wright, "Numerical optimization",
    2006, algorithms 3.5 and 3.6, with cubic interpolation). If ``limit`` evaluations do not find one, it is the best of
    the bracket.

    Args:
        t: where to look first.
        length: of the largest step of an element at t = 1; a bracket shorter than ``tolerance`` by it is not divided.
    """

    def is_too_high(point: Point) -> bool:
        return point.loss > start.loss + c1 * point.t * start.slope

    def is_flat(point: Point) -> bool:
        return abs(point.slope) <= -c2 * start.slope

    last, new, count = start, evaluate(t), 1
    while count <= limit:  # go on until there is a point of the kind in between
        if is_too_high(new) or (count > 2 and new.loss >= last.loss):
            break
        if is_flat(new):
            return new, count
        if new.slope >= 0:
            break
        t = _cubic_minimum(last, new, (new.t + 0.01 * (new.t - last.t), new.t * 10))
        last, new, count = new, evaluate(t), count + 1
    else:
        last = start
    bracket = [last, new]
    low = _lower(bracket)

    stuck = False
    while count <= limit and abs(bracket[1].t - bracket[0].t) * length >= tolerance:
        before, after = sorted(bracket, key=lambda point: point.t)
        t, margin = _cubic_minimum(before, after, (before.t, after.t)), 0.1 * (after.t - before.t)
        if min(after.t - t, t - before.t) >= margin:
            stuck = False
        elif stuck or not before.t < t < after.t:
            t = after.t - margin if abs(t - after.t) < abs(t - before.t) else before.t + margin
            stuck = False
        else:
            stuck = True
        new, count = evaluate(t), count + 1
        if is_too_high(new) or new.loss >= bracket[low].loss:
            bracket[1 - low] = new
            low = _lower(bracket)
        elif is_flat(new):
            return new, count
        else:
            if new.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
                bracket[1 - low] = bracket[low]
            bracket[low] = new
    return bracket[low], count


def _lower(bracket: list[Point]) -> int:
    return 0 if bracket[0].loss <= bracket[1].loss else 1


def _cubic_minimum(a: Point, b: Point, bounds: tuple[float, float]) -> float:
    """The minimum of the cubic with the values and slopes of two points, the first before the second, within bounds.

    Where there is none, the middle of the bounds.
    """
    low, high = bounds
    if a.t != b.t:
        d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
        square = d1 * d1 - a.slope * b.slope
        if square >= 0:
            d2 = math.sqrt(square)
            divisor = b.slope - a.slope + 2 * d2
            if divisor:
                return min(max(b.t - (b.t - a.t) * ((b.slope + d2 - d1) / divisor), low), high)
    return (low + high) / 2
