"""From the tape to records. What the tape does not hold is taken from the tensors that are alive, or left unknown.

A node does not hold its value, but its users may have saved it for their derivatives. An input that required no
gradient is not on the tape at all: it is drawn as a constant, with its value if that was saved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import TypedDict

import numpy as np

from ..core.memory import owner
from ..core.primitive import Primitive
from ..core.tape import Node, Replayed, reachable
from ..core.variable import Variable
from .backward import Backward
from .derivatives import derivative_text
from .labels import Params, detail_text, value_text
from .layers import scope_arguments
from .names import Names
from .operands import inferred, known_values, saved_value, shape_in
from .records import EdgeView, NodeView, Records, ScopeView, Shape, backward_scopes, chain
from .results import scope_results
from .scopes import Scopes
from .statistics import Statistics, statistics
from .trail import Application, Trail


def read(
    roots: Sequence[Variable],
    names: Names,
    backward: Backward | None = None,
    trail: Trail | None = None,
    timed: bool = False,
) -> Records:
    """The records of the graph of some tensors, and of a backward pass from them."""
    noted = trail or Trail()
    forward = reachable(root.node for root in roots if root.node is not None)
    if backward is None:
        return _Reader(forward, roots, names, None, None, noted, timed).records()
    both = reachable(root.node for root in (*roots, *backward.roots) if root.node is not None)
    return _Reader(both, roots, names, set(forward), backward, noted, timed).records()


def described(records: Records, roots: Sequence[Variable], names: Names, backward: Backward) -> Records:
    """The records with statistics of all values, and of the gradients with respect to them."""
    nodes = reachable(root.node for root in (*roots, *backward.roots) if root.node is not None)
    values = {node.serial: value for node, value in known_values(nodes, (*roots, *backward.roots), names).items()}
    gradients = {node.serial: gradient.value for node, gradient in backward.gradients.items()}

    def known(serial: int, arrays: Mapping[int, object]) -> Statistics | None:
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
        forward: set[Node] | None,
        backward: Backward | None,
        trail: Trail,
        timed: bool,
    ):
        self.tape, self.roots, self.names = nodes, roots, names
        self.forward, self.backward, self.trail, self.timed = forward, backward, trail, timed
        self.counted: set[int] = set()  # ids of saved memory that is counted already
        self.values = known_values(nodes, (*roots, *(backward.roots if backward else ())), names)
        self.nodes: list[NodeView] = []
        self.edges: list[EdgeView] = []
        self.scopes = Scopes()
        self.numbers: dict[Node, int] = {}
        self.made = {id(value): node for node, value in self.values.items()}  # id of an array -> the node that made it
        self.derived: dict[int, int] = {}  # operations that are not on the tape: id of the result -> number
        self.constants: dict[tuple[str, int], int] = {}  # part, id of an array -> its node's number

    def records(self) -> Records:
        for node in self.tape:
            if node.parents:
                sources = [
                    self._input(node, i) if parent is None else self.numbers[parent]
                    for i, parent in enumerate(node.parents)
                ]
                self._add(node)
                for i, source in enumerate(sources):
                    derivative = derivative_text(node.primitive, i) if node.primitive is not None else ""
                    self._connect(
                        source, self.numbers[node], i, _role_in(node.primitive, i), derivative, shape_in(node, i)
                    )
            else:
                self._add(node)
        for root in {id(root.node): root for root in self.roots if root.node is not None}.values():
            self._output(root)
        if self.backward is not None:
            self._gradients(self.backward)
        self._place_parameters()
        results = scope_results(self.nodes, self.edges, self.scopes.views, self._gradient_numbers())
        details = scope_arguments(self.scopes.views, self.names.modules, backward_scopes(self.nodes, self.scopes.views))
        scopes = (
            replace(scope, result=results.get(scope.number), arguments=details.get(scope.number, ""))
            for scope in self.scopes.views
        )
        return Records(tuple(self.nodes), tuple(self.edges), tuple(scopes))

    def _gradient_numbers(self) -> dict[int, int]:
        """For each node of the forward pass, the node that computes its gradient."""
        gradients = self.backward.gradients.items() if self.backward else ()
        return {
            self.numbers[node]: self.numbers[gradient.node]
            for node, gradient in gradients
            if gradient.node in self.numbers
        }

    def _add(self, node: Node) -> None:
        part = self._part(node)
        origin = node.origin if part and node.operands is not None else None  # recorded with the operands
        view = NodeView(
            number=len(self.nodes),
            kind="op" if node.parents else self.names.kind_of(node),
            name=self.names.of_node(node),
            shape=node.shape,
            dtype=str(node.dtype),
            value=value_text(self.values.get(node)),
            source=_line(node.source),
            serial=node.serial,
            part=part,
            origin=self.numbers.get(origin) if origin is not None else None,
            saved=self._bytes_saved(node),
            seconds=self.trail.seconds(self.values.get(node)) if self.timed else 0.0,
        )
        if node.parents:
            scope = self.scopes.number(node.scope)
            module, function = self.scopes.paths[scope]
            view = replace(view, scope=scope, module=module, function=function, **_operation(node))
        self.numbers[node] = self._append(view)

    def _part(self, node: Node) -> str:
        """The cotangents of the outputs belong to the backward pass."""
        return "" if self.forward is None or node in self.forward else "backward"

    def _bytes_saved(self, node: Node) -> int:
        """Of the arrays that its derivatives read; one that several nodes save counts once."""
        total = 0
        for value in (node.saved or {}).values():
            if isinstance(value, np.ndarray) and id(owner(value)) not in self.counted:
                self.counted.add(id(owner(value)))
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

    def _input(self, node: Node, place: int) -> int:
        """The number of the node of an input that is not on the tape."""
        array = saved_value(node, place)
        for step in self.trail.leading_to(array, self._is_free, self._is_recorded):
            if id(step.value) not in self.derived:
                self._derive(step, node)
        return self._source(array, node, place)

    def _is_recorded(self, array: object) -> bool:
        return self.made.get(id(array)) in self.numbers

    def _is_free(self, array: object) -> bool:
        """Whether it is an input that requires no gradient."""
        return self.names.knows(array) and not self._is_recorded(array)

    def _source(self, array: np.ndarray | None, node: Node, place: int | None) -> int:
        """The node that an array comes from."""
        if (made := self.made.get(id(array))) in self.numbers:
            return self.numbers[made]
        return self.derived[id(array)] if id(array) in self.derived else self._constant(array, node, place)

    def _derive(self, step: Application, user: Node) -> None:
        """Add the node of an operation that no gradient flows through."""
        sources = [self._source(array, user, None) for array in step.operands]
        scope = self.scopes.number(step.scope)
        module, function = self.scopes.paths[scope]
        self.derived[id(step.value)] = number = self._append(
            NodeView(
                number=len(self.nodes),
                kind="op",
                **_described(step.primitive, step.params),
                scope=scope,
                module=module,
                function=function,
                shape=step.value.shape,
                dtype=str(step.value.dtype),
                value=value_text(step.value),
                source=_line(step.source),
                part="backward" if step.origin is not None else "",
                origin=self.numbers.get(step.origin) if step.origin is not None else None,
                seconds=step.seconds if self.timed else 0.0,
            )
        )
        for i, (source, array) in enumerate(zip(sources, step.operands, strict=True)):
            self._connect(source, number, i, _role_in(step.primitive, i), shape=array.shape)

    def _constant(self, array: np.ndarray | None, node: Node, place: int | None) -> int:
        """The node of an array that no drawn operation made."""
        if (known := self.names.of_array(array)) is not None:
            array = known.array
        shared = isinstance(array, np.ndarray) and any(array.strides) and array.size > 1
        part = self._part(node)
        if shared and (part, id(array)) in self.constants:
            return self.constants[part, id(array)]
        name, kind = (known.name, known.kind) if known else ("", "constant")
        shape, dtype = (array.shape, array.dtype) if isinstance(array, np.ndarray) else (None, None)
        if shape is None and place is not None:
            shape, dtype = inferred(node, place)
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

    def _connect(
        self, source: int, target: int, place: int, role: str, derivative: str = "", shape: Shape | None = None
    ) -> None:
        view = self.nodes[source]
        name = view.name if view.kind == "op" else ""
        value = view.value if view.kind != "constant" else ""
        self.edges.append(EdgeView(source, target, place, role, shape or view.shape, name, value, derivative))

    def _place_parameters(self) -> None:
        """Move each parameter into the innermost scope that contains all its users."""
        shared: dict[int, list[ScopeView]] = {}
        for edge in self.edges:
            if self.nodes[edge.source].kind == "parameter":
                around = chain(self.scopes.views, self.nodes[edge.target].scope)
                before = shared.get(edge.source, around)
                shared[edge.source] = [a for a, b in zip(before, around, strict=False) if a is b]
        for number, around in shared.items():
            if around:
                self.nodes[number] = replace(self.nodes[number], scope=around[-1].number)


class _Described(TypedDict):
    """The fields of a node that describe its operation."""

    op: str
    label: str
    family: str
    formula: str
    detail: str


def _operation(node: Node) -> _Described:
    if node.primitive is not None:
        return _described(node.primitive, node.params)
    assert isinstance(node, Replayed)
    formula = "computed again in the backward pass"
    return {"op": "checkpoint", "label": "checkpoint", "family": "custom", "formula": formula, "detail": ""}


def _described(primitive: Primitive, params: Params) -> _Described:
    return {
        "op": primitive.name,
        "label": primitive.label,
        "family": primitive.family,
        "formula": primitive.formula,
        "detail": detail_text(params),
    }


def _role_in(primitive: Primitive | None, place: int) -> str:
    """The name of an input in the formula, if there are several."""
    if primitive is None or primitive.variadic or len(primitive.inputs) < 2:
        return ""
    return primitive.inputs[place]


def _line(source: str | None) -> str:
    """The user's line without its folders, so that a program gives the same drawing everywhere."""
    return PurePath(source).name if source else ""
