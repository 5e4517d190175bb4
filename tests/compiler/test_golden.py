"""What the compiler makes of six programs, held against texts that were read. To renew them: golden/README.md."""

import os
import re
from pathlib import Path

import pytest

pytest.importorskip("llvmlite")

from tests.compiler.recorded import GOLDEN, PARTS, PROGRAMS, recorded
from tinygrad_cv import compiler
from tinygrad_cv.compiler import printer
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.target import named

UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


def stages(graph):
    rewritten = rewrite(graph, PARTS)
    planned = plan(rewritten, named("haswell"))
    return f"""graph, as it was traced

{graph}

graph, as it is planned

{rewritten if rewritten.outputs != graph.outputs else "the same"}

kernels

{printer.fused(planned)}

loops

{printer.loops(planned)}
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


README = Path(compiler.__file__).parent / "README.md"
SHOWN = re.compile(r"(?<=<!-- )(\w+), ([^\n]+) -->\n```text\n(.*?)(?=```)", re.S)  # program, stage, text


def stage(program, title):
    """What a golden text says under a title."""
    found = (GOLDEN / f"{program}.txt").read_text(encoding="utf-8")
    return re.search(rf"^{re.escape(title)}\n\n(.*?\n)(?=\n|\Z)", found, re.M | re.S)[1]


@pytest.mark.quick
def test_the_readme_shows_the_golden_texts():
    old = README.read_text(encoding="utf-8")
    new = SHOWN.sub(lambda shown: f"{shown[1]}, {shown[2]} -->\n```text\n{stage(shown[1], shown[2])}", old)
    assert len(SHOWN.findall(old)) == 3
    if UPDATE:
        README.write_text(new, encoding="utf-8")
    else:
        assert old == new, "compiler/README.md shows other texts; UPDATE_GOLDEN=1 writes them anew"
