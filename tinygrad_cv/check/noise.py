"""The rounding noise of a function, measured at neighbouring points. Knows NumPy only.

It is the larger of two measures: fourth differences in a table of values, which remove the smooth part (Hamming), and
the change of the function when each element moves to a neighbouring float. A good algorithm may lose as much as the
second, since it rounds its intermediate values; it also sees noise on steps that are wider than the table, and noise of
functions that are steep compared to the table's spacing.

All points lie on one side of x, so that no kink or step at x is crossed.

No noise is smaller than the spacing of subnormal numbers; that of float32's if the values are float32 numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ..core.errors import GraphError, ShapeError

Outputs = Callable[[Sequence[np.ndarray]], np.ndarray]  # the inputs -> all outputs, as one vector

ROUNDING = float(np.finfo(np.float64).eps)
POINTS = 9  # of a table
FINE, COARSE = (1e-13, 2.7e-11), (3.1e-9, 1.37e-7)  # spacings of its points: for rounding in float64, and in float32
VARIANCE_OF_FOURTH = 70.0  # of the fourth difference of noise of variance 1: 1² + 4² + 6² + 4² + 1²
SURE = 16.0  # roundings of a value: more is noise of what it was computed from
STEEP = 100.0  # ratio between the two fine spacings: beyond, it may be f itself and not noise
SMOOTH = 30.0  # ratio at four times the spacing: it is 256 for a curve, 1 for noise
NEIGHBOURS, ULPS = 6, 2  # points whose elements differ from x's by one or two units in the last place
SUBNORMAL = float(np.finfo(np.float64).smallest_subnormal)
SINGLE = np.finfo(np.float32)


class Noise:
    """The noise of functions of the same inputs.

    Args:
        directions: of the tables' points, one array for each input: the sizes of its elements with random signs.
    """

    def __init__(self, inputs: Sequence[np.ndarray], directions: Sequence[np.ndarray], rng: np.random.Generator):
        self.inputs, self.directions = inputs, directions
        self.neighbours = [
            [x + np.sign(u) * rng.integers(1, ULPS, x.shape, endpoint=True) * np.spacing(np.abs(x)) for x, u in pairs]
            for pairs in [list(zip(inputs, directions, strict=True))] * NEIGHBOURS
        ]

    def of(self, g: Outputs) -> np.ndarray:
        """The standard deviation of each output's noise.

        Steps of rounding look flat at a fine spacing, and may coincide with the grid of another, so there are several
        spacings. The coarse ones are only for outputs that do not change at a fine one, because differences of a curved
        function grow with the spacing: what falls steeply with it is f itself, not noise. An output that changes at
        none of the fine ones, and by float32's last digits at a coarse one, was computed in float32.
        """
        y = g(self.inputs)
        middle = y.astype(np.float64)
        return np.maximum(self._above(partial(inside, g, y), middle), underflow(y))

    def _above(self, g: Outputs, middle: np.ndarray) -> np.ndarray:
        """The same without regard to underflow; ``middle`` is the value of g at the inputs."""
        tables = [self._table(g, middle, spacing) for spacing in FINE]
        flat = [np.ptp(table, axis=0) == 0 for table in tables]
        fine, noise = (_deviation(table) for table in tables)
        fine = np.maximum(fine, self._between_neighbours(g, middle))
        steep, spacing = noise > STEEP * fine, FINE[1]
        sure = fine > SURE * ROUNDING * np.abs(middle)  # less may coincide with a grid
        noise = np.where(steep & sure, fine, noise)
        while np.any(steep := steep & (noise > STEEP * fine)) and spacing > FINE[0]:
            spacing /= 4
            finer = _deviation(self._table(g, middle, spacing))
            steep &= noise > SMOOTH * finer
            noise = np.where(steep, finer, noise)
        noise = np.maximum(fine, noise)
        if not np.any(flat):
            return noise
        tables = [self._table(g, middle, spacing) for spacing in COARSE]
        coarse = np.max([_deviation(table) for table in tables], axis=0)
        single = float(SINGLE.eps) * np.abs(middle)
        stepped = np.all(flat, axis=0) & (np.max([np.ptp(table, axis=0) for table in tables], axis=0) > single / 4)
        least = np.where(stepped, single, 0.0)
        return np.where(np.any(flat, axis=0), np.max([noise, coarse, least], axis=0), noise)

    def _between_neighbours(self, g: Outputs, middle: np.ndarray) -> np.ndarray:
        """The change of g when its inputs change by units in the last place."""
        found = np.stack([g(neighbour) - middle for neighbour in self.neighbours])
        return root_mean_square(found - found.mean(0))

    def _table(self, g: Outputs, middle: np.ndarray, spacing: float) -> np.ndarray:
        """The changes of g at equally spaced points; the spacing is a share of the elements' sizes."""
        return np.stack([g(moved(self.inputs, self.directions, k * spacing)) - middle for k in range(1, POINTS + 1)])


def inside(f: Outputs, like: np.ndarray, inputs: Sequence[np.ndarray]) -> np.ndarray:
    """f's outputs, or NaN where f refuses inputs: beyond the edge of its domain, as a probability above 1."""
    try:
        return f(inputs)
    except (GraphError, ShapeError):  # not about the values
        raise
    except (ArithmeticError, RuntimeError, ValueError):
        return np.full_like(like, np.nan)


def moved(inputs: Sequence[np.ndarray], direction: Sequence[np.ndarray], t: float) -> list[np.ndarray]:
    """The inputs x + t u."""
    return [x + t * u for x, u in zip(inputs, direction, strict=True)]


def root_mean_square(x: np.ndarray) -> np.ndarray:
    """Over the first axis, without overflow."""
    largest = np.abs(x).max(0)
    with np.errstate(all="ignore"):
        return np.nan_to_num(largest * np.sqrt(np.square(x / largest).mean(0)), nan=0.0, posinf=0.0)


def norm(x: np.ndarray) -> float:
    """√Σx², of numbers whose squares may overflow or underflow."""
    return float(root_mean_square(x.ravel())) * np.sqrt(x.size)


def underflow(y: np.ndarray) -> np.ndarray:
    """The spacing of subnormal numbers in y's dtype, or in float32 for elements that are such numbers."""
    own = SUBNORMAL if y.dtype.kind != "f" else float(np.finfo(y.dtype).smallest_subnormal)
    single = (y != 0) & (np.abs(y) < SINGLE.smallest_normal) & (y == y.astype(np.float32))
    return np.where(single, max(own, float(SINGLE.smallest_subnormal)), own)


def _deviation(table: np.ndarray) -> np.ndarray:
    """The standard deviation of the noise in each column; its smooth part has no fourth difference."""
    return root_mean_square(np.diff(table, 4, axis=0)) / np.sqrt(VARIANCE_OF_FOURTH)
