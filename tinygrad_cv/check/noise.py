"""How far rounding moves a function, measured at neighbouring points. Knows NumPy only.

Two things are looked at, and the larger one counts: what is left of a smooth function in a table of its values when its
smooth part is differenced away (Hamming's fourth differences), and how far the function moves when each element moves
to a neighbouring float. The second is what a good algorithm may lose as well, since it rounds its intermediate values;
it shows noise on stairs that are wider than the table, and of functions that are steep beside the table's spacing.

All points lie on one side of x, so that a kink or a step at x is not crossed.

No noise is smaller than the spacing of the subnormal numbers, of float32 where the values are such numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Function = Callable[[Sequence[np.ndarray]], np.ndarray]  # the inputs -> all outputs, as one vector

ROUNDING = float(np.finfo(np.float64).eps)
POINTS = 9  # of the table
FINE, COARSE = (1e-13, 2.7e-11), (3.1e-9, 1.37e-7)  # spacings of its points: for rounding in float64, and in float32
VARIANCE_OF_FOURTH = 70.0  # of the fourth difference of noise of variance 1: 1² + 4² + 6² + 4² + 1²
SURE = 16.0  # roundings of a value: more is noise of what it was computed from
STEEP = 100.0  # times as much at the longer of the fine spacings: that may be f itself, and no noise
SMOOTH = 30.0  # times as much at four times the spacing, of 256 for a curve and 1 for noise
NEIGHBOURS, NEAR = 6, 2  # points, each of whose elements is one of the next floats
SUBNORMAL = float(np.finfo(np.float64).smallest_subnormal)
SINGLE = np.finfo(np.float32)


class Noise:
    """The noise of functions of the same inputs.

    Args:
        directions: one array for each input, along which the tables' points lie: an element's size with random signs.
    """

    def __init__(self, inputs: Sequence[np.ndarray], directions: Sequence[np.ndarray], rng: np.random.Generator):
        self.inputs, self.directions = inputs, directions
        self.neighbours = [
            [x + np.sign(u) * rng.integers(1, NEAR, x.shape, endpoint=True) * np.spacing(np.abs(x)) for x, u in pairs]
            for pairs in [list(zip(inputs, directions, strict=True))] * NEIGHBOURS
        ]

    def of(self, g: Function) -> np.ndarray:
        """The deviation of each output's noise.

        Stairs of rounding look flat at a fine spacing, and may lie on the grid of another: so there are several. The
        coarse ones are for outputs that no fine one moves, since a curved function's differences grow with it: what
        falls by far when the spacing does is f itself, and no noise.
        What moves at none of the fine ones, but by a float32's last digits at a coarse one, has a float32 inside.
        """
        y = g(self.inputs)
        middle = y.astype(np.float64)
        return np.maximum(self._above(g, middle), underflow(y))

    def _above(self, g: Function, middle: np.ndarray) -> np.ndarray:
        """The same where nothing underflows; ``middle`` is g here."""
        tables = [self._table(g, middle, spacing) for spacing in FINE]
        flat = [np.ptp(table, axis=0) == 0 for table in tables]
        fine, noise = (_deviation(table) for table in tables)
        fine = np.maximum(fine, self._between_neighbours(g, middle))
        steep, spacing = noise > STEEP * fine, FINE[1]
        noise = np.where(steep & (fine > SURE * ROUNDING * np.abs(middle)), fine, noise)  # less may lie on a grid
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
        stairs = np.all(flat, axis=0) & (np.max([np.ptp(table, axis=0) for table in tables], axis=0) > single / 4)
        least = np.where(stairs, single, 0.0)
        return np.where(np.any(flat, axis=0), np.max([noise, coarse, least], axis=0), noise)

    def _between_neighbours(self, g: Function, middle: np.ndarray) -> np.ndarray:
        """How far g moves when its inputs move by units in their last place."""
        found = np.stack([g(neighbour) - middle for neighbour in self.neighbours])
        return root_mean_square(found - found.mean(0))

    def _table(self, g: Function, middle: np.ndarray, spacing: float) -> np.ndarray:
        """What g adds to its value at points that are so far from each other, as shares of the elements' sizes."""
        return np.stack([g(moved(self.inputs, self.directions, k * spacing)) - middle for k in range(1, POINTS + 1)])


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
    """The spacing of the subnormal numbers of y's dtype, or of float32 where that was the dtype before."""
    own = SUBNORMAL if y.dtype.kind != "f" else float(np.finfo(y.dtype).smallest_subnormal)
    single = (y != 0) & (np.abs(y) < SINGLE.smallest_normal) & (y == y.astype(np.float32))
    return np.where(single, max(own, float(SINGLE.smallest_subnormal)), own)


def _deviation(table: np.ndarray) -> np.ndarray:
    """The deviation of each column's noise; what is smooth in it has no fourth difference."""
    return root_mean_square(np.diff(table, 4, axis=0)) / np.sqrt(VARIANCE_OF_FOURTH)
