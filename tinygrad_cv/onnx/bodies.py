"""Graphs inside of nodes: the branches of If, the body of Loop, and functions that the file defines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .errors import OnnxError
from .package import onnx
from .registry import TRAINING, Operator

GRAPH = 5  # the type of an attribute


def captured(node: Any) -> list[str]:
    """The names that the bodies of a node read from around it, each once."""
    names = dict.fromkeys(
        name for attribute in node.attribute if attribute.type == GRAPH for name in _free(attribute.g)
    )
    return list(names)


def _free(graph: Any) -> Iterator[str]:
    """The names that a graph reads and does not define."""
    own = {"", *(entry.name for entry in (*graph.input, *graph.initializer))}
    own.update(name for node in graph.node for name in node.output)
    read = [name for node in graph.node for name in (*node.input, *captured(node))]
    return (name for name in (*read, *(entry.name for entry in graph.output)) if name not in own)


def with_bodies(nodes: Sequence[Any]) -> list[Any]:
    """The nodes, where a gradient gets a body: what leads from its variables to what it differentiates."""
    return [
        _with_body(node, nodes) if (node.domain, node.op_type) == (TRAINING, "Gradient") else node for node in nodes
    ]


def _with_body(node: Any, nodes: Sequence[Any]) -> Any:
    names = {attribute.name: attribute for attribute in node.attribute}
    given = [name.decode(errors="replace") for key in ("xs", "zs") if key in names for name in names[key].strings]
    output = names["y"].s.decode(errors="replace") if "y" in names else ""
    needed, chosen = {output} - set(given), set()
    for number in reversed(range(len(nodes))):
        if needed.intersection(nodes[number].output):
            chosen.add(number)
            needed |= {*nodes[number].input, *captured(nodes[number])} - set(given)
    graph = onnx().GraphProto(name="differentiated", node=[nodes[number] for number in sorted(chosen)])
    for name in given:
        graph.input.add(name=name)
    graph.output.add(name=output)
    copy = type(node)()
    copy.CopyFrom(node)
    copy.attribute.add(name="body", type=GRAPH).g.CopyFrom(graph)
    return copy


def branch(node: Any, constants: Mapping[str, np.ndarray]) -> str | None:
    """The branch of an If whose condition is a constant; None for what is no such node."""
    if node.op_type != "If" or node.domain not in ("", "ai.onnx") or not node.input or node.input[0] not in constants:
        return None
    return "then_branch" if constants[node.input[0]].all() else "else_branch"


def expanded(function: Any, node: Any) -> Any:
    """The GraphProto of a FunctionProto for the attributes of a node that calls it.

    Raises:
        OnnxError: more inputs than it has, or an attribute that it needs is missing.
    """
    if len(node.input) > len(function.input) or len(node.output) > len(function.output):
        raise OnnxError(
            f"{len(node.input)} inputs, {len(node.output)} outputs; the function has {len(function.input)} and "
            f"{len(function.output)}."
        )
    given = {attribute.name: attribute for attribute in (*function.attribute_proto, *node.attribute)}
    missing = [name for name in function.attribute if name not in given]
    if missing:
        raise OnnxError(f"attribute {missing[0]!r} of the function is missing.")
    graph = onnx().GraphProto(name=function.name)
    graph.node.extend(function.node)
    for names, entries in ((function.input, graph.input), (function.output, graph.output)):
        for name in names:
            entries.add(name=name)
    _substitute(graph, given)
    return graph


def _substitute(graph: Any, given: Mapping[str, Any]) -> None:
    """Give attributes that refer to those of a function their values; one that the caller left out is left out."""
    for node in graph.node:
        attributes = list(node.attribute)
        del node.attribute[:]
        for attribute in attributes:
            if attribute.ref_attr_name:
                if attribute.ref_attr_name in given:
                    node.attribute.add().CopyFrom(given[attribute.ref_attr_name])
                    node.attribute[-1].name = attribute.name
                continue
            node.attribute.add().CopyFrom(attribute)
            if attribute.type == GRAPH:
                _substitute(node.attribute[-1].g, given)


def _call(*inputs: Any, body: Any) -> Any:
    """What a node computes whose operator is a function of the file."""
    return body(*inputs)


FUNCTION = Operator("", 1, "", _call, (), "Tensor", (("body", "Body"),))
