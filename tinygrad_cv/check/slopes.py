"""The slope from differences at several steps: a slope, a kink, or undecided for lack of digits.

If f is ill-conditioned, the steps short enough to see its slope are drowned in its noise, and longer ones see something
else: they skip waves, or reach where the function is flat. So a slope that disagrees with the gradient has to be
*settled*: its differences converge, to the noise or to a small share of the slope itself. And what does not converge is
a kink only if the noise is small enough to show that it does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

ENOUGH = 1e-8  # of the gradient: a bound of no more is small
DROWNED = 0.1  # of a jump: more noise hides it
SETTLED = 1e-2  # differences that still change by more than this share do not converge


class Slope(NamedTuple):
    """The derivative along a line, estimated by differences."""

    value: float
    bound: float  # of the value's error
    step: float
    low: float  # the slopes between the left and the right one-sided derivative lie between these
    high: float
    differentiable: bool = True
    settled: bool = True  # False if rounding leaves too few digits to decide

    def precise(self, gradient: float) -> bool:
        """Whether its error is small compared to it, or to the gradient."""
        return self.bound <= ENOUGH * max(abs(gradient), abs(self.value))


class Trial(NamedTuple):
    """The differences at one step, for one cotangent."""

    slope: Slope
    truncation: float
    noise: float
    jump: float  # of the slope, at x
    hides: bool  # whether f changes so little along the step that its noise may hide waves

    @property
    def smooth(self) -> bool:
        """Whether no jump shows above the error of the differences."""
        return self.jump <= 2.0 * self.slope.bound

    def settled(self, others: Sequence[Trial]) -> bool:
        """Whether the differences converge: to the noise, or to a value that a shorter step confirms.

        Steps that skip waves may agree with each other by chance, but not also with shorter ones.
        """
        size = abs(self.slope.value)
        shorter = [t.slope for t in others if t.slope.step < self.slope.step and t.slope.bound <= 0.5 * size]
        confirmed = any(abs(b.value - self.slope.value) <= self.slope.bound + b.bound for b in shorter)
        return self.truncation <= self.noise or (self.truncation <= SETTLED * size and confirmed)

    def agrees(self, gradient: float) -> bool:
        """Whether a gradient is this slope, up to the slope's error."""
        return abs(self.slope.value - gradient) <= self.slope.bound

    def drowns(self, longer: Sequence[Trial]) -> bool:
        """Whether noise hides a jump that longer steps have seen, so that shorter steps are of no use."""
        return not longer[-1].smooth and self.noise > DROWNED * max(trial.jump for trial in longer)

    def enough(self, gradient: float) -> bool:
        """Whether no shorter steps are needed. A step that skips all of f's waves is precise, and wrong."""
        converged = self.slope.precise(gradient) or self.truncation <= self.noise
        return self.smooth and self.agrees(gradient) and converged


def decided(
    trials: Sequence[Trial], drowned: bool, gradient: float, typical: float, crowded: bool, noisy: Callable[[], bool]
) -> Slope:
    """The slope that the differences at all steps, from the longest to the shortest, give together.

    Args:
        drowned: whether shorter steps were of no use because of noise.
        gradient: the value to check.
        typical: the typical size of such values.
        crowded: whether x's elements are so close to each other that what looks like a kink may be a curve.
        noisy: whether f changes by more than rounding when x changes by one ulp.
    """
    if not trials:  # no finite values on one side: the edge of the domain
        nan = float("nan")
        return Slope(nan, float("inf"), 0.0, -float("inf"), float("inf"), differentiable=False)
    smooth = _agreeing([trial for trial in trials if trial.smooth])
    last = trials[-1]
    if _stays(trials):
        near = drowned and (len(trials) == 1 or crowded)
        return last.slope._replace(differentiable=near, settled=not near)
    if not smooth:  # the jump shrinks, or grows: the slope is continuous but steep, or there is a step
        wide = last.slope._replace(bound=last.slope.bound + last.jump)
        shrinks = len(trials) > 1 and last.jump < trials[-2].jump
        return wide._replace(settled=not drowned) if shrinks or drowned else wide._replace(differentiable=False)
    best = min(smooth, key=lambda trial: trial.slope.bound)
    scale = max(abs(best.slope.value), typical)
    if best.agrees(gradient) and best.truncation <= max(best.noise, SETTLED * scale):
        return best.slope
    settled = [trial for trial in smooth if trial.settled(smooth)]
    best = min(settled or smooth, key=lambda trial: trial.slope.bound)
    if not settled:
        hopeless = last.noise > SETTLED * max(scale, abs(gradient))
        return best.slope._replace(differentiable=hopeless, settled=not hopeless)
    return best.slope._replace(settled=not (best.hides and noisy()))


def _stays(trials: Sequence[Trial]) -> bool:
    """Whether the jump of the slope stays as the steps get shorter: a smooth function's shrinks, noise grows."""
    last = trials[-1]
    return not last.smooth and (len(trials) == 1 or 0.5 * trials[-2].jump < last.jump < 2.0 * trials[-2].jump)


def _agreeing(trials: Sequence[Trial]) -> list[Trial]:
    """Trials that all shorter ones confirm: steps longer than a function's waves skip them, and look precise."""
    confirmed: list[Trial] = []
    for trial in reversed(trials):
        a = trial.slope
        if all(abs(a.value - b.slope.value) <= a.bound + b.slope.bound for b in confirmed):
            confirmed.append(trial)
    return confirmed
