"""One graph, four readings: the primitives one by one, the graph's NumPy reading, its NumPy source, native code."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tests.compiler.bounds import Known, analyze, difference, unchecked
from tests.compiler.programs import Program
from tests.thresholds import BEYOND, COMPILED, crossed, drawn
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.target import host, named
from tinygrad_cv.compiler.runtime.threads import get_num_threads
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.graph import Graph
from tinygrad_cv.ir.rewrite.multiply_less import multiply_less
from tinygrad_cv.ir.rewrite.widen import widen_sums

Array = np.ndarray
Reading = Callable[[Sequence[Array]], list[Array]]


@dataclass(frozen=True)
class Verdict:
    """What is wrong, if anything; and the share of the outputs' elements that could be judged."""

    complaint: str = ""
    judged: float = 1.0

    def __bool__(self) -> bool:
        """Whether something is wrong."""
        return bool(self.complaint)


def judge(program: Program, machine: str = "host") -> Verdict:
    """All readings of a program against its primitives."""
    return judge_graph(program.graph(), program.arrays(), machine)


def judge_graph(graph: Graph, arrays: Sequence[Array], machine: str = "host") -> Verdict:
    """All readings of a graph against its primitives; native code for one of :data:`MACHINES`."""
    known = analyze(graph, arrays)
    judged = 1.0 - float(np.mean([unchecked(k) for k in known]))
    for name, reading in {**READINGS, f"native for {machine}": MACHINES[machine]}.items():
        if reading is _as_source and any(value.op == "all_reduce" for value in graph.values()):
            continue  # there is none of what several processes compute; tests/distributed sees to it
        try:
            run = reading(graph)
            right = known if name in READINGS else by_fewer_products(graph, arrays, known, machine)
            complaint = _first(right, run(arrays)) or _shares(run, arrays)
        except Exception as error:
            complaint = f"{type(error).__name__}: {error}"
        if complaint:
            return Verdict(f"{name}: {complaint}", judged)
    return Verdict("", judged)


def by_fewer_products(graph: Graph, arrays: Sequence[Array], known: list[Known], machine: str) -> list[Known]:
    """The bounds, where a machine's code saves multiplications: those of both ways.

    A NaN stays one. What is infinite, or reads the tile of something that is not finite, may be NaN.
    """
    with crossed(CROSSED.get(machine, {})):
        other, taken = multiply_less(widen_sums(graph), threads=get_num_threads())
    if not taken:
        return known
    wider = []
    for k, o in zip(known, analyze(other, arrays), strict=True):
        if k.y.dtype.kind != "f" or not (o.d > 0).any():
            wider.append(k)
            continue
        finite = np.isfinite(np.asarray(k.y, np.float64)) & np.isfinite(np.asarray(o.y, np.float64))
        d = np.where(np.isnan(k.y), k.d, np.where(finite, k.d + o.d, np.inf))
        wider.append(replace(k, d=d, bits=False))
    return wider


def _as_source(graph: Graph) -> Reading:
    names: dict[str, Any] = {}
    exec(compile(numpy_source.source(graph), "<graph>", "exec"), names)

    def run(arrays: Sequence[Array]) -> list[Array]:
        with np.errstate(all="ignore"):
            return [np.array(y) for y in names["compute"](*arrays)]

    return run


def _made(cpu: str, parts: int) -> Callable[[Graph], Reading]:
    """Native code for another machine that runs here, its work in so many parts."""

    def make(graph: Graph) -> Reading:
        if any(value.size == 0 for value in graph.values()):
            return numpy_source.NumpyProgram(graph)
        return NativeProgram(pipeline.make(graph, named(cpu) if cpu else host(), parts), parts)

    return make


def _elsewhere(values: dict[str, int]) -> Callable[[Graph], Reading]:
    """Native code where other sizes are the ones from which the compiler takes another way."""

    def make(graph: Graph) -> Reading:
        with crossed(values):
            return pipeline.compile(graph)[0]

    return make


READINGS: dict[str, Callable[[Graph], Reading]] = {
    "NumPy reading": numpy_source.NumpyProgram,
    "NumPy source": _as_source,
}
CROSSED = {
    **{f"thresholds {seed}": drawn(COMPILED, seed) for seed in range(4)},
    "fewer multiplications": {"ir.rewrite.multiply_less.WORTH": BEYOND},
}
MACHINES: dict[str, Callable[[Graph], Reading]] = {
    "host": lambda graph: pipeline.compile(graph)[0],
    "three threads": _made("", 3),
    "narrow vectors": _made("x86-64" if host().arch == "x86_64" else "aarch64", 1),
    **{name: _elsewhere(values) for name, values in CROSSED.items()},
}


def _first(known: Sequence[Known], found: Sequence[Array]) -> str:
    """What is wrong with the first output that is."""
    if len(known) != len(found):
        return f"{len(found)} outputs, not {len(known)}"

    def complaints() -> Iterator[str]:
        for i, (k, f) in enumerate(zip(known, found, strict=True)):
            if text := difference(k, f):
                yield f"output {i} {text}"

    return next(complaints(), "")


def _shares(run: Reading, arrays: Sequence[Array]) -> str:
    """What a call shares with another one, or with its arguments."""
    before = [array.copy() for array in arrays]
    first = run(arrays)
    kept = [array.copy() for array in first]
    run([array[::-1].copy() if array.ndim else array for array in arrays])
    again = run(arrays)
    if not all(map(_same, before, arrays)):
        return "an input was changed"
    for i, (a, b, c) in enumerate(zip(kept, first, again, strict=True)):
        if not _same(a, b):
            return f"output {i} was changed by a later call"
        if not _same(a, c):
            return f"output {i} depends on the call before"
    return ""


def _same(a: Array, b: Array) -> bool:
    """Equal to the bit, but for the bits of a NaN."""
    if a.dtype.kind != "f":
        return np.array_equal(a, b)
    return np.array_equal(a, b, equal_nan=True) and np.array_equal(
        np.signbit(a) | np.isnan(a), np.signbit(b) | np.isnan(b)
    )
