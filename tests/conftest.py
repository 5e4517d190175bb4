"""What holds for all tests, and what they share."""

import gc
import os

import pytest

collect_ignore_glob = ["typing/*"]  # scripts, which tests/test_types.py runs

os.environ.setdefault("TGCV_VERIFY", "1")  # the compiler verifies each of its stages


def pytest_collection_finish() -> None:
    """What imports and collection left stays to the end: the collector need not walk through it in every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def on_numpy(monkeypatch):
    """Compiled graphs run on NumPy, by the same rules as eager code: results are equal bit for bit."""
    from tinygrad_cv.ir.numpy_source import NumpyProgram
    from tinygrad_cv.tracing import entry

    monkeypatch.setattr(entry, "compiled", lambda graph, precision: NumpyProgram(graph))
