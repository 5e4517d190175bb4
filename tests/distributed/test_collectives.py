"""The collectives, on two, three and four ranks, and on a process that is alone."""

import subprocess
import sys
from functools import cache

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.distributed import ranks
from tinygrad_cv import distributed as dist

CHECKS = "tests.distributed.checks_collectives"


@cache
def output(size: int) -> str:
    pytest.importorskip("mpi4py")
    return ranks.launch(size, CHECKS)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", ranks.names(CHECKS))
def test_on_ranks(name, size):
    assert f"passed {name}\n" in output(size), output(size)


def test_alone_without_mpi4py():
    code = (
        "import sys; sys.modules['mpi4py'] = None\n"
        "import tinygrad_cv as tg; from tinygrad_cv import distributed as dist\n"
        "x = tg.tensor([1.0, 2.0]); dist.all_reduce(x, 'avg'); dist.broadcast(x); dist.barrier()\n"
        "print(dist.get_rank(), dist.get_world_size(), x.tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ranks.ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "0 1 [1.0, 2.0]\n", done.stderr


def test_launched_without_mpi4py(monkeypatch):
    code = (
        "import sys; sys.modules['mpi4py'] = None\n"
        "import tinygrad_cv as tg\n"
        "try: tg.distributed.get_rank()\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    monkeypatch.setenv("PMI_RANK", "0")
    done = subprocess.run([sys.executable, "-c", code], cwd=ranks.ROOT, capture_output=True, text=True, timeout=60)
    assert "pip install 'tinygrad_cv[mpi]'" in done.stdout, done.stderr


@pytest.mark.parametrize("op", dist.ReduceOp)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_alone_each_reduction_is_the_tensor_itself(op, dtype):
    numbers = np.array([[1.5, np.nan], [-0.0, np.inf]], dtype)
    tensor = tg.tensor(numbers)
    dist.all_reduce(tensor, op)
    assert tensor.numpy().tobytes() == numbers.tobytes()


def test_a_parameter_is_reduced_without_recording():
    parameter = tg.ones(2, requires_grad=True)
    with pytest.raises(tg.GraphError, match="no_grad"):
        dist.all_reduce(parameter)
    with tg.no_grad():
        dist.all_reduce(parameter)
