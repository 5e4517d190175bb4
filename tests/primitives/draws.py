"""Random inputs. A draw makes an array of a shape, in float64 where it holds numbers with fractions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Array = np.ndarray
Shape = tuple[int, ...]
Draw = Callable[[np.random.Generator, Shape], Array]


def of(draw: Draw, *shape: int) -> Callable[[np.random.Generator], Array]:
    """A draw of one shape."""
    return lambda rng: draw(rng, shape)


def real(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.normal(size=shape))


def positive(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.uniform(0.5, 2.0, shape))


def nonzero(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))


def holed(rng: np.random.Generator, shape: Shape) -> Array:
    """One of the numbers is 0."""
    return np.where(np.arange(math.prod(shape)).reshape(shape) == 1, 0.0, rng.normal(size=shape))


def one_among(rng: np.random.Generator, shape: Shape) -> Array:
    """Positive numbers, the first of them 1."""
    return np.where(np.arange(math.prod(shape)).reshape(shape) == 0, 1.0, positive(rng, shape))


def halves(rng: np.random.Generator, shape: Shape) -> Array:
    """Few multiples of 1/2, so that there are ties, and whole numbers."""
    return np.asarray(rng.integers(-4, 5, shape) / 2.0)


def even(rng: np.random.Generator, shape: Shape) -> Array:
    """Even multiples of 1/16, at least so far from odd ones."""
    return np.asarray(rng.integers(-16, 17, shape) / 8.0)


def odd(rng: np.random.Generator, shape: Shape) -> Array:
    """Odd multiples of 1/16, at least so far from even ones and from whole numbers."""
    return np.asarray(rng.integers(-16, 16, shape) / 8.0 + 0.0625)


def distinct(rng: np.random.Generator, shape: Shape) -> Array:
    """At least 0.1 apart, in random order."""
    return np.asarray(0.1 * rng.permutation(math.prod(shape)).reshape(shape) - 1.0)


def spread(rng: np.random.Generator, shape: Shape) -> Array:
    """From -1.5 to 1.5, as far apart as can be, so that no maximum changes hands."""
    return rng.permutation(np.linspace(-1.5, 1.5, math.prod(shape))).reshape(shape)


# ---------------------------------------------------------------- whole numbers


def few(rng: np.random.Generator, shape: Shape) -> Array:
    """Small ones, so that there are ties."""
    return np.asarray(rng.integers(-2, 3, shape)).astype(np.float64)


def whole(rng: np.random.Generator, shape: Shape) -> Array:
    """From 2 to 9, of either sign: none is its own square."""
    return np.asarray(rng.integers(2, 10, shape) * rng.choice([-1.0, 1.0], shape))


def distinct_whole(rng: np.random.Generator, shape: Shape) -> Array:
    """At least 64 apart: steps of a few units leave their order as it is."""
    return np.asarray(64.0 * rng.permutation(math.prod(shape)).reshape(shape))


# ---------------------------------------------------------------- what is no number to differentiate by


def truth(rng: np.random.Generator, shape: Shape) -> Array:
    return np.asarray(rng.random(shape) < 0.5)


def below(size: int) -> Draw:
    return lambda rng, shape: np.asarray(rng.integers(0, size, shape))


def state(rng: np.random.Generator, shape: Shape) -> Array:
    return rng.integers(1000, size=shape).astype(np.uint64)
