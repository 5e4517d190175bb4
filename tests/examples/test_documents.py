"""The pages for readers: links lead somewhere, and programs that stand in them run."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.test_examples import ROOT, environment
from tinygrad_cv.commands import train
from tinygrad_cv.commands.batches import AUGMENT
from tinygrad_cv.commands.train_options import OPTIMIZERS
from tinygrad_cv.models.classic import NORMS

PAGES = ["README.md", "CONTRIBUTING.md", "NEWS.md", "docs/README.md", "benchmarks/README.md"]
PAGES += sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "design").glob("*.md"))


@pytest.mark.quick
@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    path = ROOT / page
    targets = re.findall(r"\]\(([^)#\s]+)", path.read_text(encoding="utf-8"))
    missing = [target for target in targets if "://" not in target and not (path.parent / target).exists()]
    assert not missing


@pytest.mark.quick
def test_design_notes_are_numbered_and_listed():
    names = sorted(path.name for path in (ROOT / "docs" / "design").glob("*.md") if path.name != "README.md")
    assert [name[:5] for name in names] == [f"{number:04}-" for number in range(1, len(names) + 1)]
    index = (ROOT / "docs" / "design" / "README.md").read_text(encoding="utf-8")
    assert [name for name in names if f"({name})" not in index] == []


ELSEWHERE = {"training.md", "other_libraries.md"}  # tests/commands/test_guide.py, tests/check/guests/test_page.py
PROGRAMS = ["README.md", "tinygrad_cv/compiler/README.md"]
PROGRAMS += sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "docs").rglob("*.md")
    if "```python" in path.read_text(encoding="utf-8") and path.name not in ELSEWHERE
)


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=folder,
        env={**environment(folder), "MPLBACKEND": "agg"},
        capture_output=True,
        encoding="utf-8",
    )
    if "RuntimeError" in done.stderr and "Graphviz" in done.stderr:
        pytest.skip("no renderer for graphs")
    return done


@pytest.mark.parametrize("page", PROGRAMS)
def test_the_blocks_of_a_page_run_in_order(page, tmp_path):
    pytest.importorskip("matplotlib")
    text = (ROOT / page).read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```", text, re.S | re.M)
    assert len(blocks) == text.count("```python")
    (tmp_path / "page.py").write_text("\n\n".join(blocks), encoding="utf-8")
    done = run(tmp_path, "page.py")
    assert done.returncode == 0, done.stderr
    if page == "README.md":
        drawn, shown = (words(path) for path in (tmp_path / "loss.svg", ROOT / "docs/images/first_example.svg"))
        assert drawn == shown >= {"x", "w", "conv2d", "4×3×8×8"}, "run: python docs/make_images.py"


def words(picture):
    """The words of a picture, but for numbers, which are drawn at random."""
    found = re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text(encoding="utf-8"))
    return {word.strip() for word in found if not re.fullmatch(r"[\d.]+", word)}


def test_the_commands_of_the_pages_run(tmp_path):
    pytest.importorskip("matplotlib")
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in pages)
    commands = set(re.findall(r"python -m tinygrad_cv ((?:gradcheck|graph) [^`\n]+)", text))
    assert len(commands) >= 2
    for command in commands:
        done = run(tmp_path, "-m", "tinygrad_cv", *command.split())
        assert done.returncode == 0, (command, done.stderr)


@pytest.mark.parametrize("heading", ["Look at a graph", "Find a slow step"])
def test_programs_in_contributing_run(heading, tmp_path):
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## )", text, re.S | re.M)
    programs = re.findall(r"```python\n(.*?)```", section[1], re.S)
    assert len(programs) == 1
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", programs[0]],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        encoding="utf-8",
    )
    if "RuntimeError" in done.stderr and "Graphviz" in done.stderr:
        pytest.skip("no renderer for graphs")
    assert done.returncode == 0, done.stderr
    assert Path(tmp_path / "lenet5.svg").exists() or "contract" in done.stdout


@pytest.mark.quick
def test_the_table_of_rooms_names_each_room_and_no_other():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = re.search(r"^## The rooms\n(.*?)(?=^## )", text, re.S | re.M)[1]
    first = [cell for row in re.findall(r"^\| (`.*?) \|", table, re.M) for cell in re.findall(r"`([\w./]+)`", row)]
    paths = [cell if "/" in cell and (ROOT / cell).exists() else f"tinygrad_cv/{cell}" for cell in first]
    assert [path for path in paths if not (ROOT / path).exists()] == []
    rooms = {Path(path).name for path in paths if path.startswith("tinygrad_cv/")}
    package = {path.name for path in (ROOT / "tinygrad_cv").iterdir() if (path / "__init__.py").exists()}
    assert package <= rooms
    assert {"tests", "examples", "benchmarks", "findings", "docs"} <= {path.strip("/") for path in paths}


@pytest.mark.quick
def test_the_table_of_pages_names_each_page():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert [page for page in sorted(pages) if f"]({page})" not in index] == []
    site = (ROOT / "docs" / "index.md").read_text(encoding="utf-8").splitlines()
    assert [page for page in sorted(pages - {"index.md"}) if page.removesuffix(".md") not in site] == []


@pytest.mark.quick
def test_the_guide_names_each_option_of_training_and_each_choice():
    parser = argparse.ArgumentParser()
    train.add_arguments(parser)
    options = {word for action in parser._actions for word in action.option_strings} - {"-h", "--help"}
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    section = text.split("## Options")[1].split("\n## ")[0]
    assert set(re.findall(r"`(--[a-z-]+)`", section)) == options
    for option, choices in (("norm", NORMS), ("augment", AUGMENT), ("optimizer", OPTIMIZERS)):
        assert [words.split(", ") for words in re.findall(rf"`--{option}` \(([^)]*)\)", section)] == [list(choices)]
