"""docs/training.md: its programs and commands run in their order, in one folder, and print what it shows."""

import re
import shlex
from pathlib import Path

import pytest

from tinygrad_cv.__main__ import main

pytest.importorskip("PIL")
pytest.importorskip("matplotlib")
PAGE = (Path(__file__).parents[2] / "docs" / "training.md").read_text(encoding="utf-8")


def masked(text):
    """Lines without what differs from run to run: numbers, how many processes."""
    lines = (re.sub(r"\s+", " ", re.sub(r"-?[\d.,]+", "#", line)).strip() for line in text.splitlines())
    return [re.sub(r"by # process(es)?", "by processes", line) for line in lines if line]


def test_the_guide(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names, printed = {}, ""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.S | re.M)
    assert {kind for kind, _ in blocks} == {"python", "sh", "text"}
    for kind, text in blocks:
        if kind == "python":
            exec(compile(text, "docs/training.md", "exec"), names)
        elif kind == "text":
            missing = [line for line in masked(text) if line not in masked(printed)]
            assert not missing, printed
        else:
            capsys.readouterr()
            for line in text.replace("\\\n", " ").splitlines():
                python, m, package, *arguments = shlex.split(line)
                assert (python, m, package) == ("python", "-m", "tinygrad_cv")
                assert main(arguments) == 0
            printed = capsys.readouterr().out
    for folder, files in {
        "run": ("best.safetensors", "confusion_matrix.png", "model.dot"),
        "again": ("history.csv",),
    }.items():
        assert all((tmp_path / folder / file).exists() for file in files)
    listed = re.findall(r"`([\w.]+\.\w+)`", PAGE.partition("The folder `run` then holds")[2].partition("\n## ")[0])
    left = {path.name for path in (tmp_path / "run").iterdir() if path.is_file()}
    assert left <= set(listed) and set(listed) - left <= {"model.svg"}  # which needs Graphviz
    assert (tmp_path / "pictures" / "04.png").exists() and (tmp_path / "why.png").exists()
