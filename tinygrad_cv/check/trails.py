"""Who is to blame in a function of another library: the first step whose derivative is wrong, of all that it records.

A step's value y was computed from the values x₁, x₂, ... of earlier ones. For a random w its library gives the local
gradients cᵢ = Jᵢᵀ w. If they are right, the slopes of w·y and of Σ cᵢ·xᵢ along any direction of f's inputs are equal at
these inputs; and if not, they are not, with probability one. Both are sums of recorded values, so f is only run at
neighbouring inputs, and all steps are checked at once. An error of one step does not show in the next.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import FrameType
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .blame import Blame
from .checked import Arrays, Checked
from .elements import cotangent
from .finite_differences import Differences, units
from .noise import moved

OUTSIDE = (__name__.partition(".")[0], "contextlib")  # whose lines are not the user's
EPS = 1e-3  # the first step, as a share of an element's size
SHIFT = 1e-3  # by which the inputs are moved, as a share of their sizes, to see which constants change with them


@dataclass(frozen=True)
class Step:
    """One operation: its name, the module or function that it is in, the user's line."""

    name: str
    module: str = ""
    source: str = ""


class Recorded(NamedTuple):
    """A step, as it was computed."""

    step: Step
    value: np.ndarray
    operands: Sequence[np.ndarray]  # values of earlier steps and inputs
    constants: Sequence[Any]  # arrays and numbers that it read besides
    pull: Callable[[np.ndarray], Sequence[np.ndarray | None]]  # from a cotangent to gradients by the operands


def user_line(library: str) -> str:
    """File and line of the innermost caller that is neither of a library nor of this one."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in (library, *OUTSIDE):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else ""


Record: TypeAlias = Callable[[Arrays], AbstractContextManager[Sequence[Recorded]]]


class Trail:
    """The steps of a function, at its inputs and near them.

    Args:
        record: runs the function at some inputs; what it gives can be pulled back as long as the context lasts.
    """

    def __init__(self, record: Record, inputs: Arrays, seed: int):
        self.record = record
        rng = np.random.default_rng(seed)
        with record(inputs) as found:
            self.steps = [r.step for r in found]
            self.constants = [r.constants for r in found]
            self.weights = [_weight(r.value, rng) for r in found]
            self.local = [r.pull(w) if r.operands else () for r, w in zip(found, self.weights, strict=True)]
            self.broken = [
                i for i, (r, local) in enumerate(zip(found, self.local, strict=True)) if _breaks(r.value, local)
            ]

    def sums(self, inputs: Arrays) -> np.ndarray:
        """w·y for each step, and then Σ cᵢ·xᵢ for each; NaN where the steps are not the same."""
        with self.record(inputs) as found:
            if not self._same(found):
                return np.full(2 * len(self.steps), np.nan)
            after = [_dot(w, r.value) for w, r in zip(self.weights, found, strict=True)]
            before = [
                sum(_dot(c, x) for c, x in zip(local, r.operands, strict=False) if c is not None)
                for local, r in zip(self.local, found, strict=True)
            ]
        return np.array([*after, *before], np.float64)

    def moving(self, inputs: Arrays) -> list[bool]:
        """For each step, whether a constant that it reads is another one at other inputs."""
        with self.record(inputs) as found:
            if not self._same(found):
                return [False] * len(self.steps)
            return [_differ(a, r.constants) for a, r in zip(self.constants, found, strict=True)]

    def _same(self, found: Sequence[Recorded]) -> bool:
        return [(r.step.name, r.value.shape) for r in found] == [
            (step.name, w.shape) for step, w in zip(self.steps, self.weights, strict=True)
        ]


def _weight(y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Random numbers of which none is near 0, such that w·y is of size 1 at most."""
    size = float(np.abs(np.nan_to_num(y, nan=0.0, posinf=0.0, neginf=0.0)).sum())
    w = cotangent(rng, y.size).reshape(y.shape)
    return np.asarray(w / size if size else w, y.dtype)


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    """Re Σ conj(a) b, over what of b is finite."""
    finite = np.nan_to_num(b, nan=0.0, posinf=0.0, neginf=0.0)
    return float((np.conj(np.nan_to_num(a, posinf=0.0, neginf=0.0)) * finite).real.sum(dtype=np.float64))


def _breaks(y: np.ndarray, gradients: Sequence[np.ndarray | None]) -> bool:
    """Whether a finite value has a gradient that is not."""
    return bool(np.isfinite(y).all()) and not all(g is None or np.isfinite(g).all() for g in gradients)


def _differ(a: Sequence[Any], b: Sequence[Any]) -> bool:
    return len(a) != len(b) or any(
        not np.array_equal(x, y, equal_nan=np.asarray(x).dtype.kind in "fc") for x, y in zip(a, b, strict=True)
    )


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
    """The steps whose two slopes differ by more than the differences' own error, or whose gradient is not finite."""
    each = np.eye(len(trail.steps))
    differences = Differences(trail.sums, arrays, np.hstack([each, -each]), EPS, seed)
    gaps = differences.along(_direction(differences.units, seed), [0.0] * len(each), 1.0)
    differ = [i for i, gap in enumerate(gaps) if gap.differentiable and gap.settled and abs(gap.value) > gap.bound]
    return sorted({*differ, *trail.broken})


def _blamed(trail: Trail, number: int, arrays: list[np.ndarray], order: int, seed: int, cut: bool) -> Blame:
    """With both slopes along the same direction, by extrapolated differences."""
    step, both = trail.steps[number], [number, len(trail.steps) + number]
    direction = _direction([units(x) for x in arrays], seed)

    def slopes(h: float) -> np.ndarray:
        ahead, behind = (trail.sums(moved(arrays, direction, t))[both] for t in (h, -h))
        return (ahead - behind) / (2 * h)

    numeric, analytic = map(float, (4 * slopes(EPS / 2) - slopes(EPS)) / 3)
    analytic = np.nan if number in trail.broken else analytic
    return Blame(step.name, step.module, step.source, order, "", (), analytic, numeric, cut=cut)


def _direction(sizes: Arrays, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [size * rng.normal(size=size.shape) for size in sizes]
