"""Taylor remainders along a line: a function without its value, and without its value and slope.

    R₀(h) = |F(x + h u) - F(x)|              falls like h
    R₁(h) = |F(x + h u) - F(x) - h F'(x) u|  falls like h² if the gradient is right, and like h if it is not

down to the floor of rounding, which is estimated. (Farrell et al., "Automated
derivation of the adjoint of high-level transient finite element programs", 2013, test gradients by these slopes.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

STEPS = 10.0 ** -np.arange(1.0, 10.01, 0.75)
ABOVE = 30.0  # times the floor: remainders below are rounding


@dataclass(frozen=True, eq=False)
class Taylor:
    """A sweep of steps along a random direction.

    Attributes:
        steps: h, falling; shares of the inputs' sizes.
        value, slope: the remainders R₀ and R₁ at each step.
        floor: the rounding error of F, below which no remainder falls.
    """

    steps: np.ndarray
    value: np.ndarray
    slope: np.ndarray
    floor: float

    @property
    def order(self) -> float:
        """The slope of R₁ over h on log-log axes, above the floor; NaN if nothing is above it: F is linear."""
        above = (self.slope > ABOVE * self.floor) & np.isfinite(self.slope)
        first = int(np.argmax(np.isfinite(self.slope)))  # longer steps leave the domain of F
        below = np.flatnonzero(~above[first:])
        last = first + int(below[0]) if below.size else len(above)
        if last - first < 3:
            return float("nan")
        near = slice(max(first, last - 5), last)  # the smallest steps above rounding
        return float(np.polyfit(np.log(self.steps[near]), np.log(self.slope[near]), 1)[0])

    def __str__(self) -> str:
        if np.isnan(self.order):
            return "Taylor remainder below rounding at every step: linear along this direction, and right"
        return f"Taylor remainder of order {self.order:.2f} in the step (2 if the gradient is right, 1 if wrong)"

    def data(self) -> dict[str, object]:
        """The sweep as plain lists and numbers."""
        return {
            "steps": self.steps.tolist(),
            "value": self.value.tolist(),
            "slope": self.slope.tolist(),
            "floor": self.floor,
            "order": None if np.isnan(self.order) else self.order,
        }


def sweep(at: Callable[[float], float], slope: float, noise: float) -> Taylor:
    """The remainders of F(t), given its slope at 0 and its noise."""
    start = at(0.0)
    differences = np.array([at(h) - start for h in STEPS])
    floor = max(noise, float(np.finfo(np.float64).eps) * abs(start))
    return Taylor(STEPS, np.abs(differences), np.abs(differences - STEPS * slope), floor)
