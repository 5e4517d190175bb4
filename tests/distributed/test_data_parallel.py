"""DistributedDataParallel on two and four ranks, and on a process that is alone."""

from functools import cache

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.distributed import ranks
from tinygrad_cv import nn

CHECKS = "tests.distributed.checks_data_parallel"


@cache
def output(size: int) -> str:
    pytest.importorskip("mpi4py")
    return ranks.launch(size, CHECKS)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("name", ranks.names(CHECKS))
def test_on_ranks(name, size):
    assert f"passed {name}\n" in output(size), output(size)


def test_alone_it_only_calls_the_model():
    model = nn.Linear(3, 2)
    parallel = nn.parallel.DistributedDataParallel(model)
    with parallel.no_sync():
        parallel(tg.ones(1, 3)).sum().backward()
    assert model.weight.node.hooks is None
    np.testing.assert_array_equal(model.weight.grad.numpy(), 1.0)
    other = nn.parallel.DistributedDataParallel(nn.Linear(3, 2))
    other.load_state_dict(parallel.state_dict())
    np.testing.assert_array_equal(other.module.weight.numpy(), model.weight.numpy())
