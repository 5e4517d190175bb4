"""Random functions of tensors around a use of a primitive, in which a mutant is shown to ``tg.gradcheck``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import tinygrad_cv.functional as F
from tests.primitives.row import Use

Array = np.ndarray
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
class Surrounded:
    """A use inside of a function, and arrays to differentiate that at."""

    f: Callable[..., Any]
    inputs: tuple[Array, ...]


def surrounded(use: Use, rng: np.random.Generator) -> Surrounded:
    """A random function that contains a use of a primitive: outer(use(scale · x)), every other time without scales."""
    inputs = tuple(np.asarray(draw(rng), np.float64) for draw in use.draws)
    scales = [float(rng.uniform(1.0, 1.1)) for _ in inputs] if rng.random() < 0.5 else []
    outer = OUTER[rng.integers(len(OUTER))]

    def f(*xs: Any) -> Any:
        return outer(use.call(*(x * scale for x, scale in zip(xs, scales, strict=True)) if scales else xs))

    return Surrounded(f, inputs)
