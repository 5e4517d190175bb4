"""Two VJPs in one step, where what lies between them is much larger than either end.

In the backward pass of a convolution the cotangent of all windows is an array many times as large as the image, made by
one VJP only to be added up by the next. A primitive may say how its VJP is taken together with that of a reader of its
output (``Primitive.joint``); then the walk goes past its node, straight to that node's parent, and the array between is
never made. Since VJPs are linear, it does not matter whether the output has other readers: each one's share arrives at
the parent, and is added there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def shares(
    node: Any, g: Any, wanted: Callable[[Any], bool], unseen: Callable[[Any], bool], passed: set[Any]
) -> Iterator[tuple[Any, Any]]:
    """As ``node.cotangents``, but past those parents for which a joint VJP is worth it; they are noted in ``passed``.

    Only past a parent of which nobody sees the cotangent: ``unseen``.
    """
    direct = set()
    for i, parent in enumerate(node.parents):
        if parent is None or parent.primitive is None or not wanted(parent) or node.parents.count(parent) > 1:
            continue
        vjp = parent.primitive.joint.get(node.primitive.name)
        if vjp is not None and unseen(parent):
            value = vjp(g._value, i, *node.arguments(i), *parent.arguments(0))
            if value is not None:
                direct.add(parent)
                yield parent.parents[0], g._result(value)
    passed |= direct
    yield from node.cotangents(g, lambda parent: parent not in direct and wanted(parent))
