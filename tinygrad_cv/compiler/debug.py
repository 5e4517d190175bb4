"""``TGCV_DEBUG``: what the compiler makes of a graph, stage by stage, on stderr.

    TGCV_DEBUG=fused,loops python tests/compiler/golden/softmax.py

    graph       the graph as it was traced
    rewrite     what each pass took from it (-) and added (+)
    nests       the loops of each stored value, as formulas, before anything is known of memory and after
    layouts     how values lie in memory
    kernels     the nests with packed operands, and as they are joined
    fused       the kernels, in steps, as formulas; how values lie in memory
    loops       each kernel's loops: what is a vector, what is held in registers, what threads share
    llvm        the text that LLVM compiles
    image       the buffers, and what lies where in the arena
    time        milliseconds of each stage, and of each kernel by itself
    all         all of these

With it everything is compiled anew, whatever images there are on disk, and every stage is verified (verify/).
``TGCV_VERIFY=1`` verifies, where something is compiled, and prints nothing.
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
    """The words of a list.

    Raises:
        ValueError: a word that is none of them.

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
    """Looks at what a compilation makes, between its stages: verifies, prints, takes the time."""

    def __init__(self) -> None:
        self.words = words_of(os.environ.get("TGCV_DEBUG", ""))
        self.verifies = bool(self.words) or os.environ.get("TGCV_VERIFY", "0") not in ("", "0")
        self._times: list[tuple[str, float]] = []

    def traced(self, graph: Graph) -> None:
        """A graph comes in."""
        if self.verifies:
            verify_graph(graph, "trace")
        self.show("graph", "trace", lambda: f"{printer.counts(graph)}\n{graph}")

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Inside, the time is a stage's."""
        start = time.perf_counter()
        yield
        self._times.append((name, time.perf_counter() - start))

    @property
    def laps(self) -> str:
        """How long each stage took."""
        return "\n".join(f"{1e3 * seconds:9.2f} ms  {name}" for name, seconds in self._times)

    def show(self, word: str, name: str, what: Callable[[], str | None]) -> None:
        """Print what a stage made, where the word was asked for and there is something to see."""
        if word in self.words and (shown := what()) is not None:
            print(f"--- {word}: {name}\n{shown}\n", file=sys.stderr)
