"""Short forms of two long commands: workers that are killed at any moment, and the memory of many epochs."""

import multiprocessing
import os

import numpy as np
import pytest

from benchmarks.loader import resident
from tinygrad_cv import data

from .campaign import campaign
from .samples import QUICK, WAYS

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


def test_workers_that_are_killed_at_any_moment():
    assert campaign("fork", 10) > 0


class Large(data.Dataset):
    """A quarter of a megabyte a sample."""

    def __getitem__(self, index):
        return np.full(1 << 15, index, np.float64)

    def __len__(self):
        return 400


@pytest.mark.parametrize("way", QUICK)
def test_memory_does_not_grow(way):
    """Three epochs carry 300 MB: of what they leave, a tenth would be too much."""
    loader = data.DataLoader(Large(), 4, **WAYS[way], persistent_workers=way != "loop")

    def after_epochs(count):
        for _ in range(count):
            for _ in loader:
                pass
        children = [child.pid for child in multiprocessing.active_children()]
        return sum(map(resident, [os.getpid(), *children]))

    before = after_epochs(2)
    assert after_epochs(3) - before < 30e6
