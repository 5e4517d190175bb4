"""``TGCV_DEBUG``: what the compiler makes of a graph, stage by stage, on stderr.

    TGCV_DEBUG=fused,loops python tests/compiler/golden/softmax.py

    graph       the graph as it was traced
    rewrite     what each pass took from it (-) and added (+)
    fused       the kernels, in steps, as formulas; how values lie in memory
    loops       each kernel's loops: what is a vector, what is held in registers, what threads share
    llvm        the text that LLVM compiles
    time        milliseconds of each stage, and of each kernel by itself
    all         all of these

With it everything is compiled anew, whatever images there are on disk, and every stage is verified (verify/).
``TGCV_VERIFY=1`` verifies, where something is compiled, and prints nothing.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Any

from ..ir.graph import CONSTANT, Graph, line
from . import text

if TYPE_CHECKING:
    from .image import Image
    from .runtime.target import Target
    from .schedule.kernel import Plan

STAGES = ("graph", "rewrite", "fused", "loops", "llvm", "time")


def stages(asked: str) -> frozenset[str]:
    """The stages that a list of words asks for.

    Raises:
        ValueError: a word that is none of them.

    >>> sorted(stages("loops, graph"))
    ['graph', 'loops']
    >>> len(stages("all")), len(stages(""))
    (6, 0)
    """
    words = [word.strip() for word in asked.split(",") if word.strip()]
    for word in words:
        if word not in (*STAGES, "all"):
            raise ValueError(f"TGCV_DEBUG={asked}: there is no stage {word!r}; there are {', '.join(STAGES)}, and all.")
    return frozenset(STAGES if "all" in words else words)


class Watch:
    """Looks at what a compilation makes, between its stages: verifies, prints, takes the time."""

    def __init__(self) -> None:
        self.stages = stages(os.environ.get("TGCV_DEBUG", ""))
        self.verifies = bool(self.stages) or os.environ.get("TGCV_VERIFY", "0") not in ("", "0")
        self._times: list[tuple[str, float]] = []
        self._since = time.perf_counter()

    def traced(self, graph: Graph) -> None:
        """A graph comes in."""
        if self.verifies:
            from .verify import verify_graph

            verify_graph(graph, "trace")
        if "graph" in self.stages:
            _print(f"graph: {_counts(graph)}", graph)
        self._since = time.perf_counter()

    def rewritten(self, name: str, old: Graph, new: Graph) -> Graph:
        """A pass has made a new graph of an old one."""
        self._lap(name)
        if self.verifies:
            from .verify import verify_rewrite

            verify_rewrite(old, new, name)
        if "rewrite" in self.stages and new.outputs != old.outputs:
            _print(f"rewrite: {name}: {_counts(old)} become {_counts(new)}", _difference(old, new))
        self._since = time.perf_counter()
        return new

    def planned(self, plan: Plan) -> Plan:
        """A plan is made."""
        self._lap("plan")
        if self.verifies:
            from .verify import verify_plan

            verify_plan(plan)
        if "fused" in self.stages:
            _print(f"fused: {len(plan.kernels)} kernels in {len(plan.steps)} steps", text.fused(plan))
        if "loops" in self.stages:
            _print("loops", text.loops(plan))
        self._since = time.perf_counter()
        return plan

    def built(self, plan: Plan, target: Target, image: Image) -> Image:
        """A plan is compiled."""
        self._lap("code")
        if self.verifies:
            from .verify import verify_image

            verify_image(plan, image)
        if "llvm" in self.stages:
            from .codegen.module import Modules

            _print(f"llvm for {target.cpu}", "\n".join(Modules(plan, target)))
        return image

    def loaded(self, program: Any) -> Any:
        """A program can run."""
        if "time" in self.stages:
            laps = "\n".join(f"{1e3 * seconds:9.2f} ms  {name}" for name, seconds in self._times)
            _print("time", f"{laps}\n\n{program.kernels()}")
        return program

    def _lap(self, name: str) -> None:
        self._times.append((name, time.perf_counter() - self._since))


def _print(title: str, what: Any) -> None:
    print(f"--- {title}\n{what}\n", file=sys.stderr)


def _counts(graph: Graph) -> str:
    values = [value for value in graph.values() if value.op != CONSTANT]
    return f"{len(values)} values, {sum(value.op == 'sum' for value in values)} sums"


def _difference(old: Graph, new: Graph) -> str:
    """What a pass took away and added."""
    before, after = old.values(), new.values()
    gone, come = set(before).difference(after), set(after).difference(before)
    lines = [f"- {line(v)}" for v in before if v in gone and (v.op != CONSTANT or v.ndim)]
    lines += [f"+ {line(v)}" for v in after if v in come and (v.op != CONSTANT or v.ndim)]
    return "\n".join([*lines, f"  return {', '.join(map(repr, new.outputs))}"])
