"""A recorded graph as a view: the records that pictures are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ..compiler.kernels import KernelRow
from ..core.primitive import PRIMITIVES
from ..ir.graph import CONSTANT, INPUT, Graph, Value
from ..viz.labels import detail_text, value_text
from ..viz.records import EdgeView, NodeView, Records, ScopeView
from ..viz.scopes import Scopes
from ..viz.view import GraphView

if TYPE_CHECKING:
    from ..compiler.schedule.kernel import Kernel


def view(graph: Graph, names: Sequence[str]) -> GraphView:
    """All values of a graph; ``names`` are names for its inputs."""
    scopes = Scopes()
    nodes, edges = _values(graph, names, scopes)
    return GraphView(Records(tuple(nodes), tuple(edges), tuple(scopes.views)))


def _values(graph: Graph, names: Sequence[str], scopes: Scopes) -> tuple[list[NodeView], list[EdgeView]]:
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
    return nodes, edges


SLOW, FAST = (0xFA, 0xD4, 0xCF), (0xD5, 0xF0, 0xDB)  # background of kernels far from the machine's limit, and at it


def fused(graph: Graph, names: Sequence[str], kernels: Sequence[Kernel], rows: Sequence[KernelRow]) -> GraphView:
    """The graph after rewriting: each kernel is a frame, coloured by its share of the roofline.

    A value that several kernels compute is drawn in the first of them.
    """
    scopes: list[ScopeView] = []
    place: dict[Value, int] = {}
    for kernel, row in zip(kernels, rows, strict=True):
        values = [value for value in kernel.values if value not in place]
        if values:
            number = len(scopes)
            name = f"kernel {row.number}: {row.kind}, {row.ms:.3g} ms, {row.share:.0%}"
            scopes.append(ScopeView(number, name, "kernel", None, _shade(row.share)))
            place.update((value, number) for value in values)
    nodes, edges = _values(graph, names, Scopes())
    numbers = {value.number: number for value, number in place.items()}
    nodes = [replace(node, scope=numbers.get(node.serial) if node.kind == "op" else None) for node in nodes]
    return GraphView(Records(tuple(nodes), tuple(edges), tuple(scopes)))


def _shade(share: float) -> str:
    mixed = (round(slow + share * (fast - slow)) for slow, fast in zip(SLOW, FAST, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


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
