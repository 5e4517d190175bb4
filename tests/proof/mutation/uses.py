"""How a user comes to each primitive: small functions of tensors, and random functions around them.

A mutant is shown to ``tg.gradcheck`` in these, so parameters are all different: strides, axes and borders that a wrong
VJP might mistake for one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv.core.tape import apply
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
Draw = Callable[[np.random.Generator], Array]
BASES = np.array([0.0, 2.0, 0.5])
INDEX = np.array([[2, 0], [2, 1]])
MASK = np.array([[True, False, True], [False, False, True]])


def real(*shape: int) -> Draw:
    return lambda rng: rng.normal(size=shape)


def positive(*shape: int) -> Draw:
    return lambda rng: rng.uniform(0.5, 2.0, shape)


def nonzero(*shape: int) -> Draw:
    return lambda rng: rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


def holed(*shape: int) -> Draw:
    """One of the numbers is 0."""
    return lambda rng: np.where(np.arange(math.prod(shape)).reshape(shape) == 1, 0.0, rng.normal(size=shape))


def distinct(*shape: int) -> Draw:
    """Numbers far apart, so that no maximum changes hands."""
    return lambda rng: rng.permutation(np.linspace(-1.5, 1.5, math.prod(shape))).reshape(shape)


@dataclass(frozen=True)
class Use:
    """A call as a user writes it, and how its inputs are drawn."""

    call: Callable[..., Any]
    draws: tuple[Draw, ...]


def use(call: Callable[..., Any], *draws: Draw) -> Use:
    return Use(call, draws)


def padded_by_nothing(x: Any) -> Any:
    """A number; the method would return it as it is."""
    return apply(PRIMITIVES["pad"], x, width=(), interior=(), value=0.0)


A, B = real(2, 3), real(2, 3)
USES: dict[str, tuple[Use, ...]] = {
    "neg": (use(lambda x: -x, A),),
    "add": (use(lambda a, b: a + b, A, B),),
    "sub": (use(lambda a, b: a - b, A, B),),
    "mul": (use(lambda a, b: a * b, A, B),),
    "times": (use(lambda a, b: a.times(b), A, B), use(lambda a, b: a.times(b), holed(2, 3), B)),
    "div": (use(lambda a, b: a / b, A, nonzero(2, 3)),),
    "square": (use(lambda x: x**2, A),),
    "sqrt": (use(lambda x: x.sqrt(), positive(2, 3)),),
    "exp": (use(lambda x: x.exp(), A),),
    "log": (use(lambda x: x.log(), positive(2, 3)),),
    "sin": (use(lambda x: x.sin(), A),),
    "cos": (use(lambda x: x.cos(), A),),
    "tanh": (use(lambda x: x.tanh(), A),),
    "erf": (use(lambda x: x.erf(), A),),
    "pow": (use(lambda a, b: a**b, positive(2, 3), B), use(lambda b: tg.tensor(BASES) ** b, positive(3))),
    "maximum": (use(lambda a, b: a.maximum(b), distinct(2, 3), lambda rng: rng.permutation(6).reshape(2, 3) / 2.1),),
    "where": (use(lambda a, b: tg.where(MASK, a, b), A, B),),
    "cast": (use(lambda x: x.astype("float32"), A),),
    "reshape": (use(lambda x: x.reshape(3, 2), A),),
    "permute": (use(lambda x: x.permute(1, 2, 0), real(2, 3, 2)),),
    "expand": (use(lambda x: x.expand(2, 3, 2), real(3, 1)), use(lambda x: x.expand(3, 2), real(2))),
    "pad": (use(lambda x: x.pad(((1, 0), (0, 2)), 0.5, (1, 0)), A), use(padded_by_nothing, real())),
    "slice": (
        use(lambda x: x[1:2, 1:6:3], real(2, 7)),
        use(lambda x: x[0, 1:3] + x.slice((0, 2), (2, 2), (1, 2)).sum(), A),
    ),
    "flip": (use(lambda x: x.flip(1), A), use(lambda x: x[::-1], A)),
    "concatenate": (use(lambda a, b: tg.concatenate([a, b], 1), real(2, 1), A),),
    "windows": (use(lambda x: x.windows((2, 1), (1, 2), (2, 1)), real(4, 3)),),
    "fold": (
        use(lambda w: w.fold((1, 2), (2, 1), (4, 3)), real(2, 2, 2, 1)),
        use(lambda w: w.fold((1,), (1,), (6,)), real(3, 2)),
        use(lambda x, w: F.conv_transpose2d(x, w, stride=2), real(1, 1, 2, 2), real(1, 1, 2, 2)),
    ),
    "sum": (use(lambda x: x.sum(1), A), use(lambda x: x.sum(0, keepdims=True), A)),
    "max": (
        use(lambda x: x.max(1), distinct(3, 2)),  # two of the maxima in one column
        use(lambda x: x.max((0, 2), ties="first"), distinct(2, 2, 2)),
        use(lambda x: F.max_pool2d(x, 2, 1), distinct(1, 1, 3, 2)),
    ),
    "cumsum": (use(lambda x: x.cumsum(1), A),),
    "contract": (
        use(lambda a, b: a @ b, A, real(3, 2)),
        use(lambda a, b: tg.einsum("nc,oc->on", a, b), real(2, 2), real(3, 2)),
    ),
    "gather": (use(lambda x: x[INDEX], real(3, 2)),),
    "scatter_add": (use(lambda x: x.scatter_add(tg.tensor(INDEX), 4), real(2, 2, 2)),),
}

Wrap = Callable[[Any], Any]
# smooth, and not so flat anywhere that a wrong derivative would drown in the rounding of a right one
OUTER: tuple[Wrap, ...] = (
    lambda y: y,
    lambda y: y * y,
    lambda y: (y * 0.5).sin(),
    lambda y: (y * 0.3).exp(),
    lambda y: 1.0 / (1.0 + y * y),
    lambda y: y * y.sum(),
    lambda y: F.softplus(y),
)


@dataclass(frozen=True)
class Composite:
    """A function of tensors, and arrays to differentiate it at."""

    f: Callable[..., Any]
    inputs: tuple[Array, ...]


def composite(use: Use, rng: np.random.Generator) -> Composite:
    """A random function that contains a use of a primitive: outer(use(scale · x)), every other time without scales."""
    inputs = tuple(np.asarray(draw(rng), np.float64) for draw in use.draws)
    scales = [float(rng.uniform(1.0, 1.1)) for _ in inputs] if rng.random() < 0.5 else []
    outer = OUTER[rng.integers(len(OUTER))]

    def f(*xs: Any) -> Any:
        return outer(use.call(*(x * scale for x, scale in zip(xs, scales, strict=True)) if scales else xs))

    return Composite(f, inputs)
