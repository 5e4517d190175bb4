"""Products with constants that need not look whether a factor is 0.

``times(a, b)`` is a where a is 0, whatever b is, and a · b elsewhere. It is a · b, to the bit, also where a is 0,

    if a is a constant without zeros, or b is one whose elements are finite and have no sign.
"""

from __future__ import annotations

import numpy as np

from ..graph import CONSTANT, Builder, Graph, Value, rebuild

MOVEMENT = ("expand", "reshape", "permute", "slice", "flip")


def plain_products(graph: Graph) -> Graph:
    """Replace ``times`` by ``mul`` where the two are equal."""
    return rebuild(graph, _rule)


def _rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
    if value.op != "times":
        return None
    a, b = map(_elements, args)
    if (a is not None and a.all()) or (b is not None and np.isfinite(b).all() and not np.signbit(b).any()):
        return builder.make("mul", args, {})
    return None


def _elements(value: Value) -> np.ndarray | None:
    """The elements of a constant that was moved; None if it is something else."""
    while value.op in MOVEMENT:
        value = value.args[0]
    array: np.ndarray | None = value.params["array"] if value.op == CONSTANT else None
    return array
