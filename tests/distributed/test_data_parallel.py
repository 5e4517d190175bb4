"""DistributedDataParallel on two and four ranks, and on a process that is alone."""

from functools import cache
from inspect import signature

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


def test_every_argument_of_pytorchs_is_taken_or_refused_with_the_reason():
    torch = pytest.importorskip("torch")
    theirs = signature(torch.nn.parallel.DistributedDataParallel).parameters
    ours = signature(nn.parallel.DistributedDataParallel).parameters
    by_place = [name for name, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert by_place == list(theirs)[: len(by_place)]
    model = nn.Linear(3, 2)
    nn.parallel.DistributedDataParallel(model, None, None, 0, True, True, None, 25, True, True, True, True)
    for name, value in (
        ("device_ids", [0]),
        ("output_device", 0),
        ("dim", 1),
        ("init_sync", False),
        ("process_group", (0,)),
    ):
        with pytest.raises(ValueError, match=rf"DistributedDataParallel: {name}=.*; .*\. Leave it out\."):
            nn.parallel.DistributedDataParallel(model, **{name: value})
