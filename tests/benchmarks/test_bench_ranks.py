"""The model of sums over ranks: it is found again from what it gives, and grows with ranks as its algorithm does."""

import numpy as np
import pytest

from benchmarks import ranks_scaling as scaling

MODEL = np.array([2e-5, 1.5, 3e-10, 1.1])


def test_the_model_is_found_from_its_own_points():
    pytest.importorskip("scipy")
    points = [
        (delay, rate, size, scaling.predict(MODEL, delay, rate, size))
        for delay, rate in scaling.LINKS
        for size in scaling.FITTED
    ]
    np.testing.assert_allclose(scaling.fit(points), MODEL, 1e-6)
    for size in scaling.HELD_OUT:
        assert size not in scaling.FITTED


def test_what_a_sum_takes_by_hand():
    """2 log2(8) exchanges of 1 ms, and 7/4 of a million bytes at a billion bits a second."""
    assert scaling.predict(np.array([0, 1, 0, 1]), 1e-3, 1e9, 10**6, 8) == pytest.approx(6e-3 + 14e-3)
    assert scaling.predict(np.array([1e-3, 0, 1e-9, 0]), 0, 1e9, 10**6, 1000) == pytest.approx(20e-3 + 1.998e-3)
