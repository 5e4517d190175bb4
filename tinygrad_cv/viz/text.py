"""Records as lines of text, and as JSON."""

from __future__ import annotations

import json

from .labels import shape_text
from .records import NodeView, Records


def text_lines(records: Records) -> str:
    """One line a node: number, what it is, its inputs' numbers, shape, and where it stands."""
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
    """The records, with what is empty or unknown left out. Serial numbers differ from run to run, so they are, too."""

    def plain(record: object) -> dict[str, object]:
        return {key: value for key, value in vars(record).items() if value not in ("", None) and key != "serial"}

    parts = {"nodes": records.nodes, "edges": records.edges, "scopes": records.scopes}
    return json.dumps({key: [plain(record) for record in part] for key, part in parts.items()}, ensure_ascii=False)
