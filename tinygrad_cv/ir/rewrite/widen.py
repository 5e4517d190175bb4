"""Sums of sixteen-bit floats run in float32 and are rounded once, however later passes take them apart."""

from __future__ import annotations

import numpy as np

from ...ops.arrays import HALF
from ..graph import Builder, Graph, Value, rebuild
from ..terms import cast

SUMS = ("sum", "cumsum", "contract", "fold", "scatter_add")


def widen_sums(graph: Graph) -> Graph:
    """Every sum of float16 as a sum of float32, between two casts."""
    return rebuild(graph, _rule) if any(value.dtype == HALF for value in graph.values()) else graph


def _rule(builder: Builder, value: Value, args: tuple[Value, ...]) -> Value | None:
    if value.dtype != HALF or value.op not in SUMS:
        return None
    wide = [cast(builder, arg, np.float32) if arg.dtype == HALF else arg for arg in args]
    return cast(builder, builder.make(value.op, wide, value.params), HALF)
