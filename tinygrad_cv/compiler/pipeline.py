"""The passes, in order. This file holds their order, and no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .ir import CONSTANT, INPUT, Graph, Value

if TYPE_CHECKING:
    from .image import Image
    from .runtime.target import Target


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


def rewrite(graph: Graph, parts: int) -> Graph:
    """The graph as it is to be planned: the same function, with fewer passes over memory."""
    from .rewrite.moments import merge_moments
    from .rewrite.shrink import shrink
    from .rewrite.split import split_sums
    from .rewrite.sums import distribute_sums

    graph = shrink(graph)
    graph = distribute_sums(graph)
    graph = merge_moments(graph)
    graph = shrink(graph)
    return split_sums(graph, parts)


def compile(graph: Graph) -> Any:
    """A program for a graph: found where it was compiled before, or made."""
    from . import cache
    from .numpy_source import NumpyProgram
    from .program import NativeProgram
    from .runtime.target import host
    from .runtime.threads import get_num_threads

    if any(value.size == 0 for value in graph.values()):
        return NumpyProgram(graph)  # nothing to compile
    target, threads = host(), get_num_threads()
    key = cache.key_of(graph, target, threads)
    image = cache.find(key)
    if image is None:
        image = make(graph, target, threads)
        cache.keep(key, image)
    return NativeProgram(image, threads)


def make(graph: Graph, target: Target, parts: int) -> Image:
    """The image of a graph for a machine."""
    from .image import build
    from .schedule.plan import plan

    made = plan(rewrite(graph, parts), target, on_host)
    return build(made.graph, made, target, parts)
