"""Figures of the lecture's pages: SVG that takes its colours from the page, with words in both languages.

The page's style sheet shows the words of its own language, so that a figure is made once for both.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from tinygrad_cv.viz import GraphView

Words = str | tuple[str, str]  # the same in both languages, or English and Korean


class Figure:
    """HTML that a notebook shows."""

    def __init__(self, markup: str):
        self.markup = f'<figure class="drawn">{markup}</figure>'

    def _repr_html_(self) -> str:
        return self.markup


def words(text: Words, tag: str = "span") -> str:
    if isinstance(text, str):
        return escape(text)
    english, korean = map(escape, text)
    return f'<{tag} lang="en">{english}</{tag}><{tag} lang="ko">{korean}</{tag}>'


def numbers(arrays: Mapping[Words, np.ndarray], marks: Mapping[Words, np.ndarray] | None = None) -> Figure:
    """Matrices side by side, darker where larger; ``marks`` says which elements of one get a colour of their own."""
    tables = []
    for name, array in arrays.items():
        low, span = float(array.min()), float(np.ptp(array)) or 1.0
        rows = []
        for i, row in enumerate(array):
            cells = []
            for j, value in enumerate(row):
                mark = f" mark{int(marks[name][i, j])}" if marks and name in marks else ""
                shade = f"--shade: {100 * (value - low) / span:.0f}%"
                cells.append(f'<td class="cell{mark}" style="{shade}">{value:.4g}</td>')
            rows.append(f"<tr>{''.join(cells)}</tr>")
        tables.append(f"<div><table>{''.join(rows)}</table><figcaption>{words(name)}</figcaption></div>")
    return Figure(f'<div class="row">{"".join(tables)}</div>')


def images(pictures: Mapping[Words, np.ndarray], side: int = 112) -> Figure:
    """Arrays H x W or H x W x 3 as pictures side by side, each from its least to its largest value."""
    parts = []
    for name, array in pictures.items():
        low, span = float(array.min()), float(np.ptp(array)) or 1.0
        buffer = io.BytesIO()
        Image.fromarray(np.uint8(np.round((array - low) / span * 255))).save(buffer, "PNG", optimize=True)
        data = base64.b64encode(buffer.getvalue()).decode()
        text = name if isinstance(name, str) else " · ".join(name)
        picture = f'<img src="data:image/png;base64,{data}" width="{side}" height="{side}" alt="{escape(text)}">'
        parts.append(f"<div>{picture}<figcaption>{words(name)}</figcaption></div>")
    return Figure(f'<div class="row">{"".join(parts)}</div>')


def graph(view: GraphView) -> Figure:
    """A graph with all of its operations. Where it is larger than the page it is scrolled."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "graph.svg")
        view.svg(path)
        picture = path.read_text(encoding="utf-8")
    return Figure(f'<div class="graph-view" tabindex="0">{picture[picture.index("<svg") :]}</div>')
