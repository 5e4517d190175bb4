"""What a gradient check found, as data and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from .taylor import Taylor

if TYPE_CHECKING:
    from .blame import Blame

NEAR = 1.5  # between the orders of remainders of wrong and right gradients
CORRECT, WRONG, KINK = "correct", "wrong", "not differentiable"


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
            return self.differentiable & ~(self.error <= self.allowed)

    @property
    def verdict(self) -> str:
        """'correct', 'wrong' or 'not differentiable'."""
        if self.problem or self.wrong.any():
            return WRONG
        return CORRECT if self.differentiable.all() else KINK

    @property
    def verdicts(self) -> np.ndarray:
        """'correct', 'wrong' or 'not differentiable', element by element."""
        return np.where(self.wrong, WRONG, np.where(self.differentiable, CORRECT, KINK))

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
        deciding = {WRONG: self.wrong, KINK: ~self.differentiable, CORRECT: np.ones(self.error.shape, bool)}[
            self.verdict
        ]
        key = ratio if self.verdict == CORRECT else error
        return tuple(int(i) for i in np.unravel_index(np.where(deciding, key, -1.0).argmax(), key.shape))

    @property
    def remainder(self) -> Taylor | None:
        """The Taylor remainders where they bear the verdict out; of an ill-conditioned f, rounding hides it."""
        taylor = self.taylor
        if taylor is None or self.verdict == KINK:
            return None
        return taylor if (taylor.order < NEAR) == (self.verdict == WRONG) else None

    def __str__(self) -> str:
        order = "" if self.order == 1 else f", order {self.order}"
        head = f"{self.name}, shape {self.shape}{order}: {self.verdict}"
        if self.problem:
            return f"{head}\n    {self.problem}"
        at = self.worst
        which = "such" if self.verdict == KINK else "worst"
        what = f"{which} direction {at[0]}" if self.directions else f"{which} element {at}"
        lines = [
            head + self._count(),
            f"    {what}: analytic {self.analytic[at]:.9g}, numeric {self.numeric[at]:.9g}, "
            f"error {self.error[at]:.2g}, allowed {self.allowed[at]:.2g} at step {self.step[at]:.1g}",
        ]
        if self.zero:
            lines.append("    zero, for the differences as well: f does not change with this input, but for rounding")
        elif self.remainder is not None:
            lines.append(f"    {self.remainder}")
        if self.verdict == KINK:
            lines.append(f"    {self._subgradient(at)}")
        if self.verdict == WRONG and (factor := self._factor()) is not None:
            lines.append(f"    every wrong element is {factor:.6g} times what it should be")
        return "\n".join(lines)

    def _count(self) -> str:
        size = self.analytic.size
        counts = {WRONG: self.wrong.sum(), KINK: (~self.differentiable).sum()}
        parts = [f"{n} of {size} {what}" for what, n in counts.items() if n]
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
        problems: what is wrong apart from single elements.
        witness: what complex numbers say.
        blame: the first operation whose derivative is wrong, or None.
        function, arrays: what was checked, for :meth:`draw`.
    """

    inputs: tuple[InputReport, ...]
    seed: int
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    witness: str = ""
    blame: Blame | None = None
    function: Any = None
    arrays: Sequence[np.ndarray] = ()

    @property
    def verdict(self) -> str:
        """'wrong' if any input is, else 'not differentiable' if any is, else 'correct'."""
        verdicts = {entry.verdict for entry in self.inputs} | ({WRONG} if self.problems else set())
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
                *(f"problem: {problem}" for problem in self.problems),
                *([str(self.blame)] if self.blame else []),
                "rule: |analytic - numeric| <= allowed = truncation + rounding of central differences in float64, both "
                f"estimated; of vᵀf, v random (seed {self.seed})",
                *([f"witness: {self.witness}"] if self.witness else []),
                *(f"note: {note}" for note in self.notes),
            ]
        )

    def _repr_html_(self) -> str:
        """For notebooks: a table of the inputs, the whole text below."""
        columns = "input", "order", "shape", "verdict", "checked", "largest error", "allowed there"
        rows = [
            (
                entry.name,
                entry.order,
                "×".join(map(str, entry.shape)) or "()",
                entry.verdict,
                f"{entry.analytic.size} {'directions' if entry.directions else 'elements'}",
                f"{entry.error[entry.worst]:.2g}",
                f"{entry.allowed[entry.worst]:.2g}",
            )
            for entry in self.inputs
        ]
        return f"<p><b>gradcheck: {self.verdict}</b></p>{html_table(columns, rows)}<pre>{escape(str(self))}</pre>"

    def json(self) -> str:
        """Everything but the arrays as JSON, for machines to read; of arrays the worst element and the counts."""
        return json.dumps(
            {
                "verdict": self.verdict,
                "seed": self.seed,
                "inputs": [_summary(entry) for entry in self.inputs],
                "problems": list(self.problems),
                "witness": self.witness,
                "blame": _plain(asdict(self.blame)) if self.blame else None,
                "notes": list(self.notes),
            },
            indent=2,
            ensure_ascii=False,
        )

    def plot(self, file: Any) -> None:
        """Draw errors over step sizes, log-log with their slopes, as SVG, PNG or PDF by the file's ending.

        Raises:
            ImportError: Matplotlib is not installed.
        """
        from .picture import plot

        plot(self, file)

    def draw(self, file: Any) -> None:
        """Draw the graph of f, each edge coloured by the error of the derivative along it, as SVG, PNG or PDF.

        Raises:
            GraphError: f is a NumPy function, which has no graph.
            RuntimeError: no renderer is installed.
        """
        from .picture import draw

        draw(self, file)


def html_table(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as notebooks show them."""

    def row(tag: str, cells: Sequence[Any]) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    return f"<table>{row('th', columns)}{''.join(row('td', cells) for cells in rows)}</table>"


def _summary(entry: InputReport) -> dict[str, Any]:
    at = entry.worst
    return _plain(
        {
            "name": entry.name,
            "order": entry.order,
            "shape": list(entry.shape),
            "verdict": entry.verdict,
            "checked": "directions" if entry.directions else "elements",
            "count": entry.analytic.size,
            "wrong": int(entry.wrong.sum()),
            "not_differentiable": int((~entry.differentiable).sum()),
            "zero": entry.zero,
            "worst": {
                "index": list(at),
                "analytic": float(entry.analytic[at]),
                "numeric": float(entry.numeric[at]),
                "allowed": float(entry.allowed[at]),
                "step": float(entry.step[at]),
                "subgradients": [float(entry.low[at]), float(entry.high[at])],
            },
            "taylor": entry.taylor.data() if entry.taylor else None,
            "problem": entry.problem,
        }
    )


def _plain(value: Any) -> Any:
    """What JSON can hold: it knows no NaN and no infinities."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if not isinstance(value, float) or np.isfinite(value) else str(value)
