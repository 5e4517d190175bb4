"""Networks whose parameters need no values."""

from __future__ import annotations

import pytest

from tinygrad_cv import nn


@pytest.fixture
def unstarted(monkeypatch):
    """Parameters stay zeros: memory that nobody touches costs nothing."""
    for name in ("uniform_", "normal_", "trunc_normal_", "constant_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *args, **kwargs: tensor)
