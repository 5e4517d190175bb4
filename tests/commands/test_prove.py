"""``python -m tinygrad_cv prove`` from its options to its page and exit code."""

import re
from pathlib import Path

import numpy as np
import pytest

import tinygrad_cv.functional as F
from tests.proof.planting import wrong
from tinygrad_cv.__main__ import main
from tinygrad_cv.commands import prove
from tinygrad_cv.core.primitive import Primitive
from tinygrad_cv.ops import PRIMITIVES
from tinygrad_cv.proof import report

LAST_LINE = re.compile(r"[\d,]+ checks, (\d+) wrong, seed \d+, \d+\.\d s")
PAGE = Path(__file__).parents[2] / "docs" / "proof.md"


def test_one_primitive(capsys, tmp_path):
    out = tmp_path / "proof.md"
    assert main(["prove", "--only", "neg", "--part", "--seed", "3", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["primitive", "symbolic", "adjoint", "jacobian", "float32", "large", "largest", "error"]
    assert lines[2].split()[:3] == ["neg", "2", "5"]
    assert LAST_LINE.fullmatch(lines[-1]).group(1) == "0" and "seed 3" in lines[-1]
    page = out.read_text(encoding="utf-8")
    assert "written by `python -m tinygrad_cv prove`" in page and "\n| neg | 2 | 5 |" in page
    assert "adjoint |" in page and "mutation |" not in page  # only what was checked is explained


def test_a_wrong_derivative_is_told_and_fails(capsys, tmp_path):
    out = tmp_path / "proof.md"
    with wrong("neg", 0, lambda g: g):
        assert main(["prove", "--only", "neg", "--part", "--out", str(out)]) == 1
    text = capsys.readouterr().out
    told = "neg, symbolic, ∂y/∂x, everywhere: the VJP is g, the derivative of the definition -g"
    assert "1 of 2 WRONG" in text and told in text and told in out.read_text(encoding="utf-8")


def test_the_page_does_not_change_from_run_to_run(tmp_path, capsys):
    pages = []
    for name in ("a.md", "b.md"):
        main(["prove", "--only", "softplus", "--part", "--out", str(tmp_path / name)])
        pages.append((tmp_path / name).read_text(encoding="utf-8"))
    assert pages[0] == pages[1] and "softplus" in pages[0]


@pytest.mark.quick
def test_a_primitive_without_rows_is_told_what_is_missing(monkeypatch, capsys):
    vjp = lambda g: g  # noqa: E731
    monkeypatch.setitem(PRIMITIVES, "arcsinh", Primitive("arcsinh", np.arcsinh, lambda x: x, ("x",), vjps=(vjp,)))
    assert main(["prove", "--only", "arcsinh"]) == 1
    text = capsys.readouterr().out
    assert "no row for arcsinh: add one in tinygrad_cv/proof/calls/cases.py" in text
    assert "no definition of arcsinh: add one in tinygrad_cv/proof/primitives/definitions.py" in text


@pytest.mark.quick
def test_an_unknown_name(capsys):
    with pytest.raises(SystemExit, match="--only softpuls: no such primitive"):
        main(["prove", "--only", "softpuls"])


@pytest.mark.quick
def test_what_is_missing_is_told_with_the_remedy(monkeypatch):
    find = prove.importlib.util.find_spec
    monkeypatch.setattr(prove.importlib.util, "find_spec", lambda name: None if name == "sympy" else find(name))
    with pytest.raises(SystemExit, match=re.escape("prove needs sympy: pip install sympy")):
        main(["prove", "--part"])


@pytest.mark.quick
def test_the_page_has_a_row_for_everything():
    page = PAGE.read_text(encoding="utf-8")
    assert " 0 wrong" in page
    rows = {line.split(" ")[1] for line in page.splitlines() if line.startswith("| ")}
    assert set(PRIMITIVES) | set(F.__all__) <= rows


@pytest.mark.quick
def test_every_column_is_explained_on_the_page():
    columns = {column for section in report.SECTIONS for column in section.columns}
    explained = {*report.MEANINGS} - {"order 1 to 4"} | {f"order {k}" for k in range(1, 5)}
    assert columns == explained


def test_the_short_form(capsys):
    assert main(["prove", "--part"]) == 0
    text = capsys.readouterr().out
    assert set(PRIMITIVES) | set(F.__all__) <= {line.split(" ")[0] for line in text.splitlines()}
