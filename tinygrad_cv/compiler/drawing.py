"""A recorded graph as a view: the records that pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.primitive import PRIMITIVES
from ..viz.labels import detail_text, value_text
from ..viz.records import EdgeView, NodeView, Records
from ..viz.scopes import Scopes
from ..viz.view import GraphView
from .ir import CONSTANT, INPUT, Graph, Value


def view(graph: Graph, names: Sequence[str]) -> GraphView:
    """All values of a graph; ``names`` are those of its inputs."""
    scopes = Scopes()
    nodes: list[NodeView] = []
    edges: list[EdgeView] = []
    numbers: dict[Value, int] = {}
    for value in graph.values():
        numbers[value] = len(nodes)
        nodes.append(_node(value, len(nodes), names, scopes))
        for place, arg in enumerate(value.args):
            edges.append(_edge(nodes[numbers[arg]], numbers[value], place, _role(value, place)))
    for output in graph.outputs:
        source = nodes[numbers[output]]
        nodes.append(NodeView(len(nodes), "output", name=source.name, shape=source.shape, dtype=source.dtype))
        edges.append(_edge(source, nodes[-1].number, 0, ""))
    return GraphView(Records(tuple(nodes), tuple(edges), tuple(scopes.views)))


def _node(value: Value, number: int, names: Sequence[str], scopes: Scopes) -> NodeView:
    shape, dtype = value.shape, str(value.dtype)
    if value.op == INPUT:
        return NodeView(number, "input", name=names[value.params["index"]], shape=shape, dtype=dtype)
    scope = scopes.number(value.scope)
    if value.op == CONSTANT:
        text = value_text(value.params["array"])
        return NodeView(number, "constant", scope=scope, shape=shape, dtype=dtype, value=text)
    primitive = PRIMITIVES[value.op]
    module, function = scopes.paths[scope]
    return NodeView(
        number,
        "op",
        op=primitive.name,
        label=primitive.label,
        formula=primitive.formula,
        detail=detail_text(value.params),
        family=primitive.family,
        scope=scope,
        module=module,
        function=function,
        shape=shape,
        dtype=dtype,
        serial=value.number,
    )


def _edge(source: NodeView, target: int, place: int, role: str) -> EdgeView:
    return EdgeView(source.number, target, place, role, source.shape)


def _role(value: Value, place: int) -> str:
    primitive = PRIMITIVES[value.op]
    return "" if primitive.variadic or len(primitive.inputs) < 2 else primitive.inputs[place]
