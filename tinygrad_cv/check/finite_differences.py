"""Slopes of a function by differences, each with a bound on its own error. Knows NumPy only.

On a line x + t u through the inputs (u is one element's unit vector, or a direction), with steps h, h/2 and h/4, the
central differences

    D(h) = wᵀ (f(x + h u) - f(x - h u)) / 2h,    f's outputs as one vector, w a cotangent,

are extrapolated twice (Richardson's and Romberg's scheme), which leaves an error of order h⁶. It is bounded by the
difference of the two results of the first extrapolation, and by the noise of f over h. If that bound is not small, the
step was too long, or it crossed a kink: a tenth of the step is tried, and so on. Several cotangents, such as all unit
vectors, which give the whole Jacobian, share the calls of f.

Two calls are enough if f(x - h u), f(x) and f(x + h u) lie on a line whose slope is the gradient, all to the last
digit: a network of convolutions, ReLU and max pooling is linear between its kinks.

The jump of the slope at x is computed from one-sided differences, output by output, so that jumps cannot cancel. It is
extrapolated in the same way: for a smooth function it vanishes, at a kink it stays at every step size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import numpy as np

from .noise import ROUNDING, SUBNORMAL, SURE, Noise, Outputs, inside, moved, root_mean_square, underflow
from .slopes import Slope, Trial, decided

SHORTER = tuple(10.0**-k for k in range(13))  # times the first step; the last are for small values next to large ones
NOISY = 1e-3  # of a gradient: with more noise than this, longer steps are tried first
LONGEST = 0.2  # of x: the longest of those steps
ODD = 1 + 324509 / 2**20  # a step is this times a power of two: not a whole number of waves of sin(2 pi 2^k x)
INPUT = 4.0  # units in the last place of x, by which f's first operation may round it
FLOOR = 4.0  # spacings of subnormal numbers: noise of no more is due to them
CROWDED = 1e5  # units in the last place, from the smallest element to the largest
HIDDEN = 1e-3  # of the change of f: noise above this share may hide waves
WIDE, PLAIN = 40.0, 5.0  # standard deviations of the noise, over h: the error of an extrapolated, or plain, difference

Line = Callable[[float], tuple[np.ndarray, float]]  # t -> f at x + t u, and t as rounding of x + t u leaves it


class Differences:
    """Differences of wᵀ f around a point, for the rows w of ``cotangents``."""

    def __init__(self, f: Outputs, inputs: Sequence[np.ndarray], cotangents: np.ndarray, eps: float, seed: int):
        self.eps = eps
        self.rows = np.atleast_2d(cotangents)
        self.inputs = [np.array(x, np.float64) for x in inputs]
        self.units = [units(x) for x in self.inputs]
        rng = np.random.default_rng(seed)
        own = [np.where(x == 0, unit, np.abs(x)) for x, unit in zip(self.inputs, self.units, strict=True)]
        self.noise = Noise(self.inputs, [size * rng.choice((-1.0, 1.0), size.shape) for size in own], rng)
        self.crowded = any(0 < np.ptp(x) < CROWDED * np.spacing(np.abs(x).max()) for x in self.inputs)
        y = f(self.inputs)
        self.f: Outputs = partial(inside, f, y)
        self.y = y.astype(np.float64)
        self.sizes = np.abs(self.rows) @ np.abs(self.y)
        self.noises = np.abs(self.rows) @ np.maximum(self.noise.of(self.f), np.finfo(y.dtype).eps * np.abs(self.y))
        self.subnormal = bool(self.y.any() and self.noises[0] <= FLOOR * (np.abs(self.rows[0]) @ underflow(y)))

    def _at(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        return self.f(inputs).astype(np.float64)

    def along_element(
        self, number: int, place: tuple[int, ...], gradients: Sequence[float], typical: float
    ) -> list[Slope]:
        """The slopes along one element of one input, one for each cotangent.

        Args:
            gradients: the values to check, one for each cotangent.
            typical: the typical size of this input's gradients.
        """
        x = self.inputs[number]
        middle = x[place]

        def at(t: float) -> tuple[np.ndarray, float]:
            x[place] = middle + t
            rounded = x[place] - middle
            y = self._at(self.inputs)
            x[place] = middle
            return y, rounded

        unit, own = self.units[number][place], abs(middle)
        steps = [self.eps * shorter * unit for shorter in SHORTER]  # and then relative to the element itself
        steps += [self.eps * shorter * own for shorter in SHORTER if 0 < shorter * own < unit * SHORTER[-1]]
        return self._slopes(at, _exact(steps, own), gradients, typical, unit, float(np.spacing(own or unit)))

    def along(self, direction: Sequence[np.ndarray], gradients: Sequence[float], typical: float) -> list[Slope]:
        """The slopes along a direction in the space of all inputs, one for each cotangent."""

        def at(t: float) -> tuple[np.ndarray, float]:
            return self._at(moved(self.inputs, direction, t)), t

        return self._slopes(at, [self.eps * shorter for shorter in SHORTER], gradients, typical, 1.0, ROUNDING)

    def _slopes(
        self, at: Line, steps: Sequence[float], gradients: Sequence[float], typical: float, unit: float, ulp: float
    ) -> list[Slope]:
        """The slopes along a line; ``unit`` is the size of x on it, ``ulp`` its unit in the last place."""
        trials: list[list[Trial]] = [[] for _ in self.rows]
        found: dict[int, Slope] = {}
        drowned = set[int]()

        @cache
        def noisy() -> np.ndarray:
            """For each cotangent, whether f changes by more than rounding when x changes by one ulp."""
            motion = np.max([np.abs(at(k * ulp)[0] - self.y) for k in (-2, -1, 1, 2)], axis=0)
            return np.abs(self.rows) @ motion > SURE * ROUNDING * self.sizes

        if WIDE * self.noises[0] / steps[0] > NOISY * max(typical, abs(gradients[0])):
            steps = [h for h in (100 * steps[0], 10 * steps[0]) if h <= LONGEST * unit] + list(steps)
        waiting = list(range(len(self.rows)))
        for h in steps:
            outer = self._one_sided(at, (h,))
            if outer is None:
                continue
            for row in waiting:
                line = self._line(row, outer[0], h, unit, gradients[row])
                if line is not None and (not trials[row] or line.precise(gradients[row])):
                    found[row] = line
            waiting = [row for row in waiting if row not in found]
            inner = self._one_sided(at, (h / 2, h / 4)) if waiting else None
            if inner is not None:
                sides = np.concatenate([outer, inner])
                tried = {row: self._trial(row, sides, h, unit) for row in waiting}
                drowned |= {row for row in waiting if trials[row] and tried[row].drowns(trials[row])}
                waiting = [row for row in waiting if row not in drowned]
                for row in waiting:
                    trials[row].append(tried[row])
                waiting = [row for row in waiting if not tried[row].enough(gradients[row])]
            if not waiting:
                break
        for row in range(len(self.rows)):
            if row not in found:
                is_noisy = partial(lambda row: bool(noisy()[row]), row)
                found[row] = decided(trials[row], row in drowned, gradients[row], typical, self.crowded, is_noisy)
        return [found[row] for row in range(len(self.rows))]

    def _one_sided(self, at: Line, steps: Sequence[float]) -> np.ndarray | None:
        """One-sided slopes by step, side (right, left) and output; None if f is not finite."""
        sides = []
        for step in steps:
            for t in (step, -step):
                y, moved_by = at(t)
                sides.append((y - self.y) / moved_by)
        found = np.array(sides)
        return found.reshape(len(steps), 2, -1) if np.isfinite(found).all() else None

    def _line(self, row: int, sides: np.ndarray, h: float, unit: float, gradient: float) -> Slope | None:
        """The slope if f is linear across x with the gradient as its slope, to the last digit; else None."""
        w = self.rows[row]
        value = float(w @ sides.sum(0)) / 2
        bound = self._rounding(row, sides, h, unit, PLAIN)
        if abs(value - gradient) > bound or np.abs(w) @ np.abs(sides[0] - sides[1]) > 2 * bound:
            return None
        return Slope(value, bound, h, *_ends(w, sides))

    def _trial(self, row: int, sides: np.ndarray, h: float, unit: float) -> Trial:
        w = self.rows[row]
        d1, d2, d3 = (float(w @ side) for side in sides.sum(1) / 2)
        r1, r2 = (4 * d2 - d1) / 3, (4 * d3 - d2) / 3
        value, truncation = (16 * r2 - r1) / 15, abs(r2 - r1)
        j1, j2, j3 = sides[:, 0] - sides[:, 1]
        jump = float(np.abs(w) @ np.abs(16 * j3 - 10 * j2 + j1)) / 7  # without its terms in h and h³
        noise = self._rounding(row, sides[2], h, unit, WIDE)
        hides = self.noises[row] > HIDDEN * h * float(np.abs(w) @ np.abs(sides[0]).max(0))
        return Trial(Slope(value, truncation + noise, h, *_ends(w, sides[2])), truncation, noise, jump, bool(hides))

    def _rounding(self, row: int, sides: np.ndarray, h: float, unit: float, wide: float) -> float:
        """The error of a slope from rounding of f, of x and of their differences, and from underflow."""
        size = np.abs(self.rows[row])
        steep = float(size @ np.abs(sides[0]))
        quotients = wide * SUBNORMAL * max(float(size.sum()), 1.0)
        return wide * float(self.noises[row]) / h + (64 + INPUT * unit / h) * ROUNDING * steep + quotients


def _ends(w: np.ndarray, sides: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest slope between the left and the right one-sided derivative."""
    ends = w * sides
    return float(ends.min(0).sum()), float(ends.max(0).sum())


def _exact(steps: Sequence[float], x: float) -> list[float]:
    """Steps near the given ones for which x + h, x + h/2 and x + h/4 are exact, as far as x has the digits.

    For a subnormal x there may be none; then it is the shortest step that changes x.
    """
    found = []
    for step in steps:
        h = ODD * 2.0 ** np.round(np.log2(step))
        last = 4 * np.spacing(x + h)
        found.append(float(np.round(h / last) * last))
    return [h for h in found if h] or [4 * float(np.spacing(x))]


def units(x: np.ndarray) -> np.ndarray:
    """The size of each element, to which steps are relative: at least a hundredth of the root mean square."""
    magnitude = float(root_mean_square(x.ravel()))
    return np.maximum(np.abs(x), 1e-2 * magnitude if magnitude else 1.0)
