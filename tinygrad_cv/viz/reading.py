"""From the tape to records. What the tape does not hold is taken from the tensors that are alive, or left open.

A node keeps no value of its own, but its users may have kept it for their derivatives. An input that required no
gradient is not on the tape at all: it is drawn as a constant, with the value that was kept of it, if any.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import numpy as np

from ..core.memory import owner
from ..core.primitive import OUTPUT
from ..core.tape import Node, Replayed, reachable
from ..core.variable import Variable
from ..ops.contraction import contract, parse
from ..ops.elementwise import where
from .backward import Backward
from .clock import Clock
from .derivatives import derivative_text
from .labels import detail_text, value_text
from .names import Names
from .records import EdgeView, NodeView, Records, ScopeView, Shape, chain
from .results import scope_results
from .scopes import Scopes
from .statistics import Statistics, statistics


def read(
    roots: Sequence[Variable], names: Names, backward: Backward | None = None, clock: Clock | None = None
) -> Records:
    """The records of everything that leads to some tensors, and of a backward pass from them."""
    forward = reachable(root.node for root in roots if root.node is not None)
    if backward is None:
        return _Reader(forward, roots, names, clock=clock).records()
    both = reachable(root.node for root in (*roots, *backward.roots) if root.node is not None)
    return _Reader(both, roots, names, set(forward), backward, clock).records()


def described(records: Records, roots: Sequence[Variable], names: Names, backward: Backward) -> Records:
    """The records with statistics of values, and of the gradients by them."""
    nodes = reachable(root.node for root in (*roots, *backward.roots) if root.node is not None)
    values = {node.serial: value for node, value in _values(nodes, (*roots, *backward.roots), names).items()}
    gradients = {node.serial: gradient.value for node, gradient in backward.gradients.items()}

    def known(serial: int, arrays: dict[int, Any]) -> Statistics | None:
        array = arrays.get(serial)
        return statistics(array) if isinstance(array, np.ndarray) else None

    described_nodes = [
        replace(node, statistics=known(node.serial, values), gradient=known(node.serial, gradients))
        if node.serial
        else node
        for node in records.nodes
    ]
    return replace(records, nodes=tuple(described_nodes))


class _Reader:
    """The state of one reading."""

    def __init__(
        self,
        nodes: list[Node],
        roots: Sequence[Variable],
        names: Names,
        forward: set[Node] | None = None,
        backward: Backward | None = None,
        clock: Clock | None = None,
    ):
        self.tape, self.roots, self.names = nodes, roots, names
        self.forward, self.backward, self.clock = forward, backward, clock
        self.kept: set[int] = set()  # arrays that are counted already
        self.values = _values(nodes, (*roots, *(backward.roots if backward else ())), names)
        self.nodes: list[NodeView] = []
        self.edges: list[EdgeView] = []
        self.scopes = Scopes()
        self.numbers: dict[Node, int] = {}
        self.constants: dict[tuple[str, int], int] = {}  # part, id of an array -> its node's number

    def records(self) -> Records:
        for node in self.tape:
            if node.parents:
                sources = [
                    self._constant(node, i) if parent is None else self.numbers[parent]
                    for i, parent in enumerate(node.parents)
                ]
                self._add(node)
                for i, source in enumerate(sources):
                    derivative = derivative_text(node.primitive, i) if node.primitive is not None else ""
                    self._connect(source, self.numbers[node], i, _role(node, i), derivative)
            else:
                self._add(node)
        for root in {id(root.node): root for root in self.roots if root.node is not None}.values():
            self._output(root)
        if self.backward is not None:
            self._gradients(self.backward)
        self._place_parameters()
        results = scope_results(self.nodes, self.edges, self.scopes.views, self._gradient_numbers())
        scopes = (replace(scope, result=results.get(scope.number)) for scope in self.scopes.views)
        return Records(tuple(self.nodes), tuple(self.edges), tuple(scopes))

    def _gradient_numbers(self) -> dict[int, int]:
        """For each node of the forward pass the one that computes its gradient."""
        gradients = self.backward.gradients.items() if self.backward else ()
        return {
            self.numbers[node]: self.numbers[gradient.node]
            for node, gradient in gradients
            if gradient.node in self.numbers
        }

    def _add(self, node: Node) -> None:
        primitive = node.primitive
        common: dict[str, Any] = {
            "number": len(self.nodes),
            "name": self.names.of_node(node),
            "shape": node.shape,
            "dtype": str(node.dtype),
            "value": value_text(self.values.get(node)),
            "source": _line(node.source),
            "serial": node.serial,
            "part": self._part(node),
            "kept": self._bytes_kept(node),
            "seconds": self.clock.seconds(self.values.get(node)) if self.clock else 0.0,
        }
        if (origin := getattr(node, "origin", None)) is not None and common["part"]:
            common["origin"] = self.numbers.get(origin)
        if not node.parents:
            self.numbers[node] = self._append(NodeView(kind=self.names.kind_of(node), **common))
            return
        scope = self.scopes.number(node.scope)
        module, function = self.scopes.paths[scope]
        common.update(kind="op", scope=scope, module=module, function=function)
        if primitive is None:
            assert isinstance(node, Replayed)
            formula = "computed again in the backward pass"
            common.update(op="checkpoint", label="checkpoint", family="custom", formula=formula)
        else:
            common.update(
                op=primitive.name,
                label=primitive.label,
                family=primitive.family,
                formula=primitive.formula,
                detail=detail_text(node.params),
            )
        self.numbers[node] = self._append(NodeView(**common))

    def _part(self, node: Node) -> str:
        """What flows into the backward pass belongs to it."""
        return "" if self.forward is None or node in self.forward else "backward"

    def _bytes_kept(self, node: Node) -> int:
        """Of the arrays that the derivatives read; one that several nodes keep counts once."""
        total = 0
        for value in (node.saved or {}).values():
            if isinstance(value, np.ndarray) and id(owner(value)) not in self.kept:
                self.kept.add(id(owner(value)))
                total += value.nbytes if 0 not in value.strides else value.itemsize
        return total

    def _gradients(self, backward: Backward) -> None:
        """The results of the backward pass."""
        for leaf in backward.leaves:
            gradient = backward.gradients.get(leaf)
            if gradient is not None and gradient.node in self.numbers:
                name = self.nodes[self.numbers[leaf]].name
                self._output(gradient, f"d{name}" if name else "gradient", "backward")

    def _append(self, view: NodeView) -> int:
        self.nodes.append(view)
        return view.number

    def _constant(self, node: Node, place: int) -> int:
        """The number of the node of an input that is not on the tape."""
        array = _kept(node, place)
        shared = isinstance(array, np.ndarray) and any(array.strides) and array.size > 1
        part = self._part(node)
        if shared and (part, id(array)) in self.constants:
            return self.constants[part, id(array)]
        name, kind = self.names.of_array(array)
        shape, dtype = (array.shape, array.dtype) if isinstance(array, np.ndarray) else _inferred(node, place)
        number = self._append(
            NodeView(
                number=len(self.nodes),
                kind=kind,
                name=name,
                part=part if kind == "constant" else "",
                scope=self.scopes.number(node.scope) if kind != "input" else None,
                shape=shape,
                dtype=str(dtype or ""),
                value=value_text(array),
            )
        )
        if shared:
            self.constants[part, id(array)] = number
        return number

    def _output(self, root: Variable, name: str = "", part: str = "") -> None:
        assert root.node is not None
        source = self.nodes[self.numbers[root.node]]
        number = self._append(
            NodeView(
                number=len(self.nodes),
                kind="output",
                name=name or source.name,
                part=part,
                shape=source.shape,
                dtype=source.dtype,
                value=value_text(root.value),
            )
        )
        self._connect(source.number, number, 0, "")

    def _connect(self, source: int, target: int, place: int, role: str, derivative: str = "") -> None:
        view = self.nodes[source]
        name = view.name if view.kind == "op" else ""
        value = view.value if view.kind != "constant" else ""
        self.edges.append(EdgeView(source, target, place, role, view.shape, name, value, derivative))

    def _place_parameters(self) -> None:
        """A parameter stands in the innermost scope that holds all its users."""
        shared: dict[int, list[ScopeView]] = {}
        for edge in self.edges:
            if self.nodes[edge.source].kind == "parameter":
                around = chain(self.scopes.views, self.nodes[edge.target].scope)
                before = shared.get(edge.source, around)
                shared[edge.source] = [a for a, b in zip(before, around, strict=False) if a is b]
        for number, around in shared.items():
            if around:
                self.nodes[number] = replace(self.nodes[number], scope=around[-1].number)


def _values(nodes: list[Node], roots: Sequence[Variable], names: Names) -> dict[Node, Any]:
    """The values of nodes, as far as somebody holds them: as they were when they were used, or else as they are now."""
    values: dict[Node, Any] = {}
    for node in nodes:
        if node.saved and OUTPUT in node.saved:
            values[node] = node.saved[OUTPUT]
        for i, parent in enumerate(node.parents):
            if parent is not None and (kept := _kept(node, i)) is not None:
                values[parent] = kept
    alive = [node.sink() for node in nodes if node.sink is not None]
    for tensor in (*roots, *names.tensors, *alive):
        if tensor is not None and tensor.node is not None:
            values.setdefault(tensor.node, tensor.value)
    return values


def _kept(node: Node, place: int) -> Any:
    """The value of an input, if the node kept it."""
    if node.operands is not None:
        return node.operands[place]
    return node.saved.get((place, "value")) if node.saved else None


def _inferred(node: Node, place: int) -> tuple[Shape | None, Any]:
    """Shape and dtype of an input that nobody kept."""
    primitive = node.primitive
    if primitive is where and place == 0:
        return node.shape, np.dtype(bool)
    if primitive is not None and primitive.family == "elementwise":
        return node.shape, node.dtype
    if primitive is contract:
        groups = parse(node.params["spec"])
        other = node.parents[1 - place]
        assert other is not None
        extent = dict(zip((groups.a, groups.b)[1 - place], other.shape, strict=True))
        extent.update(zip(groups.y, node.shape, strict=True))
        return tuple(extent[letter] for letter in (groups.a, groups.b)[place]), node.dtype
    return None, None


def _role(node: Node, place: int) -> str:
    """What the formula calls an input, where there are several."""
    primitive = node.primitive
    if primitive is None or primitive.variadic or len(primitive.inputs) < 2:
        return ""
    return primitive.inputs[place]


def _line(source: str | None) -> str:
    """The user's line without its folders: the same program gives the same drawing anywhere."""
    return PurePath(source).name if source else ""
