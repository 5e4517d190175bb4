"""What is composed, at the edges of its domain: the value and the derivatives of two orders are the limits."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("mpmath")
pytest.importorskip("sympy")

import sympy

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.ops.limits import INF, NAN, A, B, Convention, Edge, ends, exponents, marks, wrong


def of_rows(function):
    """A function of rows, each of two numbers."""
    return lambda a, b: function(tg.stack([a, b], 1))


def losses(target, weight=None):
    """The cross-entropy of rows, with as many targets."""

    def call(a, b):
        targets = np.array([target] * len(a), None if isinstance(target, int) else a.dtype)
        weights = None if weight is None else np.array(weight, a.dtype)
        return F.cross_entropy(tg.stack([a, b], 1), targets, weights, reduction="none")

    return call


def with_target(function, target, **options):
    """A loss of the input alone, element by element."""
    return lambda x: function(x, tg.full(x.shape, target, dtype=x.dtype), reduction="none", **options)


def divergence(x, **options):
    """Of log-probabilities x, as a function of the target."""
    return lambda t: F.kl_div(tg.full(t.shape, x, dtype=t.dtype), t, reduction="none", **options)


def chances(dtype):
    """Probabilities, down to the smallest, and counts."""
    return [mark for mark in marks(dtype, 0.25, 1 - 2.0**-20) if 0.0 <= mark <= 1.0]


def from_zero(dtype):
    return [mark for mark in marks(dtype) if mark >= 0.0]


def sizes(dtype):
    """Up to the largest, whose squares overflow."""
    return [mark for mark in marks(dtype) if mark == 0 or abs(mark) >= 0.5]


def scores(dtype):
    """Of two classes; also where eˣ leaves the format."""
    edge = float(np.dtype(dtype).type(1.001 * math.log(np.finfo(dtype).max)))
    return [sign * size for size in (0.0, 1.0, edge, 1e4, INF) for sign in (1, -1)]


def ordinary(dtype):
    """Where a rounded exponent costs no digits."""
    return [sign * size for size in (0.0, 0.5, 1.0, 3.0, INF) for sign in (1, -1)]


def spread(dtype):
    """Differences of these do not overflow, and their means are not rounded."""
    return [*ordinary(dtype), float(np.finfo(dtype).max) / 4, -float(np.finfo(dtype).max) / 4]


def divisors(dtype):
    return [sign * size for size in (0.5, 1.0, 3.0, INF) for sign in (1, -1)]


def kink(value, *places):
    return Convention("a kink", (0,), lambda x: x in places, value)


def infinite(a, b):
    return math.isinf(a) or math.isinf(b)


def sigma(x):
    return 1 / (1 + sympy.exp(-x))


def larger_of(first, second):
    return sympy.Piecewise((first, A > B), (second, A < B))


ABOVE, BELOW, THIRD = A > 0, A < 0, sympy.Rational(1, 3)
HALVED = sympy.Rational(1, 2)
ALPHA, SCALE = sympy.Rational("1.6732632423543773"), sympy.Rational("1.0507009873554805")  # as float64 has them
LOSS = sympy.log(1 + sympy.exp(B - A))  # -log softmax(a, b)[0]
LENGTH = sympy.sqrt(A**2 + B**2)
CUBIC = sympy.sqrt(2 / sympy.pi) * (A + sympy.Rational("0.044715") * A**3)
NORMED = (A - B) / 2 / sympy.sqrt((A - B) ** 2 / 4 + sympy.Rational("1e-5"))

SOFT = sympy.log(1 + sympy.exp(A))
FOCAL = sigma(-A) ** 2 * SOFT.subs(A, -A)

NO_MEAN = (Convention("±∞ less a mean of ±∞", None, infinite, NAN),)
HALF = tuple(Convention("a tie: half to each", (i,), lambda a, b: a == b, 0.5) for i in (0, 1))
NOTHING = (Convention("a sum of nothing is constant", (1,), lambda a, b: a == b == -INF, 0.0),)
SLOPE = tuple(Convention("a kink", (i,), lambda a, b: a == b, 0.0) for i in (0, 1))


def limited_log(p):
    return sympy.Piecewise((100, p < sympy.exp(-100)), (-sympy.log(p), True))


def overflowing(order, value):
    return Convention("eˣ overflows on the way", order, lambda x: 88 < abs(x) < 89, value)


def signed(x):
    return math.copysign(INF, x)


EDGES = {
    "abs": Edge(abs, sympy.Piecewise((A, ABOVE), (-A, BELOW)), conventions=(kink(0.0, 0),)),
    "relu": Edge(F.relu, sympy.Piecewise((A, ABOVE), (0, BELOW)), conventions=(kink(0.0, 0),)),
    "relu6": Edge(
        F.relu6,
        sympy.Piecewise((0, BELOW), (A, A < 6), (6, A > 6)),
        lambda dtype: marks(dtype, 6.0),
        (0.0, 6.0),
        conventions=(kink(0.0, 0),),
    ),
    "leaky_relu": Edge(F.leaky_relu, sympy.Piecewise((A, ABOVE), (A / 100, BELOW)), conventions=(kink(0.01, 0),)),
    "clip": Edge(lambda x: x.clip(-1, 1), sympy.Piecewise((-1, A < -1), (A, A < 1), (1, A > 1))),
    "elu": Edge(
        F.elu,
        sympy.Piecewise((A, ABOVE), (sympy.exp(A) - 1, BELOW)),
        exponents,
        conventions=(Convention("a kink of the slope", (0, 0), lambda x: x == 0, 1.0),),
    ),
    "selu": Edge(
        F.selu,
        sympy.Piecewise((SCALE * A, ABOVE), (SCALE * ALPHA * (sympy.exp(A) - 1), BELOW)),
        exponents,
        conventions=(
            Convention("a kink", (0,), lambda x: x == 0, float(SCALE * ALPHA)),
            Convention("a kink of the slope", (0, 0), lambda x: x == 0, float(SCALE * ALPHA)),
        ),
    ),
    "celu": Edge(
        lambda x: F.celu(x, 2.0),
        sympy.Piecewise((A, ABOVE), (2 * (sympy.exp(A / 2) - 1), BELOW)),
        exponents,
        conventions=(Convention("a kink of the slope", (0, 0), lambda x: x == 0, 0.5),),
    ),
    "hardtanh": Edge(F.hardtanh, sympy.Piecewise((-1, A < -1), (A, A < 1), (1, A > 1))),
    "hardsigmoid": Edge(
        F.hardsigmoid,
        sympy.Piecewise((0, A < -3), ((A + 3) / 6, A < 3), (1, A > 3)),
        special=(3.0, -3.0),
    ),
    "hardswish": Edge(
        F.hardswish,
        sympy.Piecewise((0, A < -3), (A * (A + 3) / 6, A < 3), (A, A > 3)),
        special=(3.0, -3.0),
    ),
    "threshold": Edge(
        lambda x: F.threshold(x, 3.0, 3.0),
        sympy.Piecewise((3, A < 3), (A, A > 3)),
        special=(3.0,),
    ),
    "hardshrink": Edge(lambda x: F.hardshrink(x, 0.25), sympy.Piecewise((0, abs(A) < sympy.Rational(1, 4)), (A, True))),
    "softshrink": Edge(
        F.softshrink,
        sympy.Piecewise((A + HALVED, A < -HALVED), (0, A < HALVED), (A - HALVED, A > HALVED)),
        special=(0.5, -0.5),
    ),
    "softsign": Edge(
        F.softsign,
        sympy.Piecewise((A / (1 + A), ABOVE), (A / (1 - A), BELOW)),
        conventions=(Convention("a kink of the slope", (0, 0), lambda x: x == 0, 0.0),),
    ),
    "tanhshrink": Edge(F.tanhshrink, A - sympy.tanh(A), ordinary),
    "logsigmoid": Edge(F.logsigmoid, sympy.log(sigma(A)), exponents),
    "softplus of 2 x": Edge(lambda x: F.softplus(x, 2.0), sympy.log(1 + sympy.exp(2 * A)) / 2, ordinary),
    "mish": Edge(F.mish, A * sympy.tanh(sympy.log(1 + sympy.exp(A))), exponents),
    "glu": Edge(
        of_rows(lambda x: F.glu(x)[:, 0]),
        A * sigma(B),
        scores,
        domain=lambda order, point: math.isfinite(point[0]),  # a product with ∞ is one
        arity=2,
    ),
    "softmin": Edge(of_rows(lambda x: F.softmin(x)[:, 0]), 1 / (1 + sympy.exp(A - B)), scores, arity=2),
    "sigmoid": Edge(F.sigmoid, sigma(A), exponents),
    "softplus": Edge(F.softplus, sympy.log(1 + sympy.exp(A)), exponents),
    "silu": Edge(F.silu, A * sigma(A), exponents),
    "gelu": Edge(F.gelu, A * (1 + sympy.erf(A / sympy.sqrt(2))) / 2),
    "gelu tanh": Edge(lambda x: F.gelu(x, "tanh"), A * (1 + sympy.tanh(CUBIC)) / 2),
    "softmax": Edge(of_rows(lambda x: F.softmax(x)[:, 0]), 1 / (1 + sympy.exp(B - A)), scores, arity=2),
    "log_softmax": Edge(of_rows(lambda x: F.log_softmax(x)[:, 0]), -LOSS, scores, arity=2),
    "cross_entropy": Edge(losses(0), LOSS, scores, arity=2),
    "cross_entropy of probabilities": Edge(losses([1.0, 0.0]), LOSS, scores, arity=2),
    "cross_entropy with weights": Edge(losses(0, [2.0, 0.0]), 2 * LOSS, scores, arity=2),
    "cross_entropy of both": Edge(losses([1.0, 0.0], [2.0, 0.0]), 2 * LOSS, scores, arity=2),
    "binary loss of 0": Edge(
        with_target(F.binary_cross_entropy_with_logits, 0.0), sympy.log(1 + sympy.exp(A)), exponents
    ),
    "binary loss of 1/4": Edge(
        with_target(F.binary_cross_entropy_with_logits, 0.25), sympy.log(1 + sympy.exp(A)) - A / 4, exponents
    ),
    "binary loss of 1": Edge(
        with_target(F.binary_cross_entropy_with_logits, 1.0), sympy.log(1 + sympy.exp(-A)), exponents
    ),
    "probability of 1": Edge(with_target(F.binary_cross_entropy, 1.0), limited_log(A), chances),
    "probability of 0": Edge(with_target(F.binary_cross_entropy, 0.0), limited_log(1 - A), chances),
    "focal loss of 1": Edge(with_target(F.sigmoid_focal_loss, 1.0), FOCAL / 4, exponents),
    "focal loss of 0": Edge(with_target(F.sigmoid_focal_loss, 0.0), 3 * FOCAL.subs(A, -A) / 4, exponents),
    "focal loss with a root": Edge(
        with_target(F.sigmoid_focal_loss, 1.0, alpha=-1, gamma=0.5), sympy.sqrt(sigma(-A)) * SOFT.subs(A, -A), exponents
    ),
    "soft margin": Edge(with_target(F.soft_margin_loss, 1.0), SOFT.subs(A, -A), exponents),
    "soft margin of -2": Edge(with_target(F.soft_margin_loss, -2.0), SOFT.subs(A, 2 * A), exponents),
    "divergence of t": Edge(divergence(-0.5), A * sympy.log(A) + A / 2, chances),
    "divergence of log t": Edge(divergence(-0.5, log_target=True), sympy.exp(A) * (A + THIRD * 3 / 2), exponents),
    "Poisson": Edge(with_target(F.poisson_nll_loss, 2.0), sympy.exp(A) - 2 * A, exponents),
    "Poisson of no event": Edge(with_target(F.poisson_nll_loss, 0.0), sympy.exp(A), exponents),
    "Poisson of expectations": Edge(
        with_target(F.poisson_nll_loss, 2.0, log_input=False, eps=0.0), A - 2 * sympy.log(A), from_zero
    ),
    "huber_loss": Edge(
        with_target(F.huber_loss, 0.0, delta=2.0),
        sympy.Piecewise((-2 * A - 2, A < -2), (A**2 / 2, A <= 2), (2 * A - 2, True)),
    ),
    "smooth_l1_loss": Edge(
        with_target(F.smooth_l1_loss, 0.0, beta=0.25),
        sympy.Piecewise(
            (-A - sympy.Rational(1, 8), A < -THIRD * 3 / 4),
            (2 * A**2, A < THIRD * 3 / 4),
            (A - sympy.Rational(1, 8), True),
        ),
    ),
    "logsumexp": Edge(
        of_rows(lambda x: x.logsumexp(1)),
        sympy.log(sympy.exp(A) + sympy.exp(B)),
        scores,
        conventions=NOTHING,
        arity=2,
    ),
    "norm": Edge(of_rows(lambda x: x.norm(1)), LENGTH, ends, far=(A, B), arity=2),
    "normalize": Edge(of_rows(lambda x: F.normalize(x, eps=0.0)[:, 0]), A / LENGTH, sizes, far=(A, B), arity=2),
    "multi_margin_loss": Edge(
        lambda a, b: F.multi_margin_loss(tg.stack([a, b], 1), np.zeros(len(a), int), reduction="none"),
        sympy.Piecewise(((1 - A + B) / 2, A - B < 1), (0, True)),
        scores,
        arity=2,
    ),
    "hypot": Edge(np.hypot, LENGTH, ends, far=(A, B), arity=2),
    "std": Edge(
        of_rows(lambda x: x.std(1)),
        larger_of((A - B) / 2, (B - A) / 2),
        spread,
        far=(A, B),
        conventions=(*NO_MEAN, *SLOPE),
        arity=2,
    ),
    "var": Edge(of_rows(lambda x: x.var(1)), (A - B) ** 2 / 4, spread, far=(A, B), conventions=NO_MEAN, arity=2),
    "layer_norm": Edge(
        of_rows(lambda x: F.layer_norm(x, 2)[:, 0]), NORMED, spread, far=(A, B), conventions=NO_MEAN, arity=2
    ),
    "mean": Edge(of_rows(lambda x: x.mean(1)), (A + B) / 2, far=(A, B), arity=2),
    "max": Edge(of_rows(lambda x: x.max(1)), larger_of(A, B), far=(A, B), conventions=HALF, arity=2),
    "prod": Edge(of_rows(lambda x: x.prod(1)), A * B, far=(A, B), arity=2),
    "5 % x": Edge(lambda x: 5.0 % x, 5 - A * sympy.floor(5 / A), divisors, orders=0),
    "-5 % x": Edge(lambda x: -5.0 % x, -5 - A * sympy.floor(-5 / A), divisors, orders=0),
    "-5 // x": Edge(lambda x: -5.0 // x, sympy.floor(-5 / A), divisors, orders=0),
    "expm1": Edge(np.expm1, sympy.exp(A) - 1, exponents),
    "log1p": Edge(np.log1p, sympy.log(1 + A)),
    "sinh": Edge(np.sinh, sympy.sinh(A), exponents, conventions=(overflowing((0,), INF), overflowing((0, 0), signed))),
    "cosh": Edge(np.cosh, sympy.cosh(A), exponents, conventions=(overflowing((0,), signed), overflowing((0, 0), INF))),
    "arctanh": Edge(np.arctanh, sympy.log((1 + A) / (1 - A)) / 2),
    "cbrt": Edge(np.cbrt, sympy.Piecewise((A**THIRD, ABOVE), (-((-A) ** THIRD), BELOW)), ordinary),
}


@pytest.mark.parametrize("name", EDGES)
def test_values_and_derivatives_are_the_limits(name):
    used = set()
    for dtype in ("float64", "float32"):
        for jit in (False, True):
            assert wrong(EDGES[name], dtype, jit, used) == [], (dtype, jit)
    assert used == set(EDGES[name].conventions), "a convention that no point needs"
