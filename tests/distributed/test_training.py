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


def test_ranks_that_do_not_find_each_other_are_an_error(monkeypatch):
    """As under the launcher of another MPI, where each would train alone and write the same files."""
    from tinygrad_cv.mpi import world

    monkeypatch.setattr(world, "_world", None)
    monkeypatch.setenv(world.ASKED, "3")
    with pytest.raises(RuntimeError, match=r"get_rank: 3 ranks were started, and MPI counts 1: .*--mpiexec"):
        world.world("get_rank")
