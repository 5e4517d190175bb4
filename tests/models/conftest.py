"""Networks whose parameters need no values."""

from __future__ import annotations

import pytest

from tests.models import unstarted as without_values


@pytest.fixture
def unstarted():
    """Parameters stay zeros."""
    with without_values.unstarted():
        yield
