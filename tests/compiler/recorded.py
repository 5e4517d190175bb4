"""The graphs of the golden programs, and arrays for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinygrad_cv.ir.graph import Graph
from tinygrad_cv.ir.numpy_source import NumpyProgram
from tinygrad_cv.tracing import entry

GOLDEN = Path(__file__).parent / "golden"
PROGRAMS = sorted(GOLDEN.glob("*.py"))
PARTS = 2  # threads, whatever the machine has


def recorded(program: Path) -> Graph:
    """The graph of the last function that a program compiles."""
    graphs: list[Graph] = []

    def compiled(graph: Graph, precision: str) -> Any:
        graphs.append(graph)
        return NumpyProgram(graph)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "compiled", compiled)
        exec(compile(program.read_text(), program.name, "exec"), {"__name__": "golden"})
    return graphs[-1]


def drawn(graph: Graph) -> list[np.ndarray]:
    """Standard normal inputs."""
    rng = np.random.default_rng(5)
    return [np.asarray(rng.standard_normal(x.shape)).astype(x.dtype) for x in graph.inputs]
