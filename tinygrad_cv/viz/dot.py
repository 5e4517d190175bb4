"""From records to the DOT language. The same records give the same text, byte for byte.

Node labels are HTML-like, and escaped here; everything else is quoted by the package graphviz.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from typing import Literal, TypeAlias

from graphviz import Digraph, escape

from .collapse import inner_functions
from .labels import shape_text
from .records import EdgeView, NodeView, Records, ScopeView

Direction: TypeAlias = Literal["TB", "LR"]

FONT = "Arial"  # a family that every renderer can measure
COLOURS = {  # of operations, by family
    "elementwise": "#e3eefb",
    "movement": "#eeeeee",
    "window": "#e9e4f5",
    "reduction": "#dff2e3",
    "contraction": "#fde8d0",
    "indexing": "#f7f3cf",
    "random": "#fbe3ef",
    "collective": "#d9f0f0",
    "custom": "#fbdcd9",
}
SIZES = {"fontsize": "12", "margin": "0.12,0.06", "height": "0.3", "width": "0.3"}
OPERATION = {"shape": "box", "style": "rounded,filled", "color": "#7b8794", **SIZES}
FLOW = {"fontsize": "9", "fontcolor": "#4b5563", "color": "#6b7280", "arrowsize": "0.6"}
BACKWARD_FLOW = {"color": "#b0413e", "fontcolor": "#b0413e"}
READ = {"constraint": "false", "style": "dotted", "color": "#9aa5b5", "arrowhead": "open"}  # backward reads forward
TIE = {"dir": "none", "style": "dashed", "color": "#d9b8bb", "constraint": "true", "minlen": "0"}
LOOKS = {  # of nodes that are not operations, by kind
    "parameter": {"shape": "ellipse", "style": "filled", "fillcolor": "#fff6d6", "color": "#c9a227"},
    "leaf": {"shape": "ellipse", "style": "filled", "fillcolor": "#fff6d6", "color": "#c9a227"},
    "input": {"shape": "ellipse", "style": "filled", "fillcolor": "#ffffff", "color": "#374151"},
    "constant": {"shape": "plain", "style": "solid", "fontcolor": "#6b7280", "fontsize": "10"},
    "output": {"shape": "ellipse", "style": "filled,bold", "fillcolor": "#ffffff", "color": "#374151"},
}
FRAMES = {  # by the kind of scope
    "module": ("#9aa5b5", "#f5f7fa"),
    "function": ("#c3c9d3", "#fbfcfd"),
    "kernel": ("#6b7280", "#ffffff"),
}  # border and fill
SYMMETRIC = {"add", "mul", "maximum", "equal"}  # the order of the operands does not matter
VALUES, ALARM = "#3f6d4e", "#d62f2f"  # colours of lines about values
MANY_ZEROS = 0.01  # the share of zeros is shown from here on
FORMULA = 24  # characters: longer formulas go into the tooltip
NAME = 48  # characters: longer names are cut
LEFT_TO_RIGHT = 24  # nodes: a drawing without frames, and no larger, runs from left to right
OBJECT_ESCAPE = re.compile(r"\\(?=[NGLEHT])")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def dot_text(records: Records, direction: Direction | None = None) -> str:
    """The drawing in DOT.

    Args:
        direction: "TB" (top to bottom) or "LR" (left to right); by default by the size of the graph.

    Raises:
        ValueError: an unknown direction.
    """
    if direction not in (None, "TB", "LR"):
        raise ValueError(f"graph: direction={direction!r}: it must be 'TB' (top to bottom) or 'LR' (left to right).")
    across = len(records.nodes) <= LEFT_TO_RIGHT and not records.scopes
    top = Digraph(
        graph_attr={"rankdir": direction or ("LR" if across else "TB"), "fontname": FONT, "fontsize": "11"},
        node_attr={"fontname": FONT, **OPERATION},
        edge_attr={"fontname": FONT, **FLOW},
    )
    frames = _frames(records)
    for node in records.nodes:
        graph = top if node.scope is None else frames[node.scope]
        graph.node(f"n{node.number}", _label(node), _attributes=_look(node))
    inside: list[list[Digraph]] = [[] for _ in frames]
    for scope in reversed(records.scopes):  # inner scopes come after outer ones, so this one is complete by now
        frame = frames[scope.number]
        for part in reversed(inside[scope.number]):
            frame.subgraph(part)
        if scope.parent is not None and frame is not frames[scope.parent]:
            inside[scope.parent].append(frame)
    for scope in records.scopes:
        if scope.parent is None:
            top.subgraph(frames[scope.number])
    mirrored = any(node.origin is not None for node in records.nodes)
    reads: set[tuple[int, int]] = set()
    if mirrored:
        top.attr(label=_legend(records), labelloc="b", fontcolor=FLOW["fontcolor"])
    for edge in records.edges:
        if mirrored and _reads(records, edge):
            reads.add((edge.source, edge.target))
        else:
            _draw_edge(top, records, edge, mirrored)
    for source, target in sorted(reads):
        top.edge(f"n{source}", f"n{target}", _attributes=READ)
    for backward, forward in _ties(records).items():
        top.edge(f"n{forward}", f"n{backward}", _attributes=TIE)
    return top.source


def _legend(records: Records) -> str:
    """What lines and colours mean when both passes are drawn."""
    parts = ["red: the backward pass", "dashed: an operation and its derivative"]
    if any(_reads(records, edge) for edge in records.edges):
        parts.append("dotted: a value of the forward pass that the backward pass reads")
    if any(node.kind in ("parameter", "leaf") for node in records.nodes):
        parts.append("yellow: parameters")
    return " · ".join(parts)


def _draw_edge(top: Digraph, records: Records, edge: EdgeView, mirrored: bool) -> None:
    """An edge; with both passes, those of the backward pass are laid out in the forward direction, next to them."""
    ends, look = (f"n{edge.source}", f"n{edge.target}"), _mark(edge)
    if mirrored and records.nodes[edge.target].part == "backward":
        ends, look = ends[::-1], {**BACKWARD_FLOW, "dir": "back", **look}
    top.edge(*ends, _edge_label(records, edge), _attributes=look)


def _reads(records: Records, edge: EdgeView) -> bool:
    """Whether this edge carries a value of the forward pass into the backward pass."""
    return records.nodes[edge.target].part == "backward" and records.nodes[edge.source].part != "backward"


def _ties(records: Records) -> dict[int, int]:
    """For each forward node the first backward node that computes its derivative; the backward nodes are the keys."""
    ties: dict[int, int] = {}
    for node in records.nodes:
        if node.origin is not None and node.origin not in ties.values():
            ties[node.number] = node.origin
    return ties


def _frames(records: Records) -> list[Digraph]:
    """A frame for each scope; a layer that only calls one function shares a frame with it."""
    shared = inner_functions(records)
    frames: list[Digraph] = []
    holders = {function.number: layer for layer, function in shared.items()}
    for scope in records.scopes:
        if scope.number in holders:
            frames.append(frames[holders[scope.number]])
        else:
            frames.append(_frame(scope, shared.get(scope.number)))
    return frames


def _frame(scope: ScopeView, function: ScopeView | None) -> Digraph:
    border, fill = FRAMES[scope.kind]
    parts = (scope, function) if function else (scope,)
    names = [_html(_cut(part.name)) for part in parts]
    words = [f"<I>{name}</I>" if part.kind == "function" else name for part, name in zip(parts, names, strict=True)]
    look = {"label": f"<{' '.join(words)}>", "labeljust": "l", "style": "rounded,filled", "fontcolor": "#4b5563"}
    return Digraph(f"cluster_{scope.number}", graph_attr={**look, "color": border, "fillcolor": scope.colour or fill})


def _label(node: NodeView) -> str:
    if node.kind == "constant":
        return f"<{_html(_cut(node.name or node.value or node.kind))}>"
    heading, line = node.name or node.kind, node.value
    if node.kind == "op":
        heading, line = node.label, _formula(node)
    elif node.kind == "group":
        name = f"layer {node.name}" if node.name.isdigit() else node.name
        heading, line = node.label, ", ".join(filter(None, (name, node.detail)))
    elif node.kind == "output" and not node.value:
        line = shape_text(node.shape)
    elif node.kind == "parameter":
        line = ""
    text = f"<B>{_html(_cut(heading))}</B>"
    for words, colour in ((line, "#4b5563"), *_numbers(node), (node.note, node.colour or "#4b5563")):
        text += f'<BR/><FONT POINT-SIZE="10" COLOR="{colour}">{_html(_cut(words))}</FONT>' if words else ""
    return f"<{text}>"


def _numbers(node: NodeView) -> Iterator[tuple[str, str]]:
    """Lines about time, values and gradients, and their colours."""
    if node.seconds:
        yield f"{1e3 * node.seconds:.3g} ms", VALUES
    for mark, known in (("", node.statistics), ("∂ ", node.gradient)):
        if known is None:
            continue
        yield f"{mark}μ {known.mean:.2g}  σ {known.deviation:.2g}  ‖·‖ {known.norm:.2g}", VALUES
        bad = [f"{n} {what}" for n, what in ((known.nan, "NaN"), (known.infinite, "infinite")) if n]
        if bad:
            yield mark + ", ".join(bad), ALARM
        if known.zeros >= MANY_ZEROS:
            yield f"{mark}{known.zeros:.0%} zeros", VALUES
        if known.dead and not mark:
            yield f"{known.dead:.0%} of units dead", ALARM


def _formula(node: NodeView) -> str:
    """The line below the name of an operation: its arguments, or a short formula."""
    return node.detail or (node.formula if len(node.formula) <= FORMULA else "")


def _look(node: NodeView) -> dict[str, str]:
    look = LOOKS[node.kind] if node.kind in LOOKS else {"fillcolor": COLOURS.get(node.family, "#ffffff")}
    if node.colour:
        look = {**look, "color": node.colour, "penwidth": "2"}
    elif any(known and (known.nan or known.infinite) for known in (node.statistics, node.gradient)):
        look = {**look, "color": ALARM, "penwidth": "2"}
    elif node.part == "backward" and node.kind != "constant":
        look = {**look, "color": BACKWARD_FLOW["color"]}
    where = "/".join(filter(None, (node.module, node.function)))
    facts = (node.formula, node.detail, node.arguments, node.dtype, node.value, where, node.source)
    shape = shape_text(node.shape) or "scalar"
    return {**look, "id": f"n{node.number}", "tooltip": _quoted(", ".join(filter(None, (node.name, shape, *facts))))}


def _edge_label(records: Records, edge: EdgeView) -> str | None:
    source, target = records.nodes[edge.source], records.nodes[edge.target]
    text = _words(source, edge) if target.kind != "output" else ""
    named = target.kind == "op" and target.op not in SYMMETRIC and _formula(target) == target.formula
    words = ": ".join(filter(None, (edge.role if named else "", text, edge.note)))
    return _quoted(f" {words} ") if words else None


def _mark(edge: EdgeView) -> dict[str, str]:
    return {"color": edge.colour, "fontcolor": edge.colour, "penwidth": "2"} if edge.colour else {}


def _words(source: NodeView, edge: EdgeView) -> str:
    """An edge's name, and its shape or single number; without what its source already shows."""
    single = edge.shape is not None and math.prod(edge.shape) == 1
    repeated = source.kind == "constant" and source.value and not source.value.startswith("[")  # a number, expanded
    if source.kind not in ("op", "group"):
        return "" if source.value and (single or repeated) else shape_text(edge.shape)
    if single and edge.value:
        return f"{edge.name} = {edge.value}" if edge.name else edge.value
    return " ".join(filter(None, (edge.name, shape_text(edge.shape))))


def _html(text: str) -> str:
    """Text for an HTML-like label, which must not be empty; a word joiner keeps \\N from being the node's name."""
    return html.escape(OBJECT_ESCAPE.sub("\\\\\u2060", _printable(text))) or " "


def _quoted(text: str) -> str:
    """Text that DOT shows literally: backslashes, and angle brackets around it, would have a meaning."""
    return escape(_printable(text))


def _printable(text: str) -> str:
    return UNPRINTABLE.sub(" ", text)


def _cut(text: str) -> str:
    return text if len(text) <= NAME else f"{text[: NAME - 1]}…"
