"""Elementwise primitives at the edges of their domains: the value and the derivatives of two orders are the limits."""

from __future__ import annotations

import math

import pytest

pytest.importorskip("mpmath")
pytest.importorskip("sympy")

import sympy

from tests.ops.limits import INF, NAN, A, B, Convention, Edge, exponents, wrong
from tests.primitives.formulas import X
from tests.primitives.table import ROWS
from tinygrad_cv.ops import PRIMITIVES


def few(dtype):
    """What a power is taken of, and to."""
    return [sign * size for size in (0.0, 0.5, 1.0, 2.0, 3.0, INF) for sign in (1, -1)]


def tie(a, b):
    return a == b


def whole(b):
    return math.isfinite(b) and b == math.floor(b)


def _powers(order, point):
    """Of negative numbers there are whole powers only, and no derivative by the exponent."""
    a, b = point
    return math.copysign(1, a) > 0 or (1 not in order and whole(b) and abs(b) < 2**24)


def larger(first, second):
    return sympy.Piecewise((first, A > B), (second, A < B))


def at_zero(low, high):
    """Of 0 to the powers between two numbers."""
    return lambda a, b: a == 0 and low <= b <= high


HALF = (Convention("a tie: half to each", (0,), tie, 0.5), Convention("a tie: half to each", (1,), tie, 0.5))
OVERFLOWS = Convention("1/b overflows", (1, 0), lambda a, b: a == 0 and 0 < abs(b) < 1e-40, 0.0)
POWERS = (
    *(Convention("0⁰ is constant", order, at_zero(0, 0), 0.0) for order in ((1,), (0, 1), (1, 0), (1, 1))),
    Convention("0ᵇ is constant in b, and so its slope in a", (1, 0), at_zero(0.5, 1), 0.0),
    Convention("0ᵇ is constant in b, and so 0⁰ in its slope", (0, 1), at_zero(1, 1), 1.0),
    Convention("∞ - ∞: the slopes of b and of aᵇ⁻¹", (0, 1), at_zero(0.5, 0.5), NAN),
    Convention("the slope by aᵇ is ln a = ∞, that of aᵇ by a may be 0", (1, 0), lambda a, b: a == INF and b >= 0, NAN),
)

SMOOTH = [p.name for p in PRIMITIVES.values() if p.family == "elementwise" and p.differentiable]
EDGES = {
    **{
        name: Edge(ROWS[name].call, ROWS[name].formula[0].y.subs(X, A), exponents)
        for name in SMOOTH
        if name in ROWS and len(PRIMITIVES[name].inputs) == 1 and ROWS[name].formula
    },
    "add": Edge(lambda a, b: a + b, A + B, far=(A, B), arity=2),
    "sub": Edge(lambda a, b: a - b, A - B, far=(A, B), arity=2),
    "mul": Edge(lambda a, b: a * b, A * B, far=(A, B), arity=2),
    "div": Edge(lambda a, b: a / b, A / B, far=(A, B), conventions=(OVERFLOWS,), arity=2),
    "pow": Edge(lambda a, b: a**b, A**B, few, far=(A,), domain=_powers, conventions=POWERS, arity=2),
    "a cube": Edge(lambda x: x**3, A**3),
    "a power of -2": Edge(lambda x: x**-2.0, A**-2),
    "a power of 3/2": Edge(lambda x: x**1.5, A ** sympy.Rational(3, 2)),
    "a power of 1/4": Edge(lambda x: x**0.25, A ** sympy.Rational(1, 4)),
    "powers of 2": Edge(lambda x: 2.0**x, 2**A, exponents),
    "powers of 1/2": Edge(lambda x: 0.5**x, 2**-A, exponents),
    "maximum": Edge(lambda a, b: a.maximum(b), larger(A, B), far=(A, B), conventions=HALF, arity=2),
    "minimum": Edge(lambda a, b: -(-a).maximum(-b), larger(B, A), far=(A, B), conventions=HALF, arity=2),
}


@pytest.mark.parametrize("name", EDGES)
def test_values_and_derivatives_are_the_limits(name):
    used = set()
    for dtype in ("float64", "float32"):
        for jit in (False, True):
            assert wrong(EDGES[name], dtype, jit, used) == [], (dtype, jit)
    assert used == set(EDGES[name].conventions), "a convention that no point needs"


def test_no_elementwise_primitive_is_left_out():
    """Of those with a derivative; where and cast hand on what they are given, times has rows of its own."""
    assert set(SMOOTH) - set(EDGES) == {"where", "cast", "times"}
