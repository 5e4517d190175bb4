"""What tests of the tracer share."""

from __future__ import annotations

import pytest

from tinygrad_cv.ir.numpy_source import NumpyProgram
from tinygrad_cv.tracing import entry


@pytest.fixture
def on_numpy(monkeypatch):
    """Graphs run on NumPy, by the same rules as eager code: results are equal bit for bit."""
    monkeypatch.setattr(entry, "compiled", NumpyProgram)
