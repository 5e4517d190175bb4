"""What the compiler makes of five programs, held against texts that were read. To renew them: golden/README.md."""

import os

import pytest

pytest.importorskip("llvmlite")

from tests.compiler.recorded import PARTS, PROGRAMS, recorded
from tinygrad_cv.compiler import text
from tinygrad_cv.compiler.pipeline import on_host, plan, rewrite
from tinygrad_cv.compiler.runtime.target import named

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


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
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_stages_are_the_golden_ones(program):
    found = stages(recorded(program))
    assert found == stages(recorded(program)), "two compilations of one program differ"
    path = program.with_suffix(".txt")
    if UPDATE:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8"), f"{path.name} differs; UPDATE_GOLDEN=1 writes it anew"
