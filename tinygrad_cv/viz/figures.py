"""Figures of Matplotlib without a display or pyplot's global state."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

from ..files import write_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """A figure and its axes (one, or an array of them).

    Args:
        size: width and height in inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size)
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def save_figure(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure whose parts do not overlap."""
    figure.tight_layout()
    write_figure(path, figure, dpi=130)


def plain(text: str) -> str:
    """Text without the dollar signs that Matplotlib would read as mathematics."""
    return text.replace("$", r"\$")
