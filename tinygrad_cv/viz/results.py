"""What a layer returns: its output; in the backward pass, the gradient of the target with respect to its input."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .records import EdgeView, NodeView, ScopeView, chain

CARRIERS = {"op": 0, "input": 0, "leaf": 1, "parameter": 2}  # rank as a layer's input: the lowest is taken


def scope_results(
    nodes: Sequence[NodeView], edges: Sequence[EdgeView], scopes: Sequence[ScopeView], gradients: Mapping[int, int]
) -> dict[int, int]:
    """For each scope the number of the node whose value it returns.

    Args:
        gradients: for each node of the forward pass, the node that computes its gradient.
    """
    around = {node.number: [scope.number for scope in chain(scopes, node.scope)] for node in nodes}
    found: dict[int, int] = {}
    for node in nodes:  # all lead to the target, so the last one of a scope is read outside it
        if node.kind == "op" and node.part != "backward":
            found.update((scope, node.number) for scope in around[node.number])
    inputs = _first_inputs(nodes, edges, around, gradients)
    for node in nodes:
        if node.part == "backward" and node.origin is not None:
            for scope, forward in zip(around[node.number], (None, *around[node.origin]), strict=False):
                entry = inputs.get(forward)
                found[scope] = node.number if entry is None else gradients[entry]
    return found


def _first_inputs(
    nodes: Sequence[NodeView],
    edges: Sequence[EdgeView],
    around: Mapping[int, Sequence[int]],
    gradients: Mapping[int, int],
) -> dict[int | None, int]:
    """The first value with a gradient that flows into each forward scope, and into the whole graph (None)."""
    first: dict[int | None, tuple[int, int, int, int]] = {}
    for edge in edges:
        source, target = nodes[edge.source], nodes[edge.target]
        if source.number not in gradients or target.part == "backward" or source.kind not in CARRIERS:
            continue
        outside = source.kind in ("parameter", "leaf", "input")
        entered = set(around[target.number]).difference(() if outside else around[source.number])
        rank = CARRIERS[source.kind], target.number, edge.place, source.number
        for scope in (*entered, *((None,) if outside else ())):
            first[scope] = min(first.get(scope, rank), rank)
    return {scope: rank[-1] for scope, rank in first.items()}
