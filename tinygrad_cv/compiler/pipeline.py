"""The stages of a compilation, in order. This file holds the order and nothing else.

A stage is a function of what earlier stages made. ``TGCV_DEBUG`` prints what it makes, ``TGCV_VERIFY`` verifies it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.collector import uncollected
from ..ir.graph import Graph
from ..ir.rewrite.join import join_sums
from ..ir.rewrite.known_rows import gather_known_rows
from ..ir.rewrite.moments import merge_moments
from ..ir.rewrite.multiply_less import Taken, multiply_less
from ..ir.rewrite.products import plain_products
from ..ir.rewrite.shrink import shrink
from ..ir.rewrite.split import split_sums
from ..ir.rewrite.sums import distribute_sums
from ..ir.rewrite.updates import copy_updates
from ..ir.rewrite.widen import widen_sums
from . import printer
from .debug import Watch
from .host import on_host
from .options import DEFAULT, Options
from .schedule.clear import clear_halos
from .schedule.expr import Exprs
from .schedule.fuse import fuse
from .schedule.halo import lay_out, without_guards
from .schedule.hand_on import hand_on
from .schedule.keep import keep
from .schedule.kernel import Kernel, NestKernel, Plan
from .schedule.late import Times
from .schedule.layout import Layout
from .schedule.limit import within
from .schedule.pack import pack_operands
from .schedule.recompute import recompute
from .schedule.settle import Nests, settle
from .schedule.short_steps import shorten
from .schedule.steps import order
from .verify import verify_image, verify_kernels, verify_layouts, verify_nests, verify_plan, verify_rewrite

if TYPE_CHECKING:
    from ..ir.graph import Value
    from . import Program
    from .codegen.module import Modules
    from .image import Image
    from .runtime.target import Target


class Work:
    """A graph, a machine, a number of threads, and what the stages have made so far: each adds its parts."""

    target: Target
    before: Graph  # the graph before the last rewrite
    taken: tuple[Taken, ...]  # contractions with fewer multiplications
    nests: Nests
    layouts: dict[Value, Layout]
    kernels: list[Kernel]
    times: Times  # which of them are late
    plan: Plan
    modules: Modules
    objects: list[bytes]
    image: Image

    def __init__(self, graph: Graph, threads: int = 1, target: Target | None = None, options: Options = DEFAULT):
        self.graph = self.before = graph
        self.threads = threads
        self.options = options
        if target is not None:
            self.target = target
        self.exprs = Exprs()


class Stage(NamedTuple):
    """One line of the list.

    Attributes:
        makes: the names of the parts of the work that ``run`` returns.
        shows: for words of ``TGCV_DEBUG``, what was made as text; None if there is nothing to see.
    """

    name: str
    makes: tuple[str, ...]
    run: Callable[[Work], tuple[Any, ...]]
    verify: Callable[[Work, str], None]
    shows: dict[str, Callable[[Work], str | None]]


def _rewrite(name: str, one: Callable[[Graph, int], Graph]) -> Stage:
    """A stage that rewrites the graph."""
    return Stage(
        name,
        ("before", "graph"),
        lambda w: (w.graph, one(w.graph, w.threads)),
        lambda w, name: verify_rewrite(w.before, w.graph, name),
        {"rewrite": lambda w: printer.difference(w.before, w.graph)},
    )


STAGES: tuple[Stage, ...] = (
    _rewrite("gather known rows", lambda graph, threads: gather_known_rows(graph)),
    _rewrite("widen sums", lambda graph, threads: widen_sums(graph)),
    _rewrite("shrink", lambda graph, threads: shrink(graph)),
    _rewrite("distribute sums", lambda graph, threads: distribute_sums(graph)),
    _rewrite("join sums", lambda graph, threads: join_sums(graph)),
    _rewrite("merge moments", lambda graph, threads: merge_moments(graph)),
    _rewrite("shrink again", lambda graph, threads: shrink(graph)),
    _rewrite("plain products", lambda graph, threads: plain_products(graph)),
    Stage(
        "multiply less",
        ("before", "graph", "taken"),
        lambda w: (w.graph, *multiply_less(w.graph, w.options.precision, w.threads)),
        lambda w, name: verify_rewrite(w.before, w.graph, name),
        {"rewrite": lambda w: printer.difference(w.before, w.graph)},
    ),
    _rewrite("split sums", lambda graph, threads: split_sums(graph, parts=threads)),
    _rewrite("copy updates", lambda graph, threads: copy_updates(graph)),
    Stage(
        "materialize, arrange, build nests",
        ("nests",),
        lambda w: (settle(w.exprs, w.graph, w.target, on_host),),
        lambda w, name: verify_nests(w.nests.flat, None, w.nests.aliases, name),
        {"nests": lambda w: printer.formulas(w.nests.flat)},
    ),
    Stage(
        "lay out",
        ("layouts",),
        lambda w: (lay_out(w.graph, w.nests, w.target),),
        lambda w, name: verify_layouts(w.layouts, w.nests.aliases, name),
        {"layouts": lambda w: printer.memory(w.graph, w.layouts, w.nests.aliases)},
    ),
    Stage(
        "drop redundant guards",
        ("nests",),
        lambda w: (without_guards(w.exprs, w.nests, w.layouts),),
        lambda w, name: verify_nests(w.nests.flat, w.layouts, w.nests.aliases, name),
        {"nests": lambda w: printer.formulas(w.nests.flat)},
    ),
    Stage(
        "pack operands",
        ("kernels", "layouts"),
        lambda w: pack_operands(w.exprs, w.nests, w.layouts, w.target),
        lambda w, name: verify_kernels(w.kernels, w.layouts, w.nests.aliases, name),
        {"kernels": lambda w: printer.formulas([k.nest for k in w.kernels if isinstance(k, NestKernel)])},
    ),
    Stage(
        "fuse",
        ("kernels", "times"),
        lambda w: fuse(w.exprs, w.graph, w.kernels, w.nests.aliases, w.layouts, w.target, w.nests.updates),
        lambda w, name: verify_kernels(w.kernels, w.layouts, w.nests.aliases, name),
        {"kernels": lambda w: printer.formulas([k.nest for k in w.kernels if isinstance(k, NestKernel)])},
    ),
    Stage(
        "order",
        ("plan",),
        lambda w: (order(w.graph, w.kernels, w.layouts, w.nests.aliases, w.nests.updates, w.times),),
        lambda w, name: verify_plan(w.plan, name),
        {"fused": lambda w: printer.fused(w.plan), "loops": lambda w: printer.loops(w.plan)},
    ),
    Stage(
        "recompute",
        ("plan",),
        lambda w: (recompute(w.plan),),
        lambda w, name: verify_plan(w.plan, name),
        {"fused": lambda w: printer.fused(w.plan)},
    ),
    Stage(
        "keep to the limit",
        ("plan",),
        lambda w: (w.plan if w.options.memory is None else within(w.plan, w.options.memory, w.target),),
        lambda w, name: verify_plan(w.plan, name),
        {"fused": lambda w: printer.fused(w.plan)},
    ),
    Stage(
        "clear halos",
        ("plan",),
        lambda w: (clear_halos(w.plan, w.target),),
        lambda w, name: verify_plan(w.plan, name),
        {"fused": lambda w: printer.fused(w.plan)},
    ),
    Stage(
        "shorten steps",
        ("plan",),
        lambda w: (hand_on(shorten(w.plan)),),
        lambda w, name: verify_plan(w.plan, name),
        {"fused": lambda w: printer.fused(w.plan), "loops": lambda w: printer.loops(w.plan)},
    ),
    Stage(
        "keep what stays",
        ("plan",),
        lambda w: (keep(w.plan) if w.options.memory is None else w.plan,),
        lambda w, name: verify_plan(w.plan, name),
        {"fused": lambda w: printer.fused(w.plan), "loops": lambda w: printer.loops(w.plan)},
    ),
    Stage(
        "write",
        ("modules",),
        lambda w: (_modules(w),),
        lambda w, name: None,  # LLVM verifies its own text when it compiles
        {"llvm": lambda w: "\n".join(w.modules)},
    ),
    Stage(
        "compile",
        ("objects",),
        lambda w: (_objects(w),),
        lambda w, name: None,  # nothing but bytes
        {"image": lambda w: f"{sum(map(len, w.objects)):,} bytes of code"},
    ),
    Stage(
        "place",
        ("image",),
        lambda w: (_image(w),),
        lambda w, name: verify_image(w.plan, w.image, name),
        {"image": lambda w: str(w.image)},
    ),
)


def _modules(work: Work) -> Modules:
    from .codegen.module import Modules

    return Modules(work.plan, work.target)


def _objects(work: Work) -> list[bytes]:
    from .runtime.objects import compile_modules  # LLVM is loaded here

    return compile_modules(work.modules, work.target)


def _image(work: Work) -> Image:
    from .image import build

    return build(work.plan, work.modules, work.objects, work.taken)


def run(stages: Sequence[Stage], work: Work, watch: Watch | None = None) -> Work:
    """Run stages, and observe the work between them."""
    watch = watch or Watch()
    for stage in stages:
        with watch.timed(stage.name):
            made = stage.run(work)
        for part, value in zip(stage.makes, made, strict=True):
            setattr(work, part, value)
        if watch.verifies:
            stage.verify(work, stage.name)
        for word, show in stage.shows.items():
            watch.show(word, stage.name, partial(show, work))
    return work


def _until(part: str) -> int:
    """The number of stages up to the last one that makes a part."""
    return max(number for number, stage in enumerate(STAGES, 1) if part in stage.makes)


REWRITES, PLANNING = STAGES[: _until("graph")], STAGES[_until("graph") : _until("plan")]


def rewrite(graph: Graph, threads: int, options: Options = DEFAULT) -> Graph:
    """The graph after all rewrites; long sums are split for a number of threads."""
    return run(REWRITES, Work(graph, threads, options=options)).graph


def plan(graph: Graph, target: Target, options: Options = DEFAULT) -> Plan:
    """The plan of a rewritten graph."""
    return run(PLANNING, Work(graph, target=target, options=options)).plan


def make(graph: Graph, target: Target, threads: int, watch: Watch | None = None, options: Options = DEFAULT) -> Image:
    """The image of a graph for a machine."""
    watch = watch or Watch()
    watch.traced(graph)
    return run(STAGES, Work(graph, threads, target, options), watch).image


def written(graph: Graph, target: Target, threads: int = 1, options: Options = DEFAULT) -> tuple[Image, str]:
    """The image of a graph without code, and all its kernels as one text, for a module that calls them itself."""
    work = run(STAGES[: _until("modules")], Work(graph, threads, target, options), Watch())
    text = work.modules.merged()
    work.objects = []
    return run(STAGES[_until("objects") :], work, Watch()).image, text


def compile(graph: Graph, options: Options = DEFAULT) -> tuple[Program, bool]:
    """A program for a graph, and whether it was compiled: it is loaded from disk if it was compiled before."""
    from ..ir.numpy_source import NumpyProgram
    from . import cache
    from .program import NativeProgram
    from .runtime.target import host
    from .runtime.threads import get_num_threads

    if any(value.size == 0 for value in graph.values()):
        return NumpyProgram(graph), False  # nothing to compile
    watch = Watch()
    target, threads = host(), get_num_threads()
    key = cache.key_of(graph, target, threads, options)
    image = None if watch.words else cache.find(key)
    is_new = image is None
    if image is None:
        with uncollected():
            image = make(graph, target, threads, watch, options)
        graph.builder.forget(graph.values())
        cache.store(key, image)
    program = NativeProgram(image, threads)
    watch.show("time", "all", lambda: f"{watch.laps}\n\n{program.kernels()}")
    return program, is_new
