"""The result of a gradient check for one input, as data and as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .taylor import Taylor

BETWEEN = 1.5  # the orders of the remainders of wrong (1) and right (2) gradients
CORRECT, WRONG, KINK, ILL_CONDITIONED = "correct", "wrong", "not differentiable", "ill-conditioned"


@dataclass(frozen=True, eq=False)
class InputReport:
    """The report on one input, at one order of differentiation.

    The arrays have the input's shape; if the input was checked along directions, an element for each direction.
    """

    name: str  # input 0, ..., or that of a parameter; from order 2 on also the cotangents of lower orders
    number: int
    order: int
    shape: tuple[int, ...]  # of the input
    analytic: np.ndarray
    numeric: np.ndarray
    allowed: np.ndarray  # the largest difference that is accepted
    step: np.ndarray
    low: np.ndarray  # subgradients lie from low to high if an element is not differentiable
    high: np.ndarray
    differentiable: np.ndarray
    checked: np.ndarray  # whether rounding leaves enough digits to check the gradient
    entries: int = 0  # the number of outputs whose entries of the Jacobian were compared one by one
    directions: bool = False  # whether random directions were checked instead of elements
    problem: str = ""  # what is wrong with the gradient as a whole
    taylor: Taylor | None = None  # along a random direction

    @property
    def error(self) -> np.ndarray:
        """|analytic - numeric|, element by element."""
        return np.abs(self.analytic - self.numeric)

    @property
    def wrong(self) -> np.ndarray:
        """The elements whose error is larger than allowed; NaN is."""
        with np.errstate(invalid="ignore"):
            return self.differentiable & self.checked & ~(self.error <= self.allowed)

    @property
    def verdict(self) -> str:
        """'wrong', 'not differentiable', 'ill-conditioned' or 'correct': the first that some element has."""
        return WRONG if self.problem else gravest(self.verdicts)

    @property
    def verdicts(self) -> np.ndarray:
        """The verdict on each element."""
        right = np.where(self.checked, CORRECT, ILL_CONDITIONED)
        return np.where(self.wrong, WRONG, np.where(self.differentiable, right, KINK))

    @property
    def digits(self) -> np.ndarray:
        """The number of digits of the gradient that differences can check, element by element."""
        with np.errstate(all="ignore"):
            size = np.maximum(np.abs(self.analytic), np.abs(self.numeric))
            found = np.log10(size / self.allowed)
        return np.clip(np.nan_to_num(found, nan=0.0), 0.0, 16.0).astype(int)

    @property
    def zero(self) -> bool:
        """Whether gradient and differences are 0 up to rounding: f does not depend on this input."""
        with np.errstate(invalid="ignore"):
            both = (np.abs(self.analytic) <= self.allowed) & (np.abs(self.numeric) <= self.allowed)
        return bool(both.all()) and self.verdict == CORRECT

    @property
    def worst(self) -> tuple[int, ...]:
        """The element that decides the verdict: of those with that verdict, the one with the largest error."""
        with np.errstate(all="ignore"):
            error = np.nan_to_num(self.error, nan=np.inf)
            ratio = np.nan_to_num(error / self.allowed, nan=0.0)
        deciding = (self.verdicts == self.verdict) | (self.verdict == CORRECT)
        key = {CORRECT: ratio, ILL_CONDITIONED: -self.digits + 16.0}.get(self.verdict, error)
        return tuple(int(i) for i in np.unravel_index(np.where(deciding, key, -1.0).argmax(), key.shape))

    @property
    def remainder(self) -> Taylor | None:
        """The Taylor remainders if they support the verdict: along their direction rounding may hide an error."""
        taylor = self.taylor
        if taylor is None or self.verdict in (KINK, ILL_CONDITIONED):
            return None
        return taylor if (taylor.order < BETWEEN) == (self.verdict == WRONG) else None

    def __str__(self) -> str:
        order = "" if self.order == 1 else f", order {self.order}"
        head = f"{self.name}, shape {self.shape}{order}: {self.verdict}"
        if self.problem:
            return f"{head}\n    {self.problem}"
        at = self.worst
        which = "worst" if self.verdict in (WRONG, CORRECT) else "for example"
        what = f"{which} direction {at[0]}" if self.directions else f"{which} element {at}"
        analytic, numeric = self.analytic[at] + 0.0, self.numeric[at] + 0.0  # no "-0"
        said = {
            KINK: f"analytic {analytic:.9g}; {self._subgradient(at)}",
            ILL_CONDITIONED: (
                f"analytic {analytic:.9g}, numeric {numeric:.9g}, which rounding may move by {self.allowed[at]:.2g}"
            ),
        }.get(
            self.verdict,
            f"analytic {analytic:.9g}, numeric {numeric:.9g}, "
            f"error {self.error[at]:.2g}, allowed {self.allowed[at]:.2g} at step {self.step[at]:.1g}",
        )
        lines = [head + self._count(), f"    {what}: {said}"]
        if self.zero:
            lines.append("    zero, and so are the differences: up to rounding, f does not depend on this input")
        elif self.remainder is not None:
            lines.append(f"    {self.remainder}")
        if self.verdict == ILL_CONDITIONED:
            lines.append(f"    {self._conditioning(at)}")
        if self.verdict == WRONG and (factor := self._factor()) is not None:
            what = f"{factor:.6g} times" if abs(factor - 1) > 1e-5 else f"1 {factor - 1:+.2g} times"
            what = f"{what} what it should be" if factor else "0, and should not be"
            lines.append(f"    every wrong element is {what}")
        return "\n".join(lines)

    def _count(self) -> str:
        size = self.analytic.size
        found = self.verdicts
        parts = [f"{n} of {size} {what}" for what in (WRONG, KINK, ILL_CONDITIONED) if (n := (found == what).sum())]
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

    def _conditioning(self, at: tuple[int, ...]) -> str:
        digits = ("no digit", "one digit")[self.digits[at]] if self.digits[at] < 2 else f"{self.digits[at]} digits"
        return f"neither right nor wrong: rounding of f leaves {digits} of this gradient to differences, at any step"

    def _factor(self) -> float | None:
        """The factor by which all wrong elements are too large, if it is the same."""
        wrong = self.wrong & (np.abs(self.numeric) > 1e3 * self.allowed) & np.isfinite(self.analytic)
        if not wrong.any() or wrong.sum() < self.wrong.sum():
            return None
        factors = self.analytic[wrong] / self.numeric[wrong]
        return float(factors.mean()) if np.ptp(factors) <= 1e-6 * np.abs(factors).max() else None

    def data(self) -> dict[str, object]:
        """The JSON of a report: of arrays, the worst element and the counts."""
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
            "ill_conditioned": int((self.verdicts == ILL_CONDITIONED).sum()),
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
    """The most serious of several verdicts."""
    return next(verdict for verdict in (WRONG, KINK, ILL_CONDITIONED, CORRECT) if verdict in verdicts)
