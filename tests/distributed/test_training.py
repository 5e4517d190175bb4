"""Trainings on two and four ranks."""

from functools import cache

import pytest

from tests.distributed import ranks

CHECKS = "tests.distributed.checks_training"


@cache
def output(size: int) -> str:
    pytest.importorskip("mpi4py")
    return ranks.launch(size, CHECKS)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("name", ranks.names(CHECKS))
def test_on_ranks(name, size):
    assert f"passed {name}\n" in output(size), output(size)
