"""What the tests of other libraries' functions share."""

import numpy as np
import pytest


@pytest.fixture
def x():
    """Values without ties, and none near 0."""
    return np.random.default_rng(0).permutation(np.linspace(-1.7, 2.1, 6)).reshape(2, 3)
