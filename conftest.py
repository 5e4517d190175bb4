"""The short runs import only the files that have a test of theirs, and ``pytest -m quick`` says what it took."""

import time
from importlib.util import find_spec
from pathlib import Path

import pytest

SHORT = {"quick", "any_python"}  # markers
SECONDS = 15  # that `pytest -m quick` may take, from the start of Python to its end


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of ``pytest -m quick``, or ``-m "quick or any_python"``: nothing else than what is marked so."""
    if collection_path.parent.match("tinygrad_cv/onnx") and not find_spec("onnx"):
        return True  # its examples read models
    wanted = set(config.getoption("markexpr").split(" or "))
    if not wanted <= SHORT or collection_path.suffix != ".py":
        return None
    text = collection_path.read_text(encoding="utf-8")
    return None if any(f"mark.{name}" in text for name in wanted) else True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the quick tests cost. No test fails for it: a busy machine is no fault of theirs."""
    if config.getoption("markexpr") == "quick" and not config.getoption("numprocesses", None):
        spent = f"{time.process_time():.1f} s of processor time, imports and collection included"
        terminalreporter.write_line(f"quick: {spent}; {SECONDS} are meant to be enough on a quiet machine")
