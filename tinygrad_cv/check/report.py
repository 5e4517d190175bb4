"""What a gradient check found, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CORRECT, WRONG, KINK = "correct", "wrong", "not differentiable"


@dataclass(frozen=True, eq=False)
class InputReport:
    """One input, at one order of differentiation. The arrays have the input's shape."""

    name: str  # input 0, ...; from order 2 on also the cotangents of the orders before
    order: int
    shape: tuple[int, ...]
    analytic: np.ndarray
    numeric: np.ndarray
    allowed: np.ndarray  # how far the two may be apart
    step: np.ndarray
    low: np.ndarray  # where an element is not differentiable, subgradients lie from low to high
    high: np.ndarray
    differentiable: np.ndarray
    problem: str = ""  # what is wrong with the gradient as a whole

    @property
    def error(self) -> np.ndarray:
        """|analytic - numeric|, element by element."""
        return np.abs(self.analytic - self.numeric)

    @property
    def wrong(self) -> np.ndarray:
        """The elements where the two are further apart than allowed; NaN is."""
        with np.errstate(invalid="ignore"):
            return self.differentiable & ~(self.error <= self.allowed)

    @property
    def verdict(self) -> str:
        """'correct', 'wrong' or 'not differentiable'."""
        if self.problem or self.wrong.any():
            return WRONG
        return CORRECT if self.differentiable.all() else KINK

    @property
    def worst(self) -> tuple[int, ...]:
        """The element that decides the verdict: the largest error of the wrong ones, or of those not differentiable."""
        with np.errstate(all="ignore"):
            error = np.nan_to_num(self.error, nan=np.inf)
            ratio = np.nan_to_num(error / self.allowed, nan=0.0)
        deciding = {WRONG: self.wrong, KINK: ~self.differentiable, CORRECT: np.ones(self.shape, bool)}[self.verdict]
        key = ratio if self.verdict == CORRECT else error
        return tuple(int(i) for i in np.unravel_index(np.where(deciding, key, -1.0).argmax(), self.shape))

    def __str__(self) -> str:
        order = "" if self.order == 1 else f", order {self.order}"
        head = f"{self.name}, shape {self.shape}{order}: {self.verdict}"
        if self.problem:
            return f"{head}\n    {self.problem}"
        at = self.worst
        which = "such" if self.verdict == KINK else "worst"
        lines = [
            head + self._count(),
            f"    {which} element {at}: analytic {self.analytic[at]:.9g}, numeric {self.numeric[at]:.9g}, "
            f"error {self.error[at]:.2g}, allowed {self.allowed[at]:.2g} at step {self.step[at]:.1g}",
        ]
        if self.verdict == KINK:
            lines.append(f"    {self._subgradient(at)}")
        if self.verdict == WRONG and (factor := self._factor()) is not None:
            lines.append(f"    every wrong element is {factor:.6g} times what it should be")
        return "\n".join(lines)

    def _count(self) -> str:
        size = self.analytic.size
        counts = {WRONG: self.wrong.sum(), KINK: (~self.differentiable).sum()}
        parts = [f"{n} of {size} {what}" for what, n in counts.items() if n]
        return f" ({', '.join(parts) or f'{size} elements'})"

    def _subgradient(self, at: tuple[int, ...]) -> str:
        low, high = self.low[at], self.high[at]
        if not np.isfinite([low, high]).all():
            return "the function is not finite on one side: the edge of its domain"
        slack = self.allowed[at] + 1e-6 * (high - low)
        inside = low - slack <= self.analytic[at] <= high + slack
        where = "inside" if inside else "outside"
        return f"one-sided slopes span [{low:.6g}, {high:.6g}]; the analytic value is {where}"

    def _factor(self) -> float | None:
        """What all wrong elements are too large by, where it is one factor."""
        wrong = self.wrong & (np.abs(self.numeric) > 1e3 * self.allowed) & np.isfinite(self.analytic)
        if not wrong.any() or wrong.sum() < self.wrong.sum():
            return None
        factors = self.analytic[wrong] / self.numeric[wrong]
        return float(factors.mean()) if np.ptp(factors) <= 1e-6 * np.abs(factors).max() else None


@dataclass(frozen=True, eq=False)
class Report:
    """The outcome of :func:`gradcheck`. True only where every gradient is right.

    Attributes:
        inputs: one entry for each input and order.
        seed: of the random cotangent.
        notes: what was done to the inputs.
    """

    inputs: tuple[InputReport, ...]
    seed: int
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """'wrong' if any input is, else 'not differentiable' if any is, else 'correct'."""
        verdicts = {entry.verdict for entry in self.inputs}
        return next(verdict for verdict in (WRONG, KINK, CORRECT) if verdict in verdicts)

    def __bool__(self) -> bool:
        return self.verdict == CORRECT

    def __repr__(self) -> str:
        return f"Report({self.verdict!r}, inputs={len(self.inputs)})"

    def __str__(self) -> str:
        return "\n".join(
            [
                f"gradcheck: {self.verdict}",
                *map(str, self.inputs),
                "rule: |analytic - numeric| <= allowed = truncation + rounding of central differences in float64, both "
                f"estimated; of vᵀf, v random (seed {self.seed})",
                *(f"note: {note}" for note in self.notes),
            ]
        )
