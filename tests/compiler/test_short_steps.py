"""Chains whose steps are less than an image: the same results, and no more in each step than a cache holds."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.agreement import MACHINES
from tests.compiler.programs import traced
from tests.thresholds import crossed
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule.kernel import PIECE, source, touched
from tinygrad_cv.ir.graph import Graph

pytestmark = pytest.mark.quick
F32 = np.dtype(np.float32)
TARGET = named("haswell")


def shares(x, axis):
    """What part of their sum elements are."""
    x = x * x + 1.0
    return x / x.sum(axis, keepdims=True)


def chains(graph):
    found = [chain for step in plan(rewrite(graph, 2), TARGET).steps for chain in step.chains]
    return [chain for chain in found if len(chain) > 1]


def per_step(chain):
    return touched(chain) // np.prod([v.extent for v in chain[0].ranges])


@pytest.mark.parametrize("rows", [300, 301, 512])
def test_rows_that_are_divided_by_their_sums_are_run_through_a_few_at_a_time(rows):
    """As many as divide their number; where none but one does, one."""
    (chain,) = chains(traced(lambda x: (shares(x, -1),), [np.zeros((4, rows, 600), F32)]))
    assert {tuple(v.extent for v in kernel.ranges) for kernel in chain} == {tuple(v.extent for v in chain[0].ranges)}
    assert len(chain[0].ranges) == 2
    assert per_step(chain) <= PIECE
    assert all(kernel.schedule.vector is not None for kernel in chain)


def test_short_steps_stay():
    (chain,) = chains(traced(lambda x: (shares(x, -1),), [np.zeros((16, 30, 60), F32)]))
    assert len(chain[0].ranges) == 1


def test_what_takes_longer_to_compute_than_to_read_stays():
    found = chains(traced(lambda x: (F.softmax(x, -1),), [np.zeros((4, 300, 600), F32)]))
    assert found and all(len(kernel.ranges) == 1 for chain in found for kernel in chain)


def test_steps_are_cut_only_on_an_axis_that_no_kernel_reads_across():
    """What is divided by sums over channels reads all of them."""
    found = plan(rewrite(traced(lambda x: (shares(x, 1),), [np.zeros((4, 64, 3000), F32)]), 2), TARGET)
    assert [len(kernel.ranges) for kernel in found.kernels if kernel.nest.num_points > 4 * 3000] == [1]


def test_what_is_left_of_a_chain_runs_in_a_step_of_its_own():
    """A sum over the rows that were just computed, where they are more than a cache holds."""
    graph = traced(lambda x: (y := shares(x, -1), y.sum(1)), [np.zeros((4, 800, 600), F32)])
    first, last = plan(rewrite(graph, 2), TARGET).steps
    assert [len(kernel.ranges) for chain in first.chains for kernel in chain] == [2, 2]
    assert [len(kernel.ranges) for chain in last.chains for kernel in chain] == [1, 1]


def test_what_only_a_late_kernel_reads_is_in_a_chain_with_it():
    """The sum in the gradient of a quotient reads what the gradient reads: once, and not a step before."""
    arrays = [np.zeros((4, 300, 600), F32)] * 2
    graph = traced(lambda x, g: tg.vjp(lambda t: shares(t, -1), x, g), arrays)
    found = plan(rewrite(Graph(graph.builder, graph.inputs, graph.outputs, ((1, -1),)), 2), TARGET)
    (step,) = found.steps[found.late :]
    (chain,) = step.chains
    assert [kernel.kind for kernel in chain] == ["reduction", "elementwise"]
    assert chain[-1].writes == [found.graph.outputs[1]]


def test_what_one_chain_alone_reads_is_handed_on():
    """The sums of rows; not what is divided by them, and not their maxima, which another chain reads."""
    graph = traced(lambda x: (shares(x, -1), x.max(-1, keepdims=True).exp().sum(1)), [np.zeros((4, 300, 600), F32)])
    found = plan(rewrite(graph, 2), TARGET)
    stored = {value for kernel in found.kernels for value in kernel.writes}
    assert found.handed and found.handed < stored
    assert found.handed.isdisjoint(found.graph.outputs)
    assert {source(value).op for value in found.handed} == {"sum"}


SHORTER = {
    "compiler.schedule.kernel.PIECE": 4000,
    "compiler.schedule.short_steps.HELD": 0,
    "compiler.schedule.steps.TASK": 64,
}
PROGRAMS = {
    "shares": ((3, 14, 137), lambda x: (shares(x, -1),)),
    "moments": ((3, 14, 137), lambda x: (F.layer_norm(x, x.shape[-1:]), x.sum(1))),
    "groups": ((3, 12, 301), lambda x: (F.group_norm(x, 3),)),
    "resized": ((3, 6, 19, 23), lambda x: (F.interpolate(x, (31, 41), mode="bilinear"),)),
    "by channel and by image": ((3, 14, 137), lambda x: (shares(x, -1), F.softmax(x, 1))),
}


@pytest.mark.parametrize("machine", ["host", "three threads", "narrow vectors"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_results_are_those_of_eager_code(name, machine):
    shape, function = PROGRAMS[name]
    x = np.random.default_rng(3).normal(size=shape).astype(F32)
    graph = traced(function, [x])
    with crossed(SHORTER):
        assert any(len(kernel.ranges) == 2 for chain in chains(graph) for kernel in chain)
        assert plan(rewrite(graph, 2), TARGET).handed
        found = MACHINES[machine](graph)([x])
    for y, right in zip(found, function(tg.tensor(x)), strict=True):
        np.testing.assert_allclose(y, right.numpy(), rtol=2e-5, atol=2e-6)
