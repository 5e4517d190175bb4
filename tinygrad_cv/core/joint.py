"""Fusing two VJPs whose intermediate cotangent is much larger than what goes in and comes out.

In the backward pass of a convolution the cotangent of all windows is many times as large as the image; one VJP makes it
only for the next to add it up. A primitive may define its VJP fused with that of a consumer (``Primitive.joint``); then
the backward pass skips its node, and the large array is never made. VJPs are linear, so other consumers of the same
output do not matter: the contribution of each arrives at the parent and is added there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from .tape import Node


def shares(
    node: Node, g: Tensor, wanted: Callable[[Node], bool], unseen: Callable[[Node], bool], passed: set[Node]
) -> Iterator[tuple[Node, Tensor]]:
    """As ``node.cotangents``, but skipping parents for which a fused VJP is worthwhile; ``passed`` collects them.

    A parent can be skipped only if nothing observes its cotangent: ``unseen``.
    """
    direct = set()
    for i, parent in enumerate(node.parents):
        if parent is None or parent.primitive is None or not wanted(parent) or node.parents.count(parent) > 1:
            continue
        vjp = parent.primitive.joint.get(node.name)
        if vjp is not None and unseen(parent):
            value = vjp(g._value, i, *node.arguments(i), *parent.arguments(0))
            if value is not None:
                direct.add(parent)
                grandparent = parent.parents[0]
                assert grandparent is not None
                yield grandparent, g._new(value)
    passed |= direct
    yield from node.cotangents(g, lambda parent: parent not in direct and wanted(parent))
