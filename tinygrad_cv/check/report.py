"""The result of a gradient check, as data and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path

import numpy as np

from ..core.annotations import explaining
from . import picture
from .blame import Blame
from .checked import Checked
from .input_report import CORRECT, ILL_CONDITIONED, WRONG, InputReport, gravest

REMEDY = (
    "to check it: inputs nearer to 0 (for a normalization with their mean subtracted), units in which nothing "
    "underflows, float64 in all of f, or a complex step, which subtracts nothing"
)


@dataclass(frozen=True, eq=False)
class Report:
    """The result of :func:`gradcheck`. True only if every gradient is right.

    Attributes:
        inputs: one entry for each input and order.
        seed: of the random cotangent.
        notes: what was done to the inputs.
        problems: what is wrong besides elements of gradients.
        witness: the complex-step derivative, in words.
        blame: the first operation whose derivative is wrong, or None.
        function, arrays: what was checked, for :meth:`draw`.
    """

    inputs: tuple[InputReport, ...]
    seed: int
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    witness: str = ""
    blame: Blame | None = None
    function: Checked | None = None
    arrays: Sequence[np.ndarray] = ()

    @property
    def verdict(self) -> str:
        """'wrong', 'not differentiable', 'ill-conditioned' or 'correct': the first that some input has."""
        return WRONG if self.problems else gravest([entry.verdict for entry in self.inputs])

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
                *([REMEDY] if any(entry.verdict == ILL_CONDITIONED for entry in self.inputs) else []),
                "rule: |analytic - numeric| <= allowed = truncation + rounding of central differences in float64, both "
                f"estimated; of vᵀf, v random (seed {self.seed})",
                *([f"witness: {self.witness}"] if self.witness else []),
                *(f"note: {note}" for note in self.notes),
            ]
        )

    def _repr_html_(self) -> str:
        """For notebooks: a table of the inputs, and the whole text."""
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
        """The report as JSON: all but the arrays; of those, the worst element and the counts."""
        return json.dumps(
            {
                "verdict": self.verdict,
                "seed": self.seed,
                "inputs": [_plain(entry.data()) for entry in self.inputs],
                "problems": list(self.problems),
                "witness": self.witness,
                "blame": _plain(asdict(self.blame)) if self.blame else None,
                "notes": list(self.notes),
            },
            indent=2,
            ensure_ascii=False,
        )

    @explaining
    def plot(self, file: str | Path) -> None:
        """Draw the Taylor remainders over the step, log-log, as SVG, PNG or PDF by the file's suffix.

        Raises:
            ImportError: Matplotlib is not installed.
        """
        picture.plot(self.inputs, file)

    @explaining
    def draw(self, file: str | Path) -> None:
        """Draw the graph of f, its edges coloured by the verdict on the derivative along them, as SVG, PNG or PDF.

        Raises:
            GraphError: f is a NumPy function, which has no graph.
            RuntimeError: no renderer is installed.
        """
        picture.draw(self.function, self.arrays, self.inputs, self.seed, file)


def html_table(columns: Sequence[object], rows: Sequence[Sequence[object]]) -> str:
    """A table for notebooks."""

    def row(tag: str, cells: Sequence[object]) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    return f"<table>{row('th', columns)}{''.join(row('td', cells) for cells in rows)}</table>"


def _plain(value: object) -> object:
    """A value for JSON, which has neither NaN nor infinities."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if not isinstance(value, float) or np.isfinite(value) else str(value)
