"""GraphView: a graph as data, as text and as a picture."""

from __future__ import annotations

import html
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TypeAlias

from ..core.annotations import explaining
from ..core.position import user_frame
from ..files import write_bytes, write_text
from . import repeats
from .collapse import collapse
from .difference import difference
from .dot import Direction, dot_text
from .listing import json_text, text_lines
from .page.page import TrainingStep, page
from .records import EdgeView, NodeView, Records, ScopeView
from .render import render

TOO_MANY = 1000  # nodes: a larger picture cannot be read, and takes long to lay out
TOO_SLOW = 1000  # nodes: the same for a picture whose depth was given
LINES = 200  # of text in a notebook

File: TypeAlias = str | PathLike[str]


class GraphView:
    """A graph as data, as text and as a picture. It holds no tensors and does not change when they do.

    Each picture takes ``depth``: 1 draws layers (or, without modules, composed functions), 2 what they compose, and so
    on; None, the default, draws primitives. ``direction`` is "TB" (top to bottom) or "LR" (left to right). ``once``
    draws equal blocks in a row once, with their number.

    >>> import tinygrad_cv as tg
    >>> print(tg.graph(lambda x: x * x + 1.0, tg.tensor(3.0)).text())
    #   node      inputs  shape   value  in
    #0  input x           scalar  3
    #1  mul       #0 #0   scalar  9
    #2  constant          scalar  1
    #3  add       #1 #2   scalar  10
    #4  output    #3      scalar  10
    """

    def __init__(self, records: Records):
        self._records = records

    @property
    def nodes(self) -> tuple[NodeView, ...]:
        """Operations, tensors and outputs, in order of computation."""
        return self._records.nodes

    @property
    def edges(self) -> tuple[EdgeView, ...]:
        """The values that nodes read; ``source`` and ``target`` are numbers of nodes."""
        return self._records.edges

    @property
    def scopes(self) -> tuple[ScopeView, ...]:
        """Calls of modules and composed functions, outer ones before inner ones."""
        return self._records.scopes

    @explaining
    def collapse(self, depth: int | None) -> GraphView:
        """The view down to a depth.

        Raises:
            ValueError: a depth below 1.
        """
        return GraphView(collapse(self._records, depth))

    @explaining
    def difference(self, other: GraphView) -> GraphView:
        """Both graphs in one: what ``other`` adds in green, what it lacks in red, what changed in amber.

        >>> import tinygrad_cv as tg
        >>> x = tg.tensor([1.0, 2.0])
        >>> change = tg.graph(lambda x: x.exp(), x).difference(tg.graph(lambda x: x.exp().sin(), x))
        >>> [(node.op, node.note) for node in change.nodes if node.kind == "op"]
        [('exp', ''), ('sin', 'new')]
        """
        return GraphView(difference(self._records, other._records))

    @explaining
    def dot(self, depth: int | None = None, direction: Direction | None = None, once: bool = False) -> str:
        """The drawing in the DOT language: the same program gives the same text, byte for byte."""
        records = collapse(self._records, depth)
        return dot_text(repeats.once(records) if once else records, direction)

    @explaining
    def svg(self, path: File, depth: int | None = None, direction: Direction | None = None, once: bool = False) -> None:
        """Write the picture as SVG.

        Raises:
            RuntimeError: no renderer is installed; the message says how to get one.
        """
        self._write(path, "svg", depth, direction, once)

    @explaining
    def png(self, path: File, depth: int | None = None, direction: Direction | None = None, once: bool = False) -> None:
        """Write the picture as PNG; errors as for :meth:`svg`."""
        self._write(path, "png", depth, direction, once)

    @explaining
    def pdf(self, path: File, depth: int | None = None, direction: Direction | None = None, once: bool = False) -> None:
        """Write the picture as PDF; errors as for :meth:`svg`."""
        self._write(path, "pdf", depth, direction, once)

    def _write(self, path: File, format: str, depth: int | None, direction: Direction | None, once: bool) -> None:
        most = TOO_MANY if depth is None else TOO_SLOW
        many = len(collapse(self._records, depth).nodes) if depth != 1 and len(self.nodes) > most else 0
        if many > most:
            warnings.warn(
                f"graph: {many} nodes would make a picture that nobody can read (depth={depth}): it is drawn by "
                "layers, as with depth=1. Write .html(...), which opens layer by layer, or draw a part of the model.",
                stacklevel=user_frame()[1],
            )
            depth = 1
        write_bytes(path, render(self.dot(depth, direction, once), format))

    @explaining
    def text(self, depth: int | None = None) -> str:
        """The graph as text, a line for each node."""
        return text_lines(collapse(self._records, depth))

    @explaining
    def json(self, depth: int | None = None) -> str:
        """Nodes, edges and scopes as JSON."""
        return json_text(collapse(self._records, depth))

    @explaining
    def html(self, path: File, title: str = "", run: Sequence[TrainingStep] | None = None) -> None:
        """Write the interactive page: one HTML file that needs no network.

        Layers are closed at first, and open down to primitives. The page can be searched by name, operation and shape,
        shows all that is known of a node, and is in English and Korean.

        Args:
            title: of the page; by default the file's name.
            run: the steps of a :class:`TrainingRecord`, for the page's slider.
        """
        write_text(path, page(self._records, title or Path(path).stem, run))

    def __repr__(self) -> str:
        return f"GraphView({len(self.nodes)} nodes, {len(self.edges)} edges)"

    @cached_property
    def _shown(self) -> Records:
        """What a notebook shows: layers."""
        return collapse(self._records, 1)

    @cached_property
    def _picture(self) -> str | None:
        """The picture for a notebook; None if it cannot be drawn, or is too large to read."""
        if len(self._shown.nodes) > TOO_MANY:
            return None
        try:
            svg = render(dot_text(self._shown), "svg").decode()
            return svg[svg.index("<svg") :]
        except Exception:
            return None

    def _repr_svg_(self) -> str | None:
        return self._picture

    def _repr_html_(self) -> str:
        if self._picture is not None:
            return self._picture
        if len(self.nodes) <= TOO_MANY:
            with suppress(Exception):
                whole = html.escape(page(self._records, "graph"))
                return f'<iframe srcdoc="{whole}" style="width:100%;height:40rem;border:0"></iframe>'
        nodes, edges, scopes = self._shown.nodes, self._shown.edges, self._shown.scopes
        lines = text_lines(Records(nodes[:LINES], tuple(edge for edge in edges if edge.target < LINES), scopes))
        more = f"\n... and {len(nodes) - LINES} more" if len(nodes) > LINES else ""
        return f"<pre>{html.escape(lines + more)}</pre>"
