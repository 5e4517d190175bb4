"""Slopes of a function by differences, each with a bound on its own error. Knows NumPy only.

On a line x + t u through the inputs (u is one element's unit vector, or a direction), with steps h, h/2 and h/4, the
central differences

    D(h) = wᵀ (f(x + h u) - f(x - h u)) / 2h,    f's outputs as one vector, w a cotangent,

are extrapolated twice (Richardson's and Romberg's scheme), which leaves an error of order h⁶. It is bounded by how far
the two results of the first extrapolation differ, and by the noise of f over h. Where that bound is not small the step
was too long, or it crossed a kink: a tenth of the step is tried, and so on. Several cotangents, such as all unit
vectors, which make the whole Jacobian, share the calls of f.

The jump of the slope at x comes from the one-sided differences, output by output, so that jumps cannot cancel. It is
extrapolated in the same way: for a smooth function it vanishes, at a kink it stays however short the step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

Function = Callable[[Sequence[np.ndarray]], np.ndarray]  # the inputs -> all outputs, as one vector

ROUNDING = float(np.finfo(np.float64).eps)
SHORTER = tuple(10.0**-k for k in range(13))  # of the first step; the last ones are for values beside large numbers
ENOUGH = 1e-8  # a bound of this share of the gradient is small
DROWNED = 0.1  # of a jump: such noise hides it
SETTLED = 1e-2  # differences that still change by more than this share do not converge
POINTS = 9  # of the table that measures noise
FINE, COARSE = (1e-13, 2.7e-11), (3.1e-9, 1.37e-7)  # spacings of its points: for rounding in float64, and in float32
VARIANCE_OF_FOURTH = 70.0  # of the fourth difference of noise of variance 1: 1² + 4² + 6² + 4² + 1²
INPUT = 4.0  # units in the last place of x, by which f's first operation may miss it
SURE = 16.0  # roundings of a value: more is noise of what it was computed from
STEEP = 100.0  # times as much at the longer of the fine spacings
HIDDEN = 1e-2  # of what f changes by: noise of that size may hide waves
WIDE = 40.0  # deviations of the noise that an extrapolated difference may be off by, over h


class Slope(NamedTuple):
    """What differences say about the derivative along a line."""

    value: float
    bound: float  # of the value's error
    step: float
    low: float  # the slopes between the left and the right one-sided derivative lie between these
    high: float
    differentiable: bool


class _Trial(NamedTuple):
    """The differences at one step, for one cotangent."""

    slope: Slope
    truncation: float
    noise: float
    jump: float

    @property
    def smooth(self) -> bool:
        return self.jump <= 2.0 * self.slope.bound

    def drowns(self, longer: Sequence[_Trial]) -> bool:
        """Whether noise hides the jump that longer steps have seen: shorter ones tell nothing of it."""
        return not longer[-1].smooth and self.noise > DROWNED * max(trial.jump for trial in longer)

    def enough(self, gradient: float) -> bool:
        """Whether shorter steps are not needed."""
        slope = self.slope
        small = slope.bound <= ENOUGH * max(abs(gradient), abs(slope.value))
        agrees = abs(slope.value - gradient) <= slope.bound  # a step that sees none of f's waves is precise, and wrong
        return self.smooth and agrees and (small or self.truncation <= self.noise)


class Differences:
    """Differences of wᵀ f around a point, for the rows w of ``cotangents``."""

    def __init__(self, f: Function, inputs: Sequence[np.ndarray], cotangents: np.ndarray, eps: float, seed: int):
        self.f, self.eps = f, eps
        self.rows = np.atleast_2d(cotangents)
        self.inputs = [np.array(x, np.float64) for x in inputs]
        self.units = [_units(x) for x in self.inputs]
        rng = np.random.default_rng(seed)
        self.directions = [unit * rng.choice((-1.0, 1.0), unit.shape) for unit in self.units]
        self.y = self._at(self.inputs)
        self.size = float(np.abs(self.rows[0]) @ np.abs(self.y))
        self.noises = np.abs(self.rows) @ np.maximum(self.noise_of(f), np.finfo(f(inputs).dtype).eps * np.abs(self.y))

    def _at(self, inputs: Sequence[np.ndarray]) -> np.ndarray:
        return self.f(inputs).astype(np.float64)

    def noise_of(self, g: Function) -> np.ndarray:
        """How far rounding moves a function of the same inputs, by output: Hamming's table of fourth differences.

        Stairs of rounding look flat at a fine spacing, and may lie on the grid of another: so there are several. The
        coarse ones are for outputs that a fine one does not move, since a curved function's differences grow with it.
        What moves at none of the fine ones, but at a coarse one, has a float32 inside, and no more digits than that.
        """
        tables = [self._table(g, spacing) for spacing in FINE]
        flat = [np.ptp(table, axis=0) == 0 for table in tables]
        fine, noise = (_deviation(table) for table in tables)
        sure = fine > SURE * ROUNDING * np.abs(g(self.inputs))  # less may lie on a grid
        steep = sure & (noise > STEEP * fine)  # it grows with the spacing: that is f itself, and no noise
        noise = np.where(steep, fine, np.maximum(fine, noise))
        if not np.any(flat):
            return noise
        tables = [self._table(g, spacing) for spacing in COARSE]
        coarse = np.max([_deviation(table) for table in tables], axis=0)
        stairs = np.all(flat, axis=0) & np.any([np.ptp(table, axis=0) > 0 for table in tables], axis=0)
        least = np.where(stairs, np.finfo(np.float32).eps * np.abs(g(self.inputs)), 0.0)
        return np.where(np.any(flat, axis=0), np.max([noise, coarse, least], axis=0), noise)

    def _table(self, g: Function, spacing: float) -> np.ndarray:
        """g at neighbouring points, all on one side of x: a kink at x is not crossed."""
        middle = g(self.inputs).astype(np.float64)
        return np.stack([g(self.moved(self.directions, k * spacing)) - middle for k in range(1, POINTS + 1)])

    def moved(self, direction: Sequence[np.ndarray], t: float) -> list[np.ndarray]:
        """The inputs x + t u."""
        return [x + t * u for x, u in zip(self.inputs, direction, strict=True)]

    def along_element(
        self, number: int, place: tuple[int, ...], gradients: Sequence[float], typical: float
    ) -> list[Slope]:
        """The slopes along one element of one input, one for each cotangent.

        Args:
            gradients: the values that are being checked, one for each cotangent.
            typical: the size that gradients of this input have.
        """
        x = self.inputs[number]
        middle = x[place]

        def at(t: float) -> tuple[np.ndarray, float]:
            x[place] = middle + t
            moved = x[place] - middle  # what is left of t beside a large number
            y = self._at(self.inputs)
            x[place] = middle
            return y, moved

        unit, own = self.units[number][place], abs(middle)
        steps = [self.eps * shorter * unit for shorter in SHORTER]  # at last in proportion to the element itself
        steps += [self.eps * shorter * own for shorter in SHORTER if 0 < shorter * own < unit * SHORTER[-1]]
        steps = [2.0 ** np.round(np.log2(h)) for h in steps]  # so that x + h, x + h/2 and x + h/4 are exact
        return self._slopes(at, steps, gradients, typical, unit)

    def along(self, direction: Sequence[np.ndarray], gradients: Sequence[float], typical: float) -> list[Slope]:
        """The slopes along a direction in the space of all inputs, one for each cotangent."""

        def at(t: float) -> tuple[np.ndarray, float]:
            return self._at(self.moved(direction, t)), t

        return self._slopes(at, [self.eps * shorter for shorter in SHORTER], gradients, typical, 1.0)

    def _slopes(
        self,
        at: Callable[[float], tuple[np.ndarray, float]],
        steps: Sequence[float],
        gradients: Sequence[float],
        typical: float,
        unit: float,
    ) -> list[Slope]:
        trials: list[list[_Trial]] = [[] for _ in self.rows]
        waiting = list(range(len(self.rows)))
        for h in steps:
            sides = self._one_sided(at, h)
            if sides is not None:
                tried = {row: self._trial(row, sides, h, unit) for row in waiting}
                waiting = [row for row in waiting if not (trials[row] and tried[row].drowns(trials[row]))]
                for row in waiting:
                    trials[row].append(tried[row])
                waiting = [row for row in waiting if not tried[row].enough(gradients[row])]
            if not waiting:
                break
        return [_decided(found, typical) for found in trials]

    def _one_sided(self, at: Callable[[float], tuple[np.ndarray, float]], h: float) -> np.ndarray | None:
        """One-sided slopes at h, h/2 and h/4, to the right and to the left, by output; None where f is not finite."""
        sides = []
        for step in (h, -h, h / 2, -h / 2, h / 4, -h / 4):
            y, moved = at(step)
            sides.append((y - self.y) / moved)
        found = np.array(sides)
        return found.reshape(3, 2, -1) if np.isfinite(found).all() else None

    def _trial(self, row: int, sides: np.ndarray, h: float, unit: float) -> _Trial:
        w, rounding = self.rows[row], float(self.noises[row])
        d1, d2, d3 = (float(w @ side) for side in sides.sum(1) / 2)
        r1, r2 = (4 * d2 - d1) / 3, (4 * d3 - d2) / 3
        value = (16 * r2 - r1) / 15
        j1, j2, j3 = sides[:, 0] - sides[:, 1]
        jump = float(np.abs(w) @ np.abs(16 * j3 - 10 * j2 + j1)) / 7  # its terms in h and h³ are gone
        noise = WIDE * rounding / h + 64 * ROUNDING * float(np.abs(w) @ np.abs(sides[2, 0]))
        noise += INPUT * ROUNDING * unit / h * float(np.abs(w) @ np.abs(sides[2, 0]))
        if rounding > HIDDEN * h * float(np.abs(w) @ np.abs(sides[0]).max(0)):
            noise += rounding / (FINE[0] * unit)  # so steep may f be between the points of the table
        ends = w * sides[2]
        low, high = float(ends.min(0).sum()), float(ends.max(0).sum())
        return _Trial(Slope(value, abs(r2 - r1) + noise, h, low, high, True), abs(r2 - r1), noise, jump)


def _decided(trials: list[_Trial], typical: float) -> Slope:
    """What the differences at all steps say together."""
    if not trials:  # no finite values on one side: the edge of the domain
        return Slope(np.nan, np.inf, 0.0, -np.inf, np.inf, False)
    smooth = _agreeing([trial for trial in trials if trial.smooth])
    if _stays(trials):
        return trials[-1].slope._replace(differentiable=False)
    if not smooth:  # the jump shrinks, or grows: the slope is continuous but steep, or there is a step
        last = trials[-1]
        return last.slope._replace(bound=last.slope.bound + last.jump, differentiable=last.jump < trials[-2].jump)
    best = min(smooth, key=lambda trial: trial.slope.bound)
    scale = max(abs(best.slope.value), typical)
    return best.slope._replace(differentiable=best.truncation <= max(best.noise, SETTLED * scale))


def _stays(trials: list[_Trial]) -> bool:
    """Whether the jump of the slope stays as the steps get shorter. That of a smooth function shrinks, noise grows."""
    last = trials[-1]
    return not last.smooth and (len(trials) == 1 or 0.5 * trials[-2].jump < last.jump < 2.0 * trials[-2].jump)


def _agreeing(trials: list[_Trial]) -> list[_Trial]:
    """Trials that all shorter ones confirm: steps longer than a function's waves see none of them, and look precise."""
    confirmed: list[_Trial] = []
    for trial in reversed(trials):
        a = trial.slope
        if all(abs(a.value - b.slope.value) <= a.bound + b.slope.bound for b in confirmed):
            confirmed.append(trial)
    return confirmed


def root_mean_square(x: np.ndarray) -> np.ndarray:
    """Over the first axis, without overflow."""
    largest = np.abs(x).max(0)
    with np.errstate(all="ignore"):
        return np.nan_to_num(largest * np.sqrt(np.square(x / largest).mean(0)), nan=0.0, posinf=0.0)


def _deviation(table: np.ndarray) -> np.ndarray:
    """The deviation of each column's noise; what is smooth in it has no fourth difference."""
    return root_mean_square(np.diff(table, 4, axis=0)) / np.sqrt(VARIANCE_OF_FOURTH)


def _units(x: np.ndarray) -> np.ndarray:
    """The size of each element, of which steps are a share; small ones go by a hundredth of the root mean square."""
    magnitude = float(root_mean_square(x.ravel()))
    return np.maximum(np.abs(x), 1e-2 * magnitude if magnitude else 1.0)
