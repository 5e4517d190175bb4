"""The rows of the elementwise primitives."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy

import tinygrad_cv as tg
from tests.primitives.draws import (
    Draw,
    even,
    halves,
    holed,
    nonzero,
    odd,
    of,
    one_among,
    positive,
    real,
    spread,
    truth,
    whole,
)
from tests.primitives.formulas import NONZERO, ORDERS, A, B, C, Cell, N, P, R, S, X, above_zero, compared, everywhere
from tests.primitives.oracles import converted, each, logarithm_power
from tests.primitives.row import NAN, Case, Function, Pinned, Row, use

SHAPES = ((), (5,), (1,), (0,), (1, 3, 1), (2, 0, 3), (2, 3, 2), (2, 1, 3, 2))
MANY = (3, 5, 401)
INF = float("inf")
LN2 = math.log(2.0)
F4, F8, I8, B1 = map(np.dtype, ("f4", "f8", "i8", "?"))
MASK = np.array([[True, False, True], [False, False, True]])
EVEN = "the function of it is even"
TIES_BEFORE = "where a = b the tie has been decided before"

COSINE = Function(mpmath.cos, (NAN, 1.0, 1.0, NAN), 1)
EXPONENTIAL = Function(mpmath.exp, (0.0, 1.0, 1.0, INF))


def elementwise(
    name: str,
    call: Callable[..., Any],
    oracle: Callable[..., Any],
    keeps: tuple[str, ...] = ("",),
    draws: tuple[Draw, ...] = (real,),
    **more: Any,
) -> Row:
    """A row whose oracle is a function of Python numbers; if nothing else is said, a user just calls it."""
    count = len(draws)
    uses = (use(call, *(of(draw, 2, 3) for draw in draws)),)
    cases = tuple(Case((shape,) * count) for shape in SHAPES)
    return Row(
        name, call, each(oracle), keeps, cases, draws, **{"uses": uses, "large": (Case((MANY,) * count),), **more}
    )


def comparison(name: str, function: Callable[..., Any], formula: tuple[Cell, ...]) -> Row:
    """A row of two numbers that may tie."""
    return elementwise(name, function, function, ("", ""), (halves, halves), smooth=(odd, even), formula=formula)


ROWS = [
    elementwise(
        "neg",
        lambda x: -x,
        operator.neg,
        linear=(0,),
        formula=everywhere(-X),
        exact=Function(lambda x: -x, (INF, 0.0, -0.0, -INF), -1),
        slope=Function(lambda x: mpmath.mpf(-1), (-1.0, -1.0, -1.0, -1.0), 1, at_nan=-1.0),
    ),
    elementwise(
        "add", lambda a, b: a + b, operator.add, ("", ""), (real, real), linear=(0, 1), formula=everywhere(A + B)
    ),
    elementwise(
        "sub", lambda a, b: a - b, operator.sub, ("", ""), (real, real), linear=(0, 1), formula=everywhere(A - B)
    ),
    elementwise(
        "mul", lambda a, b: a * b, operator.mul, ("b", "a"), (real, real), linear=(0, 1), formula=everywhere(A * B)
    ),
    elementwise(
        "times",
        lambda a, b: a.times(b),
        operator.mul,
        ("a b", "a"),
        (real, real),
        linear=(0, 1),
        formula=(
            Cell("a ≠ 0", A * B, {A: NONZERO, B: S}),
            Cell("a = 0", A * B, {A: sympy.Integer(0), B: S}),
        ),
        pinned=(
            Pinned("0 times anything is constant", ([0.0, -0.0, 0.0], [INF, NAN, -INF]), ([0.0] * 3, [0.0] * 3)),
            Pinned("0 times a number is not", ([0.0, 0.0], [3.0, 0.0]), ([3.0, 0.0], [0.0, 0.0])),
            Pinned(
                "what is not 0 passes all", ([2.0, -1.0, 1.0], [INF, NAN, -INF]), ([INF, NAN, -INF], [2.0, -1.0, 1.0])
            ),
        ),
        uses=tuple(use(lambda a, b: a.times(b), of(draw, 2, 3), of(real, 2, 3)) for draw in (real, holed)),
        equivalent={
            (0, "lambda g, y, b: g.times((y == 0.0).where((b - b == 0.0).where(b, 0.0), b))"): (
                "beside an infinity or NaN in b, y is 0 where a is, and only there"
            )
        },
    ),
    elementwise(
        "div",
        lambda a, b: a / b,
        operator.truediv,
        ("b", "b y"),
        (real, nonzero),
        formula=(Cell("b ≠ 0", A / B, {A: R, B: NONZERO}),),
    ),
    elementwise(
        "square",
        lambda x: x**2,
        lambda v: v * v,
        ("x",),
        formula=everywhere(X**2),
        exact=Function(lambda x: x * x, (INF, 0.0, 0.0, INF), 1),
        slope=Function(lambda x: 2 * x, (-INF, -0.0, 0.0, INF), -1),
    ),
    elementwise(
        "sqrt",
        lambda x: x.sqrt(),
        math.sqrt,
        ("y",),
        (positive,),
        formula=above_zero(sympy.sqrt(X)),
        pinned=(Pinned("at 0 of either sign the limit from above", ([0.0, -0.0],), ([INF, INF],)),),
        exact=Function(mpmath.sqrt, (NAN, -0.0, 0.0, INF)),
        slope=Function(lambda x: 1 / (2 * mpmath.sqrt(x)), (NAN, INF, INF, 0.0)),
    ),
    elementwise(
        "exp",
        lambda x: x.exp(),
        math.exp,
        ("y",),
        formula=everywhere(sympy.exp(X)),
        exact=EXPONENTIAL,
        slope=EXPONENTIAL,
        ulps=(4.0, 4.0),
        compiled=(0.8, 0.8),
    ),
    elementwise(
        "log",
        lambda x: x.log(),
        math.log,
        ("x",),
        (positive,),
        formula=above_zero(sympy.log(X)),
        pinned=(Pinned("at 0 of either sign the limit from above", ([0.0, -0.0],), ([INF, INF],)),),
        exact=Function(mpmath.log, (NAN, -INF, -INF, INF)),
        slope=Function(lambda x: 1 / x, (-0.0, INF, INF, 0.0), -1),  # of the formula: below 0 as well
        ulps=(4.0, 4.0),
        compiled=(0.9, 0.9),
    ),
    elementwise(
        "sin",
        lambda x: x.sin(),
        math.sin,
        ("x",),
        formula=everywhere(sympy.sin(X)),
        exact=Function(mpmath.sin, (NAN, -0.0, 0.0, NAN), -1),
        slope=COSINE,
        ulps=(4.0, 4.0),
        compiled=(0.6, 1.0),
        equivalent={(0, "lambda g, x: g.times((-x).cos())"): EVEN},
    ),
    elementwise(
        "cos",
        lambda x: x.cos(),
        math.cos,
        ("x",),
        formula=everywhere(sympy.cos(X)),
        exact=COSINE,
        slope=Function(lambda x: -mpmath.sin(x), (NAN, 0.0, -0.0, NAN), -1),
        ulps=(4.0, 4.0),
        compiled=(0.6, 1.0),
    ),
    elementwise(
        "tanh",
        lambda x: x.tanh(),
        math.tanh,
        ("y",),
        formula=everywhere(sympy.tanh(X)),
        exact=Function(mpmath.tanh, (-1.0, -0.0, 0.0, 1.0), -1),
        slope=Function(lambda x: mpmath.sech(x) ** 2, (0.0, 1.0, 1.0, 0.0), 1),
        ulps=(4.0, 4.0),
        compiled=(0.6, 1.0),
        equivalent={(0, "lambda g, y: g.times(1.0 - (-y).square())"): EVEN},
    ),
    elementwise(
        "erf",
        lambda x: x.erf(),
        math.erf,
        ("x",),
        formula=everywhere(sympy.erf(X)),
        exact=Function(mpmath.erf, (-1.0, -0.0, 0.0, 1.0), -1),
        slope=Function(lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x), (0.0, None, None, 0.0), 1),
        ulps=(0.51, 4.06),  # ours, in float64: a relative error of 4.5e-16, see tests/ops/test_special_values.py
        compiled=(0.6, 1.2),
        equivalent={(0, "lambda g, x: g.times(2.0 / math.sqrt(math.pi) * (-(-x).square()).exp())"): EVEN},
    ),
    elementwise(
        "floor",
        lambda x: x.floor(),
        math.floor,
        draws=(halves,),
        smooth=(odd,),
        formula=(Cell("between whole numbers", N, {X: N + 1 / (1 + P)}),),
        exact=Function(mpmath.floor, (-INF, -0.0, 0.0, INF)),
    ),
    elementwise(
        "pow",
        lambda a, b: a**b,
        logarithm_power,
        ("a b", "a y"),
        (positive, real),
        formula=(
            Cell("a > 0", A**B, {A: P, B: R}),
            Cell("a < 0, b whole", A**B, {A: -P, B: N}, (A,)),  # by b it is defined at points only
            Cell("a = 0, b = 1", A, {A: sympy.Integer(0), B: sympy.Integer(1)}, (A,)),
            Cell("a = 0, b = 2", A**2, {A: sympy.Integer(0), B: sympy.Integer(2)}, (A,)),
            Cell("a = 0, b = 3", A**3, {A: sympy.Integer(0), B: sympy.Integer(3)}, (A,)),
            Cell("a = 0, b > 0", sympy.Integer(0), {A: sympy.Integer(0), B: P}, (B,)),
        ),
        pinned=(
            Pinned("powers of 0", ([0.0, 0.0, 0.0], [2.0, 1.0, 3.0]), ([0.0, 1.0, 0.0], [0.0, 0.0, 0.0])),
            Pinned("exponent 0", ([2.0, 1.0], [0.0, 0.0]), ([0.0, 0.0], [LN2, 0.0])),
            Pinned("0 to the power 0", ([0.0], [0.0]), ([0.0], [0.0])),
            Pinned("0 to a negative power", ([0.0, -0.0], [-1.0, -1.0]), ([-INF, -INF], [-INF, INF])),
            Pinned("0 outweighs ±∞", ([0.0, 0.5, INF, 2.0], [INF, INF, -INF, -INF]), ([0.0] * 4, [0.0] * 4)),
            Pinned("∞ to a negative power", ([INF, INF], [-1.0, -0.5]), ([0.0, 0.0], [0.0, 0.0])),
            Pinned("±∞ as an exponent", ([2.0, 0.5], [INF, -INF]), ([INF, -INF], [INF, -INF])),
            Pinned("a negative number to a whole power", ([-2.0], [3.0]), ([12.0], None)),
        ),
        uses=(
            use(lambda a, b: a**b, of(positive, 2, 3), of(real, 2, 3)),
            use(lambda b: tg.tensor(np.array([0.0, 2.0, 0.5])) ** b, of(positive, 3)),
            use(lambda a, b: a**b, of(one_among, 2, 3), of(holed, 2, 3)),
        ),
    ),
    elementwise(
        "maximum",
        lambda a, b: a.maximum(b),
        max,
        ("a b", "a b"),
        (halves, halves),
        smooth=(odd, even),
        formula=(
            Cell("a < b", B, ORDERS["a < b"]),
            Cell("a = b", (A + B) / 2, ORDERS["a = b"]),  # half to each: the mean of both sides
            Cell("a > b", A, ORDERS["a > b"]),
        ),
        pinned=(
            Pinned("ties: half to each", ([1.0, INF, -0.0], [1.0, INF, 0.0]), ([0.5] * 3, [0.5] * 3)),
            Pinned("NaN: all to both, one of them is the NaN", ([NAN, 1.0], [1.0, NAN]), ([1.0, 1.0], [1.0, 1.0])),
        ),
        uses=(use(lambda a, b: a.maximum(b), of(spread, 2, 3), lambda rng: rng.permutation(6).reshape(2, 3) / 2.1),),
        equivalent={
            (0, "lambda g, a, b: (a == b).where(0.5 * g, (a <= b).where(0.0, g))"): TIES_BEFORE,
            (1, "lambda g, a, b: (a == b).where(0.5 * g, (b <= a).where(0.0, g))"): TIES_BEFORE,
        },
    ),
    comparison("equal", operator.eq, compared(False, True, False)),
    comparison("less", operator.lt, compared(True, False, False)),
    comparison("less_equal", operator.le, compared(True, True, False)),
    elementwise(
        "where",
        lambda c, a, b: c.where(a, b),
        lambda c, a, b: a if c else b,
        ("", "c", "c"),
        (truth, real, real),
        integers=(truth, whole, whole),
        linear=(1, 2),
        formula=(
            Cell("c", A, {C: sympy.true, A: R, B: S}),
            Cell("not c", B, {C: sympy.false, A: R, B: S}),
        ),
        pinned=(
            Pinned(
                "the branch not taken may be anything",
                (np.array([True, False]), [1.0, NAN], [INF, 2.0]),
                (None, [1.0, 0.0], [0.0, 1.0]),
            ),
        ),
        uses=(use(lambda a, b: tg.where(MASK, a, b), of(real, 2, 3), of(real, 2, 3)),),
    ),
    Row(
        "cast",
        lambda x, dtype: x.astype(dtype),
        each(converted),
        ("",),
        tuple(Case((shape,), {"dtype": dtype}) for dtype in (F8, F4, I8, B1) for shape in SHAPES),
        (real,),
        linear=(0,),
        exact=Function(lambda x: x, (-INF, -0.0, 0.0, INF), -1),
        slope=Function(lambda x: mpmath.mpf(1), (1.0, 1.0, 1.0, 1.0), 1, at_nan=1.0),
        uses=(use(lambda x: x.astype("float32"), of(real, 2, 3)),),
        large=(Case((MANY,), {"dtype": F4}),),
    ),
]
