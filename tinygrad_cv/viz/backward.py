"""The backward pass as a recorded graph: it is made of the same primitives as the forward pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core.backward import pull
from ..core.tape import Node, reachable
from ..core.variable import Variable
from ..frontend.isolation import isolated
from ..frontend.tensor import Tensor
from .names import Names
from .records import NodeView, Records, renumbered
from .trail import Trail

SEED = 0  # of the cotangents of outputs that are not scalars


@dataclass(frozen=True)
class Backward:
    """A recorded backward pass.

    Attributes:
        cotangents: of the outputs, one each.
        gradients: of all nodes.
        leaves: the nodes whose gradients are its results.
    """

    cotangents: tuple[Tensor, ...]
    gradients: dict[Node, Tensor]
    leaves: tuple[Node, ...]

    @property
    def roots(self) -> list[Tensor]:
        """The results, in the order of the leaves."""
        return [self.gradients[leaf] for leaf in self.leaves if leaf in self.gradients]


def pull_back(outputs: Sequence[Variable], names: Names, trail: Trail) -> Backward:
    """Pull cotangents of the outputs back to all nodes, and record that."""
    rng = np.random.default_rng(SEED)
    nodes = reachable(y.node for y in outputs if y.node is not None)
    leaves = tuple(node for node in nodes if not node.parents)
    cotangents = []
    for y in outputs:
        value = rng.normal(size=y.value.shape) if y.value.size > 1 else np.ones(y.value.shape)
        cotangents.append(Tensor(value.astype(y.value.dtype), requires_grad=True))
    for i, cotangent in enumerate(cotangents):
        names.add(f"dy{i if len(cotangents) > 1 else ''}", cotangent, "input")
    roots = [(y.node, g) for y, g in zip(outputs, cotangents, strict=True) if y.node is not None]
    with isolated(operands=True, interpret=trail):
        found = pull(roots, nodes, retain_graph=True, create_graph=True)
    return Backward(tuple(cotangents), found, leaves)


def only_backward(records: Records) -> Records:
    """The backward pass alone; the values of the forward pass that it reads become its inputs."""
    inside = {node.number for node in records.nodes if node.part == "backward"}
    edges = [edge for edge in records.edges if edge.target in inside]
    drawn = sorted(inside | {edge.source for edge in edges})
    numbers = {old: new for new, old in enumerate(drawn)}
    nodes = tuple(
        _outside(records.nodes[old], new) if old not in inside else _inside(records.nodes[old], new)
        for old, new in numbers.items()
    )
    moved = tuple(replace(edge, source=numbers[edge.source], target=numbers[edge.target]) for edge in edges)
    scopes = tuple(renumbered(scope, numbers) for scope in records.scopes)
    return Records(nodes, moved, scopes)


def _inside(node: NodeView, number: int) -> NodeView:
    return replace(node, number=number, origin=None)


def _outside(node: NodeView, number: int) -> NodeView:
    if node.kind != "op":
        return replace(node, number=number)
    where = "/".join(filter(None, (node.module, node.function)))
    name = node.name or f"{node.label}{f' in {where}' if where else ''}"
    return replace(node, number=number, kind="input", name=name, scope=None, origin=None)
