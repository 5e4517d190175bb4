"""The short run imports only the files that have a test of it."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Of ``pytest -m quick``: nothing else than what is marked so."""
    if config.getoption("markexpr") != "quick" or collection_path.suffix != ".py":
        return None
    return None if "mark.quick" in collection_path.read_text() else True
