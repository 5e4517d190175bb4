"""A compiled plan as plain data, which can be stored on disk and loaded again without compiling anything.

    image   = object code, buffers, steps
    buffer  = an input, an output, a constant, or a part of the arena
    step    = chains of kernels for all threads, or for one thread; or an operation that NumPy computes

This file lays out the arena and numbers buffers and calls; program.py runs the image.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..ir.graph import CONSTANT, Graph, Value
from ..ir.rewrite.multiply_less import Taken
from .codegen.module import Modules
from .codegen.nest import buffers_of
from .memory import MemoryRow
from .schedule.arena import place
from .schedule.kernel import PIECE, HostKernel, Kernel, NestKernel, Plan, touched
from .schedule.lives import lives_of, nbytes, outside
from .schedule.storage import first


@dataclass(frozen=True)
class Buffer:
    """The memory of a value.

    Attributes:
        place: the number of the input, output or constant; in the arena, or in another buffer, the byte offset.
        whole: the number of the buffer that it is a part of.
    """

    kind: str  # "input", "output", "constant", "arena" or "part"
    place: int
    shape: tuple[int, ...]
    dtype: np.dtype
    whole: int = -1


@dataclass(frozen=True)
class Call:
    """A call of a kernel: its function, and the numbers of its buffers."""

    function: str
    buffers: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """Kernels that run one after the other on each piece of their common range.

    Attributes:
        steps: the length of the range.
        piece: how many steps a kernel runs before the next one does.
    """

    steps: int
    piece: int
    calls: tuple[Call, ...]


@dataclass(frozen=True)
class ImageStep:
    """Chains for all threads or for one, or an operation that NumPy computes.

    Attributes:
        kind: "parallel", "serial" or "host".
        chains: empty if NumPy computes it.
        op, params: the primitive that NumPy computes, and its parameters.
        args: the buffer and the shape of each argument, which may be a reshape of what the buffer holds.
        result: the buffer of the result.
    """

    kind: str
    chains: tuple[Chain, ...] = ()
    op: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    args: tuple[tuple[int, tuple[int, ...]], ...] = ()
    result: int = 0


@dataclass(frozen=True)
class KernelInfo:
    """What a kernel computes and costs, for tables."""

    step: int
    kind: str
    ops: tuple[str, ...]
    scope: str
    flops: int
    nbytes: int


@dataclass
class Image:
    """Everything that is needed to run a program.

    Attributes:
        arena: bytes.
        inputs, outputs: their buffers, in order.
        memory: what is in the arena, and when.
        outside: the bytes of inputs, outputs and constants.
        kept: how many steps come first that need not run again until a steady input changes.
        steady: the numbers of inputs that are usually the same as in the call before.
        late: the number of the first step that stores updates.
        places: for numbers of outputs that are updates, what they may be written over, as in a plan.
        work: a rough number of operations in all.
        taken: contractions that are done with fewer multiplications.
    """

    objects: list[bytes]
    names: list[str]
    buffers: list[Buffer]
    steps: list[ImageStep]
    constants: list[np.ndarray]
    arena: int
    inputs: list[int]
    outputs: list[int]
    kernels: list[KernelInfo]
    memory: list[MemoryRow]
    outside: dict[str, int]
    work: int
    kept: int
    steady: tuple[int, ...]
    late: int
    places: dict[int, int]
    taken: tuple[Taken, ...]

    def __str__(self) -> str:
        lines = [f"an arena of {self.arena:,} bytes"]
        for number, b in enumerate(self.buffers):
            lines.append(f"  buffer {number}: {b.kind} {b.place}, {b.dtype}[{', '.join(map(str, b.shape))}]")
        return "\n".join(lines)


def build(plan: Plan, modules: Modules, objects: Iterable[bytes] = (), taken: tuple[Taken, ...] = ()) -> Image:
    """Place the buffers of a plan whose modules have been written; without object code nothing of it can be loaded."""
    graph = plan.graph
    numbers, buffers, arena = _buffers(graph, plan)
    calls: dict[int, Call] = {}
    steps_of: dict[int, int] = {}
    for kernel in plan.kernels:
        if isinstance(kernel, NestKernel):
            name, steps_of[id(kernel)] = modules.lowered[id(kernel)]
            calls[id(kernel)] = Call(name, tuple(numbers[v] for v in buffers_of(kernel.nest)))
    steps = []
    for step in plan.steps:
        if step.kind == "host":
            ((kernel,),) = step.chains
            assert isinstance(kernel, HostKernel)
            value = kernel.value
            args = tuple((numbers[a], a.shape) for a in value.args)
            steps.append(ImageStep("host", (), value.op, value.params, args, numbers[value]))
            continue
        chains = []
        for chain in step.chains:
            if step.kind == "serial":  # each kernel runs on its whole range
                chains += [Chain(steps_of[id(k)], steps_of[id(k)], (calls[id(k)],)) for k in chain]
                continue
            count = steps_of[id(chain[0])]
            piece = count if len(chain) == 1 else max(1, count * PIECE // max(touched(chain), 1))
            chains.append(Chain(count, piece, tuple(calls[id(k)] for k in chain)))
        steps.append(ImageStep(step.kind, tuple(chains)))
    constants = [np.asarray(v.params["array"], order="C") for v in graph.values() if v.op == CONSTANT]
    return Image(
        list(objects),
        modules.names,
        buffers,
        steps,
        constants,
        arena,
        [numbers[v] for v in graph.inputs],
        [numbers[v] for v in graph.outputs],
        [_info(i, k, i < plan.kept) for i, s in enumerate(plan.steps) for c in s.chains for k in c],
        _memory(plan),
        outside(plan),
        sum(k.work for k in plan.kernels),
        plan.kept,
        graph.steady if plan.kept else (),
        plan.late,
        {number: plan.places[v] for number, v in enumerate(graph.outputs) if v in plan.places},
        taken,
    )


def _info(step: int, kernel: Kernel, kept: bool) -> KernelInfo:
    nbytes = sum(v.nbytes for v in (*kernel.reads, *kernel.writes))
    scope = (
        next((v.scope.path for v in kernel.writes if v.scope is not None), "") if isinstance(kernel, NestKernel) else ""
    )
    return KernelInfo(step, "kept" if kept else kernel.kind, kernel.ops, scope, kernel.flops, nbytes)


def _memory(plan: Plan) -> list[MemoryRow]:
    """A row for each value in the arena."""
    makers: dict[Value, Kernel] = {}
    for kernel in plan.kernels:
        for value in kernel.writes if kernel.kind != "halo" else ():
            makers.setdefault(plan.memory_of(value), kernel)
    rows, seen = [], set[Value]()
    for value, (start, end) in lives_of(plan).items():
        size, what, scope = nbytes(plan.layouts[value]), str(plan.layouts[value]), value.scope
        path = scope.path if scope else ""
        rows.append(MemoryRow(size, start, end, what, makers[value].ops, path, first(value) in seen))
        seen.add(first(value))
    return rows


def _buffers(graph: Graph, plan: Plan) -> tuple[dict[Value, int], list[Buffer], int]:
    """The number of each value's buffer, the buffers, and the size of the arena."""
    numbers: dict[Value, int] = {}
    buffers: list[Buffer] = []

    def add(value: Value, kind: str, place: int) -> None:
        if value not in numbers:
            numbers[value] = len(buffers)
            buffers.append(Buffer(kind, place, value.shape, value.dtype))

    for value in graph.inputs:
        add(value, "input", value.params["index"])
    for number, value in enumerate(v for v in graph.values() if v.op == CONSTANT):
        add(value, "constant", number)
    for number, value in enumerate(v for v in dict.fromkeys(graph.outputs) if v not in numbers):
        add(value, "output", number)
    offsets, size = place(lives_of(plan), plan.layouts, plan.cleared)
    for value, offset in offsets.items():
        add(value, "arena", offset)
    for value, base in plan.aliases.reshapes.items():
        numbers[value] = numbers[base]
    for value in plan.aliases.regions:
        if (base := plan.memory_of(value)) in numbers:
            numbers[value] = len(buffers)
            buffers.append(Buffer("part", plan.place_of(value), value.shape, value.dtype, numbers[base]))
    return numbers, buffers, size
