"""The passes, in order. This file holds their order, and no rule."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from ..core.collector import uncollected
from ..ir.graph import Graph
from ..ir.rewrite.moments import merge_moments
from ..ir.rewrite.shrink import shrink
from ..ir.rewrite.split import split_sums
from ..ir.rewrite.sums import distribute_sums
from ..ir.rewrite.widen import widen_sums
from .debug import Watch
from .host import on_host
from .schedule.plan import plan

if TYPE_CHECKING:
    from .image import Image
    from .runtime.target import Target
    from .schedule.kernel import Plan


def passes(parts: int) -> list[tuple[str, Callable[[Graph], Graph]]]:
    """From the graph as it was traced to the graph as it is planned: the same function, less work for memory."""
    return [
        ("widen sums", widen_sums),
        ("shrink", shrink),
        ("distribute sums", distribute_sums),
        ("merge moments", merge_moments),
        ("shrink again", shrink),
        ("split sums", partial(split_sums, parts=parts)),
    ]


def rewrite(graph: Graph, parts: int, watch: Watch | None = None) -> Graph:
    """The graph behind all passes; long sums are done in ``parts``."""
    watch = watch or Watch()
    watch.traced(graph)
    for name, one in passes(parts):
        graph = watch.rewritten(name, graph, one(graph))
    return graph


def replanned(graph: Graph) -> Plan:
    """The plan that a graph is compiled by on this machine."""
    from .runtime.target import host
    from .runtime.threads import get_num_threads

    return plan(rewrite(graph, get_num_threads()), host(), on_host)


def make(graph: Graph, target: Target, parts: int, watch: Watch | None = None) -> Image:
    """The image of a graph for a machine."""
    from .image import build

    watch = watch or Watch()
    graph = rewrite(graph, parts, watch)
    made = watch.planned(plan(graph, target, on_host))
    return watch.built(made, target, build(graph, made, target))


def compile(graph: Graph) -> Any:
    """A program for a graph: found where it was compiled before, or made."""
    from ..ir.numpy_source import NumpyProgram
    from . import cache
    from .program import NativeProgram
    from .runtime.target import host
    from .runtime.threads import get_num_threads

    if any(value.size == 0 for value in graph.values()):
        return NumpyProgram(graph)  # nothing to compile
    watch = Watch()
    target, threads = host(), get_num_threads()
    key = cache.key_of(graph, target, threads)
    image = None if watch.stages else cache.find(key)
    if image is None:
        with uncollected():
            image = make(graph, target, threads, watch)
        cache.keep(key, image)
    return watch.loaded(NativeProgram(image, threads))
