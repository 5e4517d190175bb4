"""What a gradient check found of one input, as data and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .taylor import Taylor

NEAR = 1.5  # between the orders of remainders of wrong and right gradients
CORRECT, WRONG, KINK, VAGUE = "correct", "wrong", "not differentiable", "ill-conditioned"


@dataclass(frozen=True, eq=False)
class InputReport:
    """One input, at one order of differentiation.

    The arrays have the input's shape, or one element for each direction where the input was checked along directions.
    """

    name: str  # input 0, ..., or a parameter's; from order 2 on also the cotangents of the orders before
    number: int
    order: int
    shape: tuple[int, ...]  # of the input
    analytic: np.ndarray
    numeric: np.ndarray
    allowed: np.ndarray  # how far the two may be apart
    step: np.ndarray
    low: np.ndarray  # where an element is not differentiable, subgradients lie from low to high
    high: np.ndarray
    differentiable: np.ndarray
    checked: np.ndarray  # whether rounding leaves the differences digits enough to check the gradient
    entries: int = 0  # how many outputs' entries of the Jacobian were compared by themselves
    directions: bool = False  # whether random directions were checked, not elements
    problem: str = ""  # what is wrong with the gradient as a whole
    taylor: Taylor | None = None  # along a random direction

    @property
    def error(self) -> np.ndarray:
        """|analytic - numeric|, element by element."""
        return np.abs(self.analytic - self.numeric)

    @property
    def wrong(self) -> np.ndarray:
        """The elements where the two are further apart than allowed; NaN is."""
        with np.errstate(invalid="ignore"):
            return self.differentiable & self.checked & ~(self.error <= self.allowed)

    @property
    def verdict(self) -> str:
        """'correct', 'wrong', 'not differentiable' or 'ill-conditioned': the first that fits, of the last three."""
        return WRONG if self.problem else gravest(self.verdicts)

    @property
    def verdicts(self) -> np.ndarray:
        """'correct', 'wrong', 'not differentiable' or 'ill-conditioned', element by element."""
        right = np.where(self.checked, CORRECT, VAGUE)
        return np.where(self.wrong, WRONG, np.where(self.differentiable, right, KINK))

    @property
    def digits(self) -> np.ndarray:
        """How many digits of the gradient the differences can check, element by element."""
        with np.errstate(all="ignore"):
            size = np.maximum(np.abs(self.analytic), np.abs(self.numeric))
            found = np.log10(size / self.allowed)
        return np.clip(np.nan_to_num(found, nan=0.0), 0.0, 16.0).astype(int)

    @property
    def zero(self) -> bool:
        """Whether the gradient is 0 but for rounding, by the differences as well: f does not change with this input."""
        with np.errstate(invalid="ignore"):
            both = (np.abs(self.analytic) <= self.allowed) & (np.abs(self.numeric) <= self.allowed)
        return bool(both.all()) and self.verdict == CORRECT

    @property
    def worst(self) -> tuple[int, ...]:
        """The element that decides the verdict: the largest error of the wrong ones, or of those not differentiable."""
        with np.errstate(all="ignore"):
            error = np.nan_to_num(self.error, nan=np.inf)
            ratio = np.nan_to_num(error / self.allowed, nan=0.0)
        deciding = (self.verdicts == self.verdict) | (self.verdict == CORRECT)
        key = {CORRECT: ratio, VAGUE: -self.digits + 16.0}.get(self.verdict, error)
        return tuple(int(i) for i in np.unravel_index(np.where(deciding, key, -1.0).argmax(), key.shape))

    @property
    def remainder(self) -> Taylor | None:
        """The Taylor remainders where they bear the verdict out; along their direction rounding may hide it."""
        taylor = self.taylor
        if taylor is None or self.verdict in (KINK, VAGUE):
            return None
        return taylor if (taylor.order < NEAR) == (self.verdict == WRONG) else None

    def __str__(self) -> str:
        order = "" if self.order == 1 else f", order {self.order}"
        head = f"{self.name}, shape {self.shape}{order}: {self.verdict}"
        if self.problem:
            return f"{head}\n    {self.problem}"
        at = self.worst
        which = "worst" if self.verdict in (WRONG, CORRECT) else "such"
        what = f"{which} direction {at[0]}" if self.directions else f"{which} element {at}"
        analytic, numeric = self.analytic[at] + 0.0, self.numeric[at] + 0.0  # no "-0"
        said = {
            KINK: f"analytic {analytic:.9g}; {self._subgradient(at)}",
            VAGUE: f"analytic {analytic:.9g}, numeric {numeric:.9g}, which rounding may move by {self.allowed[at]:.2g}",
        }.get(
            self.verdict,
            f"analytic {analytic:.9g}, numeric {numeric:.9g}, "
            f"error {self.error[at]:.2g}, allowed {self.allowed[at]:.2g} at step {self.step[at]:.1g}",
        )
        lines = [head + self._count(), f"    {what}: {said}"]
        if self.zero:
            lines.append("    zero, for the differences as well: f does not change with this input, but for rounding")
        elif self.remainder is not None:
            lines.append(f"    {self.remainder}")
        if self.verdict == VAGUE:
            lines.append(f"    {self._vagueness(at)}")
        if self.verdict == WRONG and (factor := self._factor()) is not None:
            what = f"{factor:.6g} times what it should be" if factor else "0, and should not be"
            lines.append(f"    every wrong element is {what}")
        return "\n".join(lines)

    def _count(self) -> str:
        size = self.analytic.size
        found = self.verdicts
        parts = [f"{n} of {size} {what}" for what in (WRONG, KINK, VAGUE) if (n := (found == what).sum())]
        checked = f"{size} random directions" if self.directions else f"{size} elements"
        if self.entries and not self.directions:
            checked += f", {size * self.entries} entries of the Jacobian"
        return f" ({', '.join(parts) or checked})"

    def _subgradient(self, at: tuple[int, ...]) -> str:
        low, high = self.low[at], self.high[at]
        if not np.isfinite([low, high]).all():
            return "the function is not finite on one side: the edge of its domain"
        slack = self.allowed[at] + 1e-6 * (high - low)
        inside = low - slack <= self.analytic[at] <= high + slack
        where = "inside, as a subgradient is" if inside else "outside, as no subgradient is"
        return f"one-sided slopes span [{low + 0.0:.6g}, {high + 0.0:.6g}]; the analytic value is {where}"

    def _vagueness(self, at: tuple[int, ...]) -> str:
        digits = ("no digit", "one digit")[self.digits[at]] if self.digits[at] < 2 else f"{self.digits[at]} digits"
        return f"neither right nor wrong: rounding of f leaves {digits} of this gradient to differences, at any step"

    def _factor(self) -> float | None:
        """What all wrong elements are too large by, where it is one factor."""
        wrong = self.wrong & (np.abs(self.numeric) > 1e3 * self.allowed) & np.isfinite(self.analytic)
        if not wrong.any() or wrong.sum() < self.wrong.sum():
            return None
        factors = self.analytic[wrong] / self.numeric[wrong]
        return float(factors.mean()) if np.ptp(factors) <= 1e-6 * np.abs(factors).max() else None

    def data(self) -> dict[str, Any]:
        """What a report's JSON says of it: of arrays the worst element and the counts."""
        at = self.worst
        return {
            "name": self.name,
            "order": self.order,
            "shape": list(self.shape),
            "verdict": self.verdict,
            "checked": "directions" if self.directions else "elements",
            "count": self.analytic.size,
            "wrong": int(self.wrong.sum()),
            "not_differentiable": int((self.verdicts == KINK).sum()),
            "ill_conditioned": int((self.verdicts == VAGUE).sum()),
            "zero": self.zero,
            "worst": {
                "index": list(at),
                "analytic": float(self.analytic[at]),
                "numeric": float(self.numeric[at]),
                "allowed": float(self.allowed[at]),
                "step": float(self.step[at]),
                "subgradients": [float(self.low[at]), float(self.high[at])],
            },
            "taylor": self.taylor.data() if self.taylor else None,
            "problem": self.problem,
        }


def gravest(verdicts: Sequence[str] | np.ndarray) -> str:
    """The gravest of several verdicts."""
    return next(verdict for verdict in (WRONG, KINK, VAGUE, CORRECT) if verdict in verdicts)
