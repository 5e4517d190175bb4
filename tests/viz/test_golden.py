"""Drawings of small programs, held against texts that were looked at as pictures. To renew them: golden/README.md."""

import os
from pathlib import Path

import pytest

pytestmark = pytest.mark.any_python

GOLDEN = Path(__file__).parent / "golden"
UPDATE = bool(os.environ.get("UPDATE_GOLDEN"))


def run(name):
    """The program's view and the depths to draw it at; its lines are known by its bare name wherever it lies."""
    program = GOLDEN / f"{name}.py"
    names = {"__name__": "golden"}
    exec(compile(program.read_text(), program.name, "exec"), names)
    return names["view"], names["depths"]


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.py")))
def test_drawing_is_the_golden_one(name):
    view, depths = run(name)
    again, _ = run(name)
    for depth in depths:
        text = view.dot(depth)
        assert text == again.dot(depth), "two runs of one program are drawn differently"
        path = GOLDEN / f"{name}{'' if depth is None else f'.depth{depth}'}.dot"
        if UPDATE:
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"{path.name} differs; UPDATE_GOLDEN=1 writes it anew"
