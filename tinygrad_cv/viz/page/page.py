"""The interactive page of a graph: one HTML file with the records, two libraries and the scripts of this folder.

The records travel as compressed JSON in base64: a fifth of the size, and an alphabet that no HTML parser can misread.
The page's policy allows the scripts that it contains, by their hashes, and no requests.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import SupportsFloat

from ..records import Records
from ..statistics import Statistics

HERE = Path(__file__).parent
LIBRARIES = ("vendor/viz-global.js", "vendor/svg-pan-zoom.min.js")
LICENCES = ("vendor/viz.LICENSE", "vendor/svg-pan-zoom.LICENSE")
SCRIPTS = tuple(
    f"{name}.js"
    for name in ("words", "elements", "model", "layout", "looks", "drawing", "stage", "panel", "finder", "run", "page")
)
DIGITS = 4  # of numbers in statistics
HOLE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class TrainingStep:
    """One step of a training run.

    Attributes:
        step: its number.
        loss: its loss.
        nodes: by node number, the statistics of the value and of its gradient, as in the node's record:
            ``{"statistics": ..., "gradient": ...}``; either may be missing.
    """

    step: int
    loss: float
    nodes: Mapping[int, Mapping[str, Statistics]]


def page(records: Records, title: str, run: Sequence[TrainingStep] | None = None) -> str:
    """The page, to be written as UTF-8.

    Args:
        title: of the page.
        run: the steps of a training run, for the slider.
    """
    content = {
        "nodes": [_plain(node) for node in records.nodes],
        "edges": [_plain(edge) for edge in records.edges],
        "scopes": [_plain(scope) for scope in records.scopes],
        "run": [_plain(step) for step in run or ()],
    }
    packed = zlib.compress(json.dumps(content, allow_nan=False, separators=(",", ":")).encode(), 6)
    scripts = [_read(name) for name in (*LIBRARIES, *SCRIPTS)]
    parts = {
        "title": html.escape(title.encode(errors="replace").decode()),
        "policy": _policy(scripts),
        "style": _read("page.css"),
        "licences": "\n\n".join(_read(name) for name in LICENCES),
        "records": base64.b64encode(packed).decode(),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    return HOLE.sub(lambda hole: parts[hole[1]], _read("template.html"))


def _read(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _policy(scripts: Sequence[str]) -> str:
    """A content security policy: these scripts, the page's own styles, WebAssembly; nothing else."""
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{digest}'" for digest in hashes)
    return f"default-src 'none'; style-src 'unsafe-inline'; script-src 'wasm-unsafe-eval' {allowed}"


def _plain(value: object) -> object:
    """A value for JSON: records without empty fields, rounded numbers, infinity and NaN as words."""
    if value is None or isinstance(value, (str, int)):
        return value
    if is_dataclass(value):
        return {key: _plain(own) for key, own in vars(value).items() if own not in ("", None) and key != "serial"}
    if isinstance(value, Mapping):
        return {key: _plain(own) for key, own in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(own) for own in value]
    assert isinstance(value, SupportsFloat), value
    number = float(value)
    return float(f"{number:.{DIGITS}g}") if math.isfinite(number) else str(number)
