"""What the compiler makes of five programs, held against texts that were read. To renew them: golden/README.md."""

import os
from pathlib import Path

import pytest

from tinygrad_cv.compiler import entry, text
from tinygrad_cv.compiler.numpy_source import NumpyProgram

pytest.importorskip("llvmlite")

from tinygrad_cv.compiler.pipeline import on_host, plan, rewrite
from tinygrad_cv.compiler.runtime.target import named

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))
PARTS = 2


def last_graph(program, monkeypatch):
    """The graph of the last function that a program compiles."""
    graphs = []
    monkeypatch.setattr(entry, "compiled", lambda graph: graphs.append(graph) or NumpyProgram(graph))
    exec(compile(program.read_text(), program.name, "exec"), {"__name__": "golden"})
    return graphs[-1]


def stages(graph):
    rewritten = rewrite(graph, PARTS)
    planned = plan(rewritten, named("haswell"), on_host)
    return f"""graph, as it was traced

{graph}

graph, as it is planned

{rewritten if rewritten.outputs != graph.outputs else "the same"}

kernels

{text.fused(planned)}

loops

{text.loops(planned)}
"""


@pytest.mark.quick
@pytest.mark.parametrize("program", sorted(GOLDEN.glob("*.py")), ids=lambda path: path.stem)
def test_stages_are_the_golden_ones(program, monkeypatch):
    found = stages(last_graph(program, monkeypatch))
    assert found == stages(last_graph(program, monkeypatch)), "two compilations of one program differ"
    path = program.with_suffix(".txt")
    if UPDATE:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"{path.name} differs; UPDATE_GOLDEN=1 writes it anew"
