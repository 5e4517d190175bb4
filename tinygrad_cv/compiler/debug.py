"""``TGCV_DEBUG``: prints what the compiler makes of a graph, stage by stage, to stderr.

    TGCV_DEBUG=fused,loops python tests/compiler/golden/softmax.py

    graph       the graph as it was traced
    rewrite     what each rewrite removed (-) and added (+)
    nests       the loop nests of materialized values as formulas, before and after layouts are known
    layouts     the layout of each value in memory
    kernels     the nests with packed operands, and after fusion
    fused       the kernels in steps, as formulas; layouts
    loops       each kernel's loops: vectors, tiles, accumulators, what threads share
    llvm        the text that LLVM compiles
    image       the buffers, and their offsets in the arena
    time        milliseconds of each stage, and of each kernel alone
    all         all of these

If it is set, images on disk are ignored, and every stage is verified (verify/). ``TGCV_VERIFY=1`` verifies whatever is
compiled, and prints nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..ir.graph import Graph
from . import printer
from .verify import verify_graph

WORDS = ("graph", "rewrite", "nests", "layouts", "kernels", "fused", "loops", "llvm", "image", "time")


def words_of(asked: str) -> frozenset[str]:
    """The words of a list that is separated by commas.

    Raises:
        ValueError: a word is unknown.

    >>> sorted(words_of("loops, graph"))
    ['graph', 'loops']
    >>> len(words_of("all")), len(words_of(""))
    (10, 0)
    """
    words = [word.strip() for word in asked.split(",") if word.strip()]
    for word in words:
        if word not in (*WORDS, "all"):
            raise ValueError(f"TGCV_DEBUG={asked}: there is no word {word!r}; there are {', '.join(WORDS)}, and all.")
    return frozenset(WORDS if "all" in words else words)


class Watch:
    """Observes a compilation between its stages: verifies, prints, measures time."""

    def __init__(self) -> None:
        self.words = words_of(os.environ.get("TGCV_DEBUG", ""))
        self.verifies = bool(self.words) or os.environ.get("TGCV_VERIFY", "0") not in ("", "0")
        self._times: list[tuple[str, float]] = []

    def traced(self, graph: Graph) -> None:
        """Verify and print the traced graph."""
        if self.verifies:
            verify_graph(graph, "trace")
        self.show("graph", "trace", lambda: f"{printer.counts(graph)}\n{graph}")

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """A context whose time counts as this stage's."""
        start = time.perf_counter()
        yield
        self._times.append((name, time.perf_counter() - start))

    @property
    def laps(self) -> str:
        """The time of each stage as text."""
        return "\n".join(f"{1e3 * seconds:9.2f} ms  {name}" for name, seconds in self._times)

    def show(self, word: str, name: str, what: Callable[[], str | None]) -> None:
        """Print what a stage made if the word was asked for; ``what`` returns None if there is nothing to see."""
        if word in self.words and (shown := what()) is not None:
            print(f"--- {word}: {name}\n{shown}\n", file=sys.stderr)
