"""Values and shapes of what nodes read, as far as they are still in memory."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.primitive import OUTPUT
from ..core.tape import Node
from ..core.variable import Variable
from ..ops.contraction import contract, parse
from ..ops.elementwise import where
from .names import Names
from .records import Shape


def known_values(nodes: list[Node], roots: Sequence[Variable], names: Names) -> dict[Node, np.ndarray]:
    """The values of nodes that are still in memory: as they were when they were used, or else as they are now."""
    values: dict[Node, np.ndarray] = {}
    for node in nodes:
        if node.saved and OUTPUT in node.saved:
            values[node] = node.saved[OUTPUT]
        for i, parent in enumerate(node.parents):
            if parent is not None and (value := saved_value(node, i)) is not None:
                values[parent] = value
    alive = [node.sink() for node in nodes if node.sink is not None]
    for tensor in (*roots, *names.tensors, *alive):
        if tensor is not None and tensor.node is not None:
            values.setdefault(tensor.node, tensor.value)
    return values


def saved_value(node: Node, place: int) -> np.ndarray | None:
    """The value of an input, if the node saved it."""
    if node.operands is not None:
        return node.operands[place]
    return node.saved.get((place, "value")) if node.saved else None


def shape_in(node: Node, place: int) -> Shape | None:
    """The shape of an input whose value was saved: the node may read another view of a named array."""
    value = saved_value(node, place)
    return value.shape if isinstance(value, np.ndarray) else None


def inferred(node: Node, place: int) -> tuple[Shape | None, np.dtype | None]:
    """Shape and dtype of an input that was not saved, as far as the operation determines them."""
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
