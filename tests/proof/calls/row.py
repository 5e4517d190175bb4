"""A row: the calls that are tried of one primitive, and how their inputs are drawn."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.ops import PRIMITIVES

Array = np.ndarray
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]

SEED = 20
KINDS = ("0-d", "vector", "size 1", "no element", "3-d or more")
FIRST = -1  # repeat along the first axis that is longer than 1


@dataclass(frozen=True)
class Case:
    """One call.

    Attributes:
        kind: the kind of shape.
        shapes: of the inputs.
        params: the parameters.
        repeat: the axis along which broadcast inputs repeat; None where repeated numbers would be ties.
    """

    kind: str
    shapes: tuple[Shape, ...]
    params: dict[str, Any]
    repeat: int | None = FIRST

    def __str__(self) -> str:
        params = ", ".join(f"{name}={value}" for name, value in self.params.items())
        return f"{self.kind}: {', '.join(map(str, self.shapes))}" + (f"; {params}" if params else "")


@dataclass(frozen=True)
class Row:
    """What is tried of one primitive.

    Attributes:
        name: the primitive's.
        cases: the calls.
        draws: real numbers for each input where the primitive is smooth; the last one serves all further inputs.
        integers: the same with small whole numbers, so that sums and products are exact; none where no adjoint is asked
            for.
        linear: the inputs in which it is linear while the others are held, or linear near a point.
    """

    name: str
    cases: tuple[Case, ...]
    draws: tuple[Draw, ...]
    integers: tuple[Draw, ...] = ()
    linear: tuple[int, ...] = ()

    @property
    def primitive(self) -> Primitive:
        return PRIMITIVES[self.name]

    def inputs(self, case: Case, seed: int = SEED) -> list[Array]:
        """Real numbers, in float64."""
        return _drawn(self.draws, case, seed)

    def whole(self, case: Case, seed: int = SEED) -> list[Array]:
        """Small whole numbers, in float64."""
        return _drawn(self.integers, case, seed)


def _drawn(draws: tuple[Draw, ...], case: Case, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    endless = itertools.chain(draws, itertools.repeat(draws[-1] if draws else real))
    return [draw(rng, shape) for draw, shape in zip(endless, case.shapes, strict=False)]


# ---------------------------------------------------------------- draws


def real(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.normal(size=shape))


def positive(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.uniform(0.5, 2.0, shape))


def nonzero(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def even(rng: np.random.Generator, shape: Shape) -> Array:
    """Even multiples of 1/16, at least so far from odd ones."""
    return np.asarray(rng.integers(-16, 17, shape) / 8.0)


def odd(rng: np.random.Generator, shape: Shape) -> Array:
    """Odd multiples of 1/16, at least so far from even ones and from whole numbers."""
    return np.asarray(rng.integers(-16, 16, shape) / 8.0 + 0.0625)


def distinct(rng: np.random.Generator, shape: Shape) -> Array:
    """At least 0.1 apart, in random order."""
    return np.asarray(0.1 * rng.permutation(math.prod(shape)).reshape(shape) - 1.0)


def whole(rng: np.random.Generator, shape: Shape) -> Array:
    """Whole numbers from 2 to 9, of either sign: none is its own square."""
    return np.asarray(rng.integers(2, 10, shape) * rng.choice([-1.0, 1.0], shape))


def distinct_whole(rng: np.random.Generator, shape: Shape) -> Array:
    """At least 64 apart: steps of a few units leave their order as it is."""
    return np.asarray(64.0 * rng.permutation(math.prod(shape)).reshape(shape))


def truth(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.random(shape) < 0.5)


def below(size: int) -> Draw:
    return lambda rng, shape: np.asarray(rng.integers(0, size, shape))


def state(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(1000, size=shape).astype(np.uint64)
