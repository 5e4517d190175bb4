"""Sums over processes, on two, three and four ranks."""

from functools import cache

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.distributed import ranks
from tests.eager.forced import forced
from tests.primitives.collective import TWICE
from tinygrad_cv.core.context import scoped
from tinygrad_cv.mpi import world

CHECKS = "tests.distributed.checks_primitive"


@cache
def output(size: int) -> str:
    pytest.importorskip("mpi4py")
    return ranks.launch(size, CHECKS)


@pytest.mark.parametrize("size", [2, 3, 4])
@pytest.mark.parametrize("name", ranks.names(CHECKS))
def test_on_ranks(name, size):
    assert f"passed {name}\n" in output(size), output(size)


def test_each_call_is_one_of_its_own():
    """Two equal calls are no common subexpression: other ranks may call with different tensors."""
    f = tg.jit(lambda x: x.all_reduce(TWICE) + x.all_reduce(TWICE))
    assert f(tg.ones(2)).tolist() == [4.0, 4.0]
    assert str(f._entry((tg.ones(2),), {}).recording.graph).count("all_reduce") == 2


def test_there_is_no_numpy_source_of_what_several_processes_compute():
    with pytest.raises(tg.GraphError, match="adds up what 2 processes have"):
        tg.jit(lambda x: x.all_reduce(TWICE)).source(tg.ones(2))


def test_nothing_is_summed_while_tracing(monkeypatch):
    calls = []
    comm = world.groups[TWICE].comm
    original = comm.Allreduce
    monkeypatch.setattr(comm, "Allreduce", lambda *args: (calls.append(1), original(*args)))
    f = tg.jit(lambda: tg.ones(2).all_reduce(TWICE) * 3.0)
    for count in (1, 2):
        assert f().tolist() == [6.0, 6.0] and len(calls) == count


def test_it_is_drawn():
    x = tg.ones(2, requires_grad=True)
    text = tg.graph(x.all_reduce(TWICE).sum()).text()
    assert "all_reduce" in text


def test_a_model_for_one_process_leaves_it_out():
    pytest.importorskip("onnx")
    exported = tg.onnx.export(lambda x: x.all_reduce() * 2.0, tg.ones(2))
    assert [node.op_type for node in exported.graph.node] == ["Identity", "Mul"]
    with pytest.raises(tg.onnx.OnnxError, match="2 processes"):
        tg.onnx.export(lambda x: x.all_reduce(TWICE), tg.ones(2))


def test_eager_code_that_runs_compiled_leaves_it_alone():
    """Other ranks may not have compiled at that call, and compiled code sums again when it derives."""

    @scoped
    def total(x):
        return (x * 2.0).all_reduce(TWICE).sum()

    with forced("native"):
        for _ in range(2):
            x = tg.tensor(np.ones(3), requires_grad=True)
            total(x).backward()
            assert x.grad.tolist() == [4.0, 4.0, 4.0]
        assert "processes compute together" in str(tg.explain_eager_compile())
