"""Type checkers see what the library does: mypy --strict on scripts as users write them, which also run.

In the scripts of ``tests/typing`` a comment after ``reveal_type(...)`` says the type, by its bare name. In
``mistakes.py``, which does not run, ``type: ignore`` names the error that mypy must report: --strict refuses it where
there is none.
"""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "tests" / "typing").glob("*.py"))
RUNNING = [script for script in SCRIPTS if script.stem != "mistakes"]
EXPECTED = re.compile(r"reveal_type\(.*\)  # (.*)")
REPORTED = re.compile(r"([^:]+):(\d+): (note|error): (.*)")


def named(revealed: str) -> str:
    """A type as mypy reveals it, by bare names: without modules, and an array without its parameters."""
    bare = re.sub(r"\b(?:\w+\.)+(?=\w)", "", revealed)
    return re.sub(r"\bndarray\[.*\]", "ndarray", bare).replace("def ()", "() -> None")


@pytest.fixture(scope="module")
def reports() -> dict[tuple[str, int], list[str]]:
    """What mypy --strict says of each line of the scripts, as of users of the installed package."""
    pytest.importorskip("mypy")
    options = ["--strict", "--config-file=", "--follow-imports=silent", f"--cache-dir={os.devnull}"]
    run = subprocess.run(
        [sys.executable, "-m", "mypy", *options, "--no-error-summary", "--no-pretty", *map(str, SCRIPTS)],
        cwd=ROOT,
        env={**os.environ, "MYPYPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (0, 1) and not run.stderr, run.stderr + run.stdout
    found: dict[tuple[str, int], list[str]] = {}
    for line in run.stdout.splitlines():
        match = REPORTED.fullmatch(line)
        assert match, line
        found.setdefault((Path(match[1]).name, int(match[2])), []).append(f"{match[3]}: {match[4]}")
    return found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_revealed_types(script, reports):
    lines = script.read_text().splitlines()
    expected = {i: match[1] for i, line in enumerate(lines, 1) if (match := EXPECTED.search(line))}
    assert len(expected) == sum("reveal_type(" in line for line in lines), "a reveal_type has no comment"
    prefix = 'note: Revealed type is "'
    found, other = {}, []
    for (name, i), messages in reports.items():
        for message in messages:
            if name == script.name and message.startswith(prefix):
                found[i] = named(message.removeprefix(prefix).removesuffix('"'))
            elif name == script.name:
                other.append(f"{name}:{i}: {message}")
    assert not other, "\n".join(other)
    assert found == expected


@pytest.mark.parametrize("script", RUNNING, ids=lambda script: script.stem)
def test_the_script_runs(script):
    runpy.run_path(str(script), {"reveal_type": lambda value: value})


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "tinygrad_cv" / "py.typed").exists()
