"""The passes, in order. This file holds their order, and no rule."""

from __future__ import annotations

from typing import Any

from .ir import CONSTANT, INPUT, Graph, Value


def on_host(value: Value) -> bool:
    """Whether NumPy computes a value: its operation has no lowering, or not for these dtypes."""
    from .lower.elementwise import lowered
    from .schedule.define import ROWS
    from .schedule.store import is_elementwise

    if value.op in (INPUT, CONSTANT):
        return False
    dtypes = [*(a.dtype for a in value.args), value.dtype]
    if any(d.kind == "f" and d.itemsize not in (4, 8) for d in dtypes):
        return True
    if value.op in ROWS:
        return False
    if is_elementwise(value):
        return not lowered(value.op, dtypes)
    return True


def compile(graph: Graph) -> Any:
    """A program for a graph."""
    from .image import build
    from .program import NativeProgram
    from .rewrite.operands import copy_operands
    from .runtime.target import host
    from .runtime.threads import get_num_threads
    from .schedule.plan import plan

    graph = copy_operands(graph)
    made = plan(graph, host(), on_host)
    threads = get_num_threads()
    return NativeProgram(build(graph, made, host(), threads), threads)
