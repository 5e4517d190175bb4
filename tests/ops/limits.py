"""What functions and their derivatives tend to at the edges of their domains, and whether ours are that.

The oracle is a formula: sympy differentiates it, mpmath evaluates it along sequences that come to the point from inside
the domain, from each side and along each coordinate, or both at once and at different rates. Where all of them agree,
that limit is the only right answer. Where they do not,

- at a zero, whose sign says the side, the limit from that side is right,
- NaN is right there, and wherever the value itself has no limit,
- and what else we answer is a convention, with a row and a reason in the table of the test.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import mpmath
import numpy as np
import sympy

import tinygrad_cv as tg

INF, NAN = math.inf, math.nan
A, B = sympy.symbols("a b", real=True)
BITS = 400
NEAR = (64, 96, 128)  # the sequence 2⁻⁶⁴, 2⁻⁹⁶, 2⁻¹²⁸
FAR = (2**40, 2**41, 2**42)  # so near to 0 that a logarithm is large
Order = tuple[int, ...]  # the inputs that it is differentiated by
Point = tuple[float, ...]


def marks(dtype: str, *others: float) -> list[float]:
    """Zeros, ones, infinities, the largest and the smallest numbers, of both signs; and others."""
    info = np.finfo(dtype)
    sizes = [0.0, 0.5, 1.0, 3.0, INF, info.max, info.smallest_normal, info.smallest_subnormal, *others]
    return [float(np.dtype(dtype).type(sign * size)) for size in sizes for sign in (1, -1)]


def ends(dtype: str) -> list[float]:
    """As marks, without the smallest normal number: what is small beside it is rounding."""
    return [mark for mark in marks(dtype) if abs(mark) != np.finfo(dtype).smallest_normal]


def exponents(dtype: str) -> list[float]:
    """Where eˣ leaves a format, above and below."""
    edge = math.log(np.finfo(dtype).max)
    return marks(dtype, 0.999 * edge, 1.001 * edge)


@dataclass(frozen=True)
class Convention:
    """What ours is where it is not the limit, or where there is none."""

    why: str
    order: Order | None
    at: Callable[..., bool]
    value: float | Callable[..., float] = NAN

    def holds(self, order: Order, point: Point, found: float, dtype: str) -> bool:
        if self.order not in (None, order) or not self.at(*point):
            return False
        return _same(found, self.value(*point) if callable(self.value) else self.value, dtype)


@dataclass(frozen=True, eq=False)
class Edge:
    """A function of one or two numbers.

    Attributes:
        call: as a user writes it.
        formula: of A, or of A and B; NaN or complex outside of its domain.
        points: for a dtype, at which numbers, of each input.
        special: at which numbers, beside infinities, the limit is taken by both inputs at once.
        far: the inputs that come to 0 or infinity faster than any exponential.
        domain: where a user may ask, if not everywhere where the formula has a value nearby.
        conventions: rows of the table.
        orders: how many times it is differentiated.
    """

    call: Callable[..., Any]
    formula: Any
    points: Callable[[str], Sequence[float]] = marks
    special: tuple[float, ...] = (0.0, 1.0, -1.0)
    far: tuple[Any, ...] = ()
    domain: Callable[[Order, Point], bool] = lambda order, point: True
    conventions: tuple[Convention, ...] = ()
    orders: int = 2
    arity: int = 1
    known_ways: dict[Any, Any] = field(default_factory=dict, repr=False)
    known_limits: dict[Any, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def symbols(self) -> tuple[Any, ...]:
        return (A, B)[: self.arity]

    @cached_property
    def exact(self) -> dict[Order, Callable[..., Any]]:
        """The formula, and its derivatives by non-decreasing numbers of inputs."""
        known: dict[Order, Any] = {(): self.formula}
        for n in range(1, self.orders + 1):
            for order in itertools.combinations_with_replacement(range(self.arity), n):
                known[order] = sympy.diff(known[order[:-1]], self.symbols[order[-1]])
        return {order: sympy.lambdify(self.symbols, f, "mpmath") for order, f in known.items()}

    def ways(self, point: Point, own: bool) -> list[list[tuple[Any, ...]]]:
        """Sequences inside the domain; ``own``: a zero is approached from the side that its sign says."""
        if (key := (repr(point), own)) not in self.known_ways:  # 0.0 and -0.0 are one key, their texts are two
            with mpmath.workprec(BITS):
                ways = itertools.product(*(self._ways(i, p, point, own) for i, p in enumerate(point)))
                rows = [list(zip(*way, strict=True)) for way in ways]
                self.known_ways[key] = [row for row in rows if all(self._inside(q) for q in row)]
        return self.known_ways[key]

    def _inside(self, point: tuple[Any, ...]) -> bool:
        value = self._at((), point)
        return value is not None and bool(mpmath.isfinite(value))

    def _ways(self, i: int, p: float, point: Point, own: bool) -> list[tuple[Any, ...]]:
        moves = math.isinf(p) or p in self.special or (self.arity == 2 and point[0] == point[1])
        still = [] if math.isinf(p) else [(mpmath.mpf(p),) * 3]
        if not moves:
            return still
        rates = [FAR if self.symbols[i] in self.far else NEAR]
        if self.arity == 2 and i == 0:
            rates.append(tuple(2 * k for k in rates[0]))
        if p == 0:
            return still + [
                tuple(sign * mpmath.ldexp(1, -k) for k in rate)
                for rate in rates
                for sign in ((math.copysign(1, p),) if own else (1, -1))
            ]
        if math.isinf(p):
            return [tuple(mpmath.sign(p) * mpmath.ldexp(1, k) for k in rate) for rate in rates]
        return still + [tuple(p * (1 + sign * mpmath.ldexp(1, -k)) for k in NEAR) for sign in (1, -1)]

    def limits(self, order: Order, point: Point, own: bool = False) -> list[Any]:
        """What the derivative tends to, along each sequence inside the domain."""
        if (key := (order, repr(point), own)) not in self.known_limits:
            with mpmath.workprec(BITS):
                rows = [[self._at(order, q) for q in row] for row in self.ways(point, own)]
                self.known_limits[key] = [_limit(row) for row in rows if None not in row]
        return self.known_limits[key]

    def one(self, order: Order, point: Point) -> bool:
        """Whether all limits agree."""
        first, *others = self.limits(order, point)
        with mpmath.workprec(BITS):
            near = [abs(first - other) <= (abs(first) + 1) * mpmath.ldexp(1, -40) for other in others]
        return not mpmath.isnan(first) and all(first == other or n for other, n in zip(others, near, strict=True))

    def _at(self, order: Order, point: tuple[Any, ...]) -> Any:
        """The value; None where there is none."""
        try:
            value = self.exact[order](*point)
        except (ZeroDivisionError, ValueError):
            return None
        if isinstance(value, mpmath.mpc):
            return value.real if value.imag == 0 else None
        return None if value is None or mpmath.isnan(value) else mpmath.mpf(value)


def _limit(values: list[Any]) -> float:
    """Of three values that come ever nearer; NaN where there is no limit."""
    x, y, z = values
    steady = abs(z - y) <= abs(z) * mpmath.ldexp(1, -50)
    if steady and mpmath.isfinite(z):
        return z
    if max(abs(x), abs(y), abs(z)) < mpmath.ldexp(1, -150):  # what rounding has left of 0
        return mpmath.mpf(0)
    if abs((z - y) - (y - x)) < 1e-6 * abs(z - y):  # a logarithm: as much with each step
        return mpmath.sign(z - y) * mpmath.inf
    if abs(z) > 1.2 * abs(y) > 1.4 * abs(x) and abs(z) > 1e9:
        return mpmath.sign(z) * mpmath.inf
    if abs(z) < abs(y) / 1.2 < abs(x) / 1.4 and (abs(z) < 1e-9 or abs(z) < 1e-9 * abs(x)):
        return mpmath.mpf(0)
    return mpmath.nan


def _same(found: float, expected: Any, dtype: str) -> bool:
    """Up to rounding, of the number or of 1; a number that is too large is infinite."""
    info = np.finfo(dtype)
    if mpmath.isnan(expected) or math.isnan(found):
        return mpmath.isnan(expected) and math.isnan(found)
    largest = float(info.max) * (1 - 64 * float(info.eps))
    if math.isinf(found) or abs(expected) > largest:
        return abs(found) >= largest and abs(expected) >= largest and (found > 0) == (expected > 0)
    return abs(found - expected) <= 64 * float(info.eps) * max(1, abs(expected))


def computed(edge: Edge, arrays: Sequence[np.ndarray], jit: bool) -> dict[Order, np.ndarray]:
    """Our value and derivatives, mixed ones both ways."""
    call = edge.call
    orders = [o for n in range(edge.orders + 1) for o in itertools.product(range(edge.arity), repeat=n)]

    def everything(*xs: Any) -> tuple[Any, ...]:
        known = {(): call(*xs)}
        for order in orders[1:]:
            f = known[order[:-1]]
            by = [xs[order[-1]]]
            known[order] = (
                tg.grad(f.sum(), by, create_graph=True, allow_unused=True, retain_graph=True)[0]
                if f.requires_grad
                else None
            )
            if known[order] is None:
                known[order] = tg.zeros_like(xs[0])
        return tuple(known[order] for order in orders)

    xs = [tg.tensor(array, requires_grad=True) for array in arrays]
    results = (tg.jit(everything) if jit else everything)(*xs)
    return {order: result.numpy() for order, result in zip(orders, results, strict=True)}


def wrong(edge: Edge, dtype: str, jit: bool, used: set[Convention] | None = None) -> list[str]:
    """Each place where ours is neither the limit nor a convention, in words."""
    points = list(itertools.product(edge.points(dtype), repeat=edge.arity))
    arrays = [np.array(column, dtype) for column in zip(*points, strict=True)]
    problems = []
    for order, values in computed(edge, arrays, jit).items():
        for point, found in zip(points, values.tolist(), strict=True):
            if not edge.domain(order, point) or not edge.limits(tuple(sorted(order)), point):
                continue
            limits, one = edge.limits(tuple(sorted(order)), point), edge.one(tuple(sorted(order)), point)
            right = limits if one else edge.limits(tuple(sorted(order)), point, own=True)
            if any(_same(found, limit, dtype) for limit in right):
                continue
            if math.isnan(found) and not (one and edge.one((), point)):
                continue
            row = next((c for c in edge.conventions if c.holds(order, point, found, dtype)), None)
            if row is None:
                tends = sorted({mpmath.nstr(limit, 6) for limit in limits})
                problems.append(f"order {order} at {point}: {found}, the limit is {' or '.join(tends)}")
            elif used is not None:
                used.add(row)
    return problems
