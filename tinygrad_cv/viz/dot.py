"""From records to the DOT language. The same records give the same text, byte for byte.

Node labels are HTML-like, and escaped here; everything else is quoted by the package graphviz.
"""

from __future__ import annotations

import html
import math
import re
from typing import Any

from graphviz import Digraph, escape

from .collapse import inner_functions
from .labels import shape_text
from .records import EdgeView, NodeView, Records, ScopeView

FONT = "Helvetica,Arial,Noto Sans CJK KR,sans-serif"
COLOURS = {  # of operations, by family
    "elementwise": "#e3eefb",
    "movement": "#eeeeee",
    "window": "#e9e4f5",
    "reduction": "#dff2e3",
    "contraction": "#fde8d0",
    "indexing": "#f7f3cf",
    "random": "#fbe3ef",
    "custom": "#fbdcd9",
}
SIZES = {"fontsize": "12", "margin": "0.12,0.06", "height": "0.3", "width": "0.3"}
OPERATION = {"shape": "box", "style": "rounded,filled", "color": "#7b8794", **SIZES}
FLOW = {"fontsize": "9", "fontcolor": "#4b5563", "color": "#6b7280", "arrowsize": "0.6"}
LOOKS = {  # of what is no operation, by kind
    "parameter": {"shape": "ellipse", "style": "filled", "fillcolor": "#fff6d6", "color": "#c9a227"},
    "leaf": {"shape": "ellipse", "style": "filled", "fillcolor": "#fff6d6", "color": "#c9a227"},
    "input": {"shape": "ellipse", "style": "filled", "fillcolor": "#ffffff", "color": "#374151"},
    "constant": {"shape": "plain", "style": "solid", "fontcolor": "#6b7280", "fontsize": "10"},
    "output": {"shape": "ellipse", "style": "filled,bold", "fillcolor": "#ffffff", "color": "#374151"},
}
FRAMES = {"module": ("#9aa5b5", "#f5f7fa"), "function": ("#c3c9d3", "#fbfcfd")}  # line and ground
SYMMETRIC = {"add", "mul", "maximum", "equal"}  # which operand is which makes no difference
FORMULA = 24  # characters: longer formulas go into the tooltip
NAME = 48  # characters: longer names are cut
FEW = 24  # nodes: so small a drawing without frames runs from left to right
OBJECT_ESCAPE = re.compile(r"\\(?=[NGLEHT])")
UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


def dot_text(records: Records, direction: str | None = None) -> str:
    """The drawing in DOT.

    Args:
        direction: "TB" (top to bottom) or "LR" (left to right); by default what reads best.

    Raises:
        ValueError: another direction.
    """
    if direction not in (None, "TB", "LR"):
        raise ValueError(f"graph: direction={direction!r}: it must be 'TB' (top to bottom) or 'LR' (left to right).")
    across = len(records.nodes) <= FEW and not records.scopes
    top = Digraph(
        graph_attr={"rankdir": direction or ("LR" if across else "TB"), "fontname": FONT, "fontsize": "11"},
        node_attr={"fontname": FONT, **OPERATION},
        edge_attr={"fontname": FONT, **FLOW},
    )
    frames = _frames(records)
    for node in records.nodes:
        graph = top if node.scope is None else frames[node.scope]
        graph.node(f"n{node.number}", _label(node), _attributes=_look(node))
    inside: list[list[Any]] = [[] for _ in frames]
    for scope in reversed(records.scopes):  # what is inside of a scope stands behind it, so it is complete by now
        frame = frames[scope.number]
        for part in reversed(inside[scope.number]):
            frame.subgraph(part)
        if scope.parent is not None and frame is not frames[scope.parent]:
            inside[scope.parent].append(frame)
    for scope in records.scopes:
        if scope.parent is None:
            top.subgraph(frames[scope.number])
    for edge in records.edges:
        top.edge(f"n{edge.source}", f"n{edge.target}", _edge_label(records, edge), _attributes=_mark(edge))
    return top.source


def _frames(records: Records) -> list[Any]:
    """A frame for each scope; a layer that does nothing but call one function shares one with it."""
    shared = inner_functions(records)
    frames: list[Any] = []
    holders = {function.number: layer for layer, function in shared.items()}
    for scope in records.scopes:
        if scope.number in holders:
            frames.append(frames[holders[scope.number]])
        else:
            frames.append(_frame(scope, shared.get(scope.number)))
    return frames


def _frame(scope: ScopeView, function: ScopeView | None) -> Any:
    line, ground = FRAMES[scope.kind]
    parts = (scope, function) if function else (scope,)
    names = [_html(_cut(part.name)) for part in parts]
    words = [f"<I>{name}</I>" if part.kind == "function" else name for part, name in zip(parts, names, strict=True)]
    look = {"label": f"<{' '.join(words)}>", "labeljust": "l", "style": "rounded,filled", "fontcolor": "#4b5563"}
    return Digraph(f"cluster_{scope.number}", graph_attr={**look, "color": line, "fillcolor": ground})


def _label(node: NodeView) -> str:
    if node.kind == "constant":
        return f"<{_html(_cut(node.name or node.value or node.kind))}>"
    heading, line = node.name or node.kind, node.value
    if node.kind == "op":
        heading, line = node.label, _formula(node)
    elif node.kind == "group":
        heading, line = node.label, ", ".join(filter(None, (node.name, node.detail)))
    elif node.kind == "output" and not node.value:
        line = shape_text(node.shape)
    elif node.kind == "parameter":
        line = ""
    text = f"<B>{_html(_cut(heading))}</B>"
    return f'<{text}<BR/><FONT POINT-SIZE="10" COLOR="#4b5563">{_html(_cut(line))}</FONT>>' if line else f"<{text}>"


def _formula(node: NodeView) -> str:
    """What stands below the name of an operation: its arguments, or else its formula, if it is short."""
    return node.detail or (node.formula if len(node.formula) <= FORMULA else "")


def _look(node: NodeView) -> dict[str, str]:
    look = LOOKS[node.kind] if node.kind in LOOKS else {"fillcolor": COLOURS.get(node.family, "#ffffff")}
    where = "/".join(filter(None, (node.module, node.function)))
    facts = (node.formula, node.detail, node.dtype, node.value, where, node.source)
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
    """What flows along an edge: a name, and a shape or, for one number, the value; what the source says is left out."""
    single = edge.shape is not None and math.prod(edge.shape) == 1
    repeated = source.kind == "constant" and source.value and not source.value.startswith("[")  # one number, expanded
    if source.kind not in ("op", "group"):
        return "" if source.value and (single or repeated) else shape_text(edge.shape)
    if single and edge.value:
        return f"{edge.name} = {edge.value}" if edge.name else edge.value
    return " ".join(filter(None, (edge.name, shape_text(edge.shape))))


def _html(text: str) -> str:
    """Text for an HTML-like label: it must not be empty, and \\N, but for a word joiner, is the node's name."""
    return html.escape(OBJECT_ESCAPE.sub("\\\\\u2060", _printable(text))) or " "


def _quoted(text: str) -> str:
    """Text that DOT shows as it is: a backslash, or angle brackets around all of it, would have a meaning."""
    return escape(_printable(text))


def _printable(text: str) -> str:
    return UNPRINTABLE.sub(" ", text)


def _cut(text: str) -> str:
    return text if len(text) <= NAME else f"{text[: NAME - 1]}…"
