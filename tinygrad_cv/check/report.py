"""What a gradient check found, as data and as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from . import picture
from .blame import Blame
from .functions import ArrayFunction, TensorFunction
from .input_report import CORRECT, VAGUE, WRONG, InputReport, gravest

REMEDY = (
    "to check it: inputs nearer to 0 (for a normalization with their mean subtracted), units in which nothing "
    "underflows, float64 in all of f, or a complex step, which subtracts nothing"
)


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
    function: TensorFunction | ArrayFunction | None = None
    arrays: Sequence[np.ndarray] = ()

    @property
    def verdict(self) -> str:
        """'wrong' if any input is, else 'not differentiable' or 'ill-conditioned' if any is, else 'correct'."""
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
                *([REMEDY] if any(entry.verdict == VAGUE for entry in self.inputs) else []),
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
                "inputs": [_plain(entry.data()) for entry in self.inputs],
                "problems": list(self.problems),
                "witness": self.witness,
                "blame": _plain(asdict(self.blame)) if self.blame else None,
                "notes": list(self.notes),
            },
            indent=2,
            ensure_ascii=False,
        )

    def plot(self, file: str | Path) -> None:
        """Draw errors over step sizes, log-log with their slopes, as SVG, PNG or PDF by the file's ending.

        Raises:
            ImportError: Matplotlib is not installed.
        """
        picture.plot(self.inputs, file)

    def draw(self, file: str | Path) -> None:
        """Draw the graph of f, each edge coloured by the error of the derivative along it, as SVG, PNG or PDF.

        Raises:
            GraphError: f is a NumPy function, which has no graph.
            RuntimeError: no renderer is installed.
        """
        picture.draw(self.function, self.arrays, self.inputs, self.seed, file)


def html_table(columns: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    """Rows as notebooks show them."""

    def row(tag: str, cells: Sequence[Any]) -> str:
        return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

    return f"<table>{row('th', columns)}{''.join(row('td', cells) for cells in rows)}</table>"


def _plain(value: Any) -> Any:
    """What JSON can hold: it knows no NaN and no infinities."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if not isinstance(value, float) or np.isfinite(value) else str(value)
