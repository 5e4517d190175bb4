"""Which values have no native code, so that NumPy computes them."""

from __future__ import annotations

from ..ir.graph import CONSTANT, INPUT, Value, is_elementwise
from .llvm.elementwise import lowered
from .schedule.index_maps import ROWS
from .schedule.moves import MOVES


def on_host(value: Value) -> bool:
    """Whether NumPy computes a value: its primitive has no lowering, or none for these dtypes."""
    if value.op in (INPUT, CONSTANT):
        return False
    dtypes = [*(a.dtype for a in value.args), value.dtype]
    if any(d.kind == "f" and d.itemsize not in (4, 8) for d in dtypes):
        return True
    if value.op in ROWS or value.op in MOVES:
        return False
    return not (is_elementwise(value) and lowered(value.op, tuple(dtypes)))
