"""deterministic=True: the same bits on one, two and four ranks."""

import re
from functools import cache

import pytest

import tinygrad_cv as tg
from tests.distributed import ranks
from tinygrad_cv import nn
from tinygrad_cv.nn.parallel import DistributedDataParallel

CHECKS = "tests.distributed.checks_deterministic"


@cache
def output(size: int) -> str:
    pytest.importorskip("mpi4py")
    return ranks.launch(size, CHECKS)


@pytest.mark.parametrize("size", [1, 2, 4])
@pytest.mark.parametrize("name", ranks.names(CHECKS))
def test_on_ranks(name, size):
    assert f"passed {name}\n" in output(size), output(size)


@pytest.mark.parametrize("how", ["eager", "compiled"])
def test_weights_have_the_same_bits(how):
    found = [re.findall(rf"^weights {how} (\w+)$", output(size), re.M) for size in (1, 2, 4)]
    assert len(found[0]) == 1 and found[0] == found[1] == found[2]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"deterministic": True}, "it needs micro_batches"),
        ({"deterministic": True, "micro_batches": 3}, "powers of two"),
        ({"deterministic": True, "micro_batches": 0}, "powers of two"),
        ({"micro_batches": 2}, "it belongs to deterministic=True"),
    ],
)
def test_what_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        DistributedDataParallel(nn.Linear(2, 1), **options)


def test_threads_that_share_sums_are_refused():
    before = tg.get_num_threads()
    try:
        tg.set_num_threads(2)
        with pytest.raises(ValueError, match="set_num_threads"):
            DistributedDataParallel(nn.Linear(2, 1), deterministic=True, micro_batches=2)
        tg.set_num_threads(1)
        model = DistributedDataParallel(nn.Linear(2, 1), deterministic=True, micro_batches=2)
        with pytest.raises(tg.TraceError, match="Jit the function that computes the loss"):
            tg.jit(lambda x: model(x).sum().backward())(tg.ones(1, 2))
    finally:
        tg.set_num_threads(before)
