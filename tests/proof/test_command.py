"""``python -m tests.proof`` from its options to its page and exit code."""

import importlib.util
import re

import numpy as np
import pytest

import tinygrad_cv.functional as F
from tests.proof import __main__ as command
from tests.proof import report
from tests.proof.__main__ import PAGE, main
from tests.proof.outcome import Outcome
from tests.proof.planting import wrong
from tinygrad_cv.commands.options import EXIT_CODES
from tinygrad_cv.core.primitive import Primitive, Vjp
from tinygrad_cv.ops import PRIMITIVES

LAST_LINE = re.compile(r"[\d,]+ checks, (\d+) wrong, seed \d+, \d+\.\d s")


def test_one_primitive(capsys, tmp_path):
    out = tmp_path / "proof.md"
    assert main(["--only", "neg", "--part", "--seed", "3", "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    kinds = ["symbolic", "adjoint", "jacobian", "float32", "large", "special values", "mutation", "largest error"]
    assert re.split(r"\s{2,}", lines[0]) == ["primitive", *kinds]
    assert lines[2].split()[:3] == ["neg", "2", "8"]
    assert LAST_LINE.fullmatch(lines[-1]).group(1) == "0" and "seed 3" in lines[-1]
    page = out.read_text(encoding="utf-8")
    assert "written by `python -m tests.proof`" in page and "\n| neg | 2 | 8 |" in page
    assert "adjoint |" in page and "large means |" not in page  # only what was checked is explained


def test_a_wrong_derivative_is_told_and_fails(capsys, tmp_path):
    out = tmp_path / "proof.md"
    with wrong("neg", 0, lambda g: g):
        assert main(["--only", "neg", "--part", "--out", str(out)]) == 1
    text = capsys.readouterr().out
    told = "neg, symbolic, ∂y/∂x, everywhere: the VJP is g, the derivative of the definition -g"
    assert "1 of 2 WRONG" in text and told in text and told in out.read_text(encoding="utf-8")


def test_the_page_does_not_change_from_run_to_run(tmp_path, capsys):
    pages = []
    for name in ("a.md", "b.md"):
        main(["--only", "softplus", "--part", "--out", str(tmp_path / name)])
        pages.append((tmp_path / name).read_text(encoding="utf-8"))
    assert pages[0] == pages[1] and "softplus" in pages[0]


@pytest.mark.any_python
def test_a_primitive_without_rows_is_told_what_is_missing(monkeypatch, capsys):
    vjp = Vjp(lambda g: g, ())
    monkeypatch.setitem(PRIMITIVES, "arcsinh", Primitive("arcsinh", np.arcsinh, lambda x: x, ("x",), vjps=(vjp,)))
    assert main(["--only", "arcsinh"]) == 1
    assert "no row for arcsinh: add one to ROWS in a file of tests/primitives" in capsys.readouterr().out


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--only", "softpuls"],
            "softpuls: no such primitive, and no such function of functional. Near it: soft",
        ),
        (["--seed", "-3"], "--seed"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(arguments, words, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    err = capsys.readouterr().err.strip().splitlines()[-1]
    assert stopped.value.code == 2 and "error: " in err and words in err


@pytest.mark.any_python
def test_what_is_missing_is_told_with_the_remedy(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "sympy" else find(name))
    with pytest.raises(SystemExit, match=re.escape("the proof needs sympy: pip install sympy")):
        main(["--part"])


@pytest.mark.any_python
def test_an_interrupt_and_a_full_disk_end_it_as_any_command(monkeypatch, capsys):
    def run(error):
        def fails(arguments):
            raise error

        monkeypatch.setattr(command, "run", fails)
        return main([])

    assert run(KeyboardInterrupt()) == 130 and capsys.readouterr().err == "interrupted\n"
    assert run(OSError(28, "No space left on device", "x.md")) == 2
    assert capsys.readouterr().err == "error: [Errno 28] No space left on device: 'x.md'\n"


@pytest.mark.any_python
def test_the_help_says_the_exit_codes(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    words = capsys.readouterr().out.split()
    assert stopped.value.code == 0 and words[-len(EXIT_CODES.split()) :] == EXIT_CODES.split()


@pytest.mark.any_python
def test_the_page_has_a_row_for_everything():
    page = PAGE.read_text(encoding="utf-8")
    assert " 0 wrong" in page
    rows = {line.split(" ")[1] for line in page.splitlines() if line.startswith("| ")}
    flat = {"one_hot"}  # of integers, which have no derivative
    assert set(PRIMITIVES) | set(F.__all__) - flat <= rows


@pytest.mark.any_python
def test_every_column_is_explained_on_the_page():
    columns = {column for section in report.SECTIONS for column in section.columns}
    explained = {*report.MEANINGS} - {"order 1 to 4"} | {f"order {k}" for k in range(1, 5)}
    assert columns == explained


@pytest.mark.any_python
def test_a_whole_run_writes_the_page_and_a_part_does_not(monkeypatch, capsys, tmp_path):
    def checks(only, part, seed):
        yield Outcome("exp", "symbolic", "everywhere")

    monkeypatch.setattr(report, "SECTIONS", [section._replace(checks=checks) for section in report.SECTIONS])
    monkeypatch.setattr(command, "PAGE", tmp_path / "proof.md")
    assert main(["--part"]) == main(["--only", "exp"]) == 0 and not command.PAGE.exists()
    assert main([]) == 0 and command.PAGE.read_text(encoding="utf-8").count("| exp | 1 | 0 |") == 3
    assert f"written: {command.PAGE}" in capsys.readouterr().out
