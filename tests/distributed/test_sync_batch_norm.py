"""SyncBatchNorm on two and four ranks, and on a process that is alone."""

from functools import cache

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.distributed import ranks
from tests.primitives.collective import TWICE
from tinygrad_cv import nn
from tinygrad_cv.functional.synchronized import sync_batch_norm

CHECKS = "tests.distributed.checks_sync_batch_norm"


@cache
def output(size: int) -> str:
    pytest.importorskip("mpi4py")
    return ranks.launch(size, CHECKS)


@pytest.mark.parametrize("size", [2, 4])
@pytest.mark.parametrize("name", ranks.names(CHECKS))
def test_on_ranks(name, size):
    assert f"passed {name}\n" in output(size), output(size)


@pytest.mark.parametrize("group", [(), TWICE], ids=["alone", "with a double"])
def test_derivatives(group):
    """By differences, to order 3: of one process, and of one whose double has the same batch."""
    rng = np.random.default_rng(0)
    x, w, b = rng.normal(size=(3, 2, 2)), rng.normal(size=2), rng.normal(size=2)

    def y(x, w, b):
        return sync_batch_norm(x, None, None, w, b, 0.1, 1e-5, True, group)

    for order in (1, 2, 3):
        tg.gradcheck(y, [x, w, b], order=order)


def test_converting():
    tg.manual_seed(0)
    norm = nn.BatchNorm2d(3, eps=0.1, momentum=0.2)
    model = nn.Sequential(nn.Conv2d(2, 3, 1), norm, nn.Sequential(nn.BatchNorm1d(4), norm))
    names = list(model.state_dict())
    model[1].eval()
    converted = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    assert converted is model and list(model.state_dict()) == names
    assert model[1] is model[2][1] and type(model[1]) is nn.SyncBatchNorm and type(model[2][0]) is nn.SyncBatchNorm
    assert model[1].weight is norm.weight and model[1].running_mean is norm.running_mean
    assert (model[1].eps, model[1].momentum, model[1].training, model[2][0].training) == (0.1, 0.2, False, True)
    alone = nn.SyncBatchNorm.convert_sync_batchnorm(nn.BatchNorm1d(2, affine=False, track_running_stats=False))
    assert alone.weight is None and alone.running_mean is None and isinstance(alone, nn.SyncBatchNorm)
    with pytest.raises(ValueError, match="Call the model once"):
        nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.LazyBatchNorm2d()))
