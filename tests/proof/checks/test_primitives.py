"""The short form of the proof of each primitive."""

import pytest

from tests.primitives.table import ROWS
from tests.proof.checks import conventions, primitive


@pytest.mark.parametrize("name", ROWS)
def test_derivatives_are_proved(name):
    found = [*primitive.checks(name, part=True), *conventions.outcomes(name)]
    assert found or not ROWS[name].primitive.differentiable
    assert [outcome for outcome in found if not outcome.holds] == []
