"""Records as lines of text, and as JSON."""

from __future__ import annotations

import json
import math

from .labels import shape_text
from .records import NodeView, Records
from .statistics import Statistics


def text_lines(records: Records) -> str:
    """A line for each node: its number, what it is, the numbers of its inputs, its shape, value and module."""
    inputs: list[list[str]] = [[] for _ in records.nodes]
    for edge in records.edges:
        inputs[edge.target].append(f"#{edge.source}")
    rows = [("#", "node", "inputs", "shape", "value", "in")]
    rows += [
        (
            f"#{node.number}",
            _what(node),
            " ".join(inputs[node.number]),
            shape_text(node.shape) or "scalar",
            node.value,
            "/".join(filter(None, (node.module, node.function))),
        )
        for node in records.nodes
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(cell.ljust(n) for cell, n in zip(row, widths, strict=True)).rstrip() for row in rows)


def _what(node: NodeView) -> str:
    if node.kind in ("op", "group"):
        name = f" {node.name}" if node.name else ""
        return f"{node.label}{name}{f' ({node.detail})' if node.detail else ''}"
    return f"{node.kind} {node.name}".rstrip()


def json_text(records: Records) -> str:
    """The records without empty and unknown fields, and without serial numbers, which differ from run to run."""
    parts = {"nodes": records.nodes, "edges": records.edges, "scopes": records.scopes}
    return json.dumps({key: [_plain(record) for record in part] for key, part in parts.items()}, ensure_ascii=False)


def _plain(record: object) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in vars(record).items():
        if isinstance(value, Statistics):
            value = {name: _finite(number) for name, number in vars(value).items()}
        if value not in ("", None) and key != "serial":
            found[key] = value
    return found


def _finite(value: object) -> object:
    """JSON has neither NaN nor infinities."""
    if isinstance(value, tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
