"""Who is to blame in a function of another library: the first step whose derivative is wrong, of all that it records.

A step's value y was computed from the values x₁, x₂, ... of earlier ones. For a random w its library gives the local
gradients cᵢ = Jᵢᵀ w. If they are right, the slopes of w·y and of Σ cᵢ·xᵢ along any direction of f's inputs are equal at
these inputs; and if not, they are not, with probability one. Both are sums of recorded values, so f is only run at
neighbouring inputs, and all steps are checked at once. An error of one step does not show in the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .blame import Blame
from .checked import Arrays, Checked
from .elements import cotangent
from .finite_differences import Differences
from .noise import Outputs
from .slopes import Slope

EPS = 1e-3  # the first step, as a share of an element's size
SHIFT = 1e-3  # by which the inputs are moved, as a share of their sizes, to see which constants change with them


@dataclass(frozen=True)
class Step:
    """What a library recorded of one operation: its name, the module that it is in, the user's line."""

    name: str
    module: str = ""
    source: str = ""


class Trail(Protocol):
    """The steps of a function at its inputs, each with a random w."""

    steps: Sequence[Step]

    def sums(self, inputs: Arrays) -> np.ndarray:
        """At other inputs: w·y for each step, and then Σ cᵢ·xᵢ for each; NaN where the steps are not the same."""

    def moving(self, inputs: Arrays) -> Sequence[bool]:
        """For each step, whether it reads a constant that is another one at other inputs."""


def first_wrong(function: Checked, inputs: Arrays, order: int, seed: int) -> Blame | None:
    """The first step with a wrong derivative, of the lowest order; one that only reads a moving constant comes last."""
    arrays, rng = list(inputs), np.random.default_rng(seed)
    for k in range(1, order + 1):
        trail = function.trail(arrays, seed)
        if trail is None:
            return None
        wrong = _wrong(trail, arrays, seed)
        if wrong:
            moving = trail.moving([x * (1 + SHIFT * rng.uniform(0.5, 1, x.shape)) + SHIFT * (x == 0) for x in arrays])
            first = min(wrong, key=lambda number: (moving[number], number))
            return _blamed(trail, first, arrays, k, seed, moving[first])
        if k < order:
            arrays.append(cotangent(rng, function(arrays).size))
            function = function.derivative()
    return None


def _wrong(trail: Trail, arrays: list[np.ndarray], seed: int) -> list[int]:
    """The steps whose two slopes differ by more than the differences' own error."""
    each = np.eye(len(trail.steps))
    gaps = _slopes(trail.sums, arrays, np.hstack([each, -each]), seed)
    return [i for i, gap in enumerate(gaps) if gap.differentiable and gap.settled and abs(gap.value) > gap.bound]


def _blamed(trail: Trail, number: int, arrays: list[np.ndarray], order: int, seed: int, cut: bool) -> Blame:
    step, count = trail.steps[number], len(trail.steps)
    numeric, analytic = _slopes(lambda inputs: trail.sums(inputs)[[number, count + number]], arrays, np.eye(2), seed)
    return Blame(step.name, step.module, step.source, order, "", (), analytic.value, numeric.value, cut=cut)


def _slopes(sums: Outputs, arrays: list[np.ndarray], rows: np.ndarray, seed: int) -> list[Slope]:
    """The slopes of combinations of sums along a random direction."""
    differences = Differences(sums, arrays, rows, EPS, seed)
    rng = np.random.default_rng(seed)
    direction = [unit * rng.normal(size=unit.shape) for unit in differences.units]
    return differences.along(direction, [0.0] * len(rows), 1.0)
