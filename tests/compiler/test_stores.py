"""What is stored, and what loops are cut into: nothing that nobody reads, and no addend where it is zero."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.programs import traced
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule.expr import Guard, walk
from tinygrad_cv.ir.graph import Builder, Graph
from tinygrad_cv.ir.rewrite.updates import LARGE

pytestmark = pytest.mark.quick
F32 = np.dtype(np.float32)


def kernels_of(graph):
    return plan(rewrite(graph, 1), named("haswell")).kernels


def gradient(function, shape):
    """The graph of a function and its gradient."""
    return traced(
        lambda x, g: tg.vjp(function, x, g), [np.zeros(shape, F32), np.ones(function(tg.zeros(*shape)).shape, F32)]
    )


def test_what_only_the_same_kernel_reads_is_not_stored():
    """The gradient of SiLU has a costly part that is read twice, by elementwise operations that are fused with it."""
    graph = gradient(F.silu, (8, 64, 56))
    (kernel,) = [k for k in kernels_of(graph) if k.nest.num_points > 1]
    assert set(kernel.writes) <= set(graph.outputs)


def test_what_does_not_change_a_result_is_not_computed():
    """The place of the largest of one number is 0, whatever it is."""
    builder = Builder()
    x = builder.input(0, (4, 100), F32)
    place = builder.make("argmax", (x,), {"axis": (1,), "dtype": np.dtype(np.int64)})
    outer = builder.make("argmax", (place,), {"axis": (1,), "dtype": np.dtype(np.int64)})
    kernels = kernels_of(Graph(builder, [x], [outer]))
    assert [kernel.reads for kernel in kernels] == [[]]


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_loops_over_a_sum_are_cut_where_an_addend_is_zero(axis):
    """The gradient of two halves that are used apart: each half is computed by itself, and by the same kernel."""
    shape = [6, 6, 6]
    shape[axis] = 64
    graph = gradient(lambda x: F.glu(x, axis), tuple(shape))
    kernels = [k for k in kernels_of(graph) if k.nest.num_points > 1]
    assert len(kernels) == 1
    assert not any(isinstance(part, Guard) for part in kernels[0].nest.parts)
    assert len(kernels[0].nest.stores) == 3


def test_loops_over_many_windows_are_cut_where_each_begins_and_ends():
    """The gradient of maxima of windows that overlap by one element: where two meet there are two addends, else one."""
    graph = gradient(lambda x: F.adaptive_max_pool1d(x, 7), (2, 3, 2048))
    stored = [store for k in kernels_of(graph) for store in k.nest.stores if store.value.shape == (2, 3, 2048)]
    assert len(stored) > 7
    assert not any(isinstance(part, Guard) for store in stored for part in walk([store.expr]))


def test_a_loop_is_not_cut_for_a_place_at_its_end():
    """The gradient of average pooling stores places 2k and 2k + 1 in one pass, though the last has no next."""
    found = plan(rewrite(gradient(lambda x: F.avg_pool1d(x, 3, 2, 1), (8, 16, 256)), 1), named("haswell"))
    (kernel,) = [k for k in found.kernels if found.graph.outputs[1] in k.writes]
    assert [store.value for store in kernel.nest.stores].count(found.graph.outputs[1]) == 2


def test_a_cut_sum_has_the_addends_that_each_piece_has():
    """Borders that are made of the image, in both directions; infinities and NaN stay where they are."""
    x = np.random.default_rng(1).normal(size=(2, 40, 50)).astype(F32)
    x[0, 1, 1], x[1, -2, 3], x[1, 20, 20] = np.nan, np.inf, -np.inf
    for mode, border in (("reflect", (3, 2, 1, 2)), ("circular", (3, 0, 2, 5)), ("replicate", (1, 2, 3, 4))):

        def both(x, g, mode=mode, border=border):
            x = x.detach().requires_grad_()
            y = F.pad(x, border, mode)
            y.backward(g)
            return y.detach(), x.grad

        g = np.random.default_rng(2).normal(size=F.pad(tg.tensor(x), border, mode).shape).astype(F32)
        g[0, 0, 0], g[1, 5, 5] = np.inf, np.nan
        for found, expected in zip(
            tg.jit(both)(tg.tensor(x), tg.tensor(g)), both(tg.tensor(x), tg.tensor(g)), strict=True
        ):
            np.testing.assert_array_equal(found.numpy(), expected.numpy(), strict=True)


def with_state(graph, *state):
    """The graph, some of whose outputs are next values: each as (its number, the number of what it replaces or -1)."""
    return Graph(graph.builder, graph.inputs, graph.outputs, state)


@pytest.mark.parametrize("function", [F.silu, F.gelu, lambda x: F.glu(x, 1)], ids=["silu", "gelu", "glu"])
def test_a_gradient_is_computed_where_its_operands_are_read_for_something_else(function):
    graph = gradient(function, (8, 64, 300))
    assert graph.outputs[1].nbytes >= LARGE
    right = kernels_of(graph)
    found = plan(rewrite(with_state(graph, (1, -1)), 1), named("haswell"))
    assert not found.places
    assert [len(k.nest.stores) for k in found.kernels] == [len(k.nest.stores) for k in right]


def test_what_reads_the_value_that_it_replaces_is_stored_last_though_something_else_reads_it():
    graph = traced(lambda x, g: (x * 2.0, x + g), [np.zeros((400, 400), F32)] * 2)
    update = graph.outputs[1]
    late = plan(rewrite(with_state(graph, (1, 0)), 1), named("haswell"))
    assert late.places == {update: 0}
    assert [k.writes for k in late.kernels] == [[graph.outputs[0]], [update]]
    early = plan(rewrite(with_state(graph, (1, -1)), 1), named("haswell"))
    assert not early.places
    assert [k.writes for k in early.kernels] == [[graph.outputs[0], update]]


def test_a_gradient_that_only_updates_read_is_stored_with_them():
    """As in a step of gradient descent: the gradient is read once, for the parameter and for itself."""
    graph = traced(lambda w, x, g: (w - 0.5 * (x * g.sum(0)), x * g.sum(0)), [np.zeros((400, 400), F32)] * 3)
    found = plan(rewrite(with_state(graph, (0, 0), (1, -1)), 1), named("haswell"))
    assert found.places == {graph.outputs[0]: 0, graph.outputs[1]: -1}
    assert set(graph.outputs) in [set(k.writes) for k in found.kernels]


def test_all_parts_of_a_gradient_are_early_if_one_of_them_is():
    graph = traced(lambda a, b: (a * 2.0, tg.cat([a + 1.0, b + 1.0], 0)), [np.zeros((n, 400), F32) for n in (100, 300)])
    found = plan(rewrite(with_state(graph, (1, -1)), 1), named("haswell"))
    assert found.late == len(found.steps)
    assert not found.places


def test_all_parts_of_a_gradient_are_late_if_one_of_them_is():
    def step(w, a, b):
        return w + a, tg.cat([w + 2.0 * a, b + 1.0], 0), b * 2.0

    graph = traced(step, [np.zeros((n, 400), F32) for n in (100, 100, 300)])
    found = plan(rewrite(with_state(graph, (0, 0), (1, -1)), 1), named("haswell"))
    assert list(found.places.values()) == [0, -1]


@pytest.mark.parametrize("place", [0, -1])
def test_what_reads_a_late_update_is_late(place):
    def step(w, x):
        new = w * 3.0
        return new, x * 2.0, new * x

    graph = traced(step, [np.zeros((400, 400), F32)] * 2)
    found = plan(rewrite(with_state(graph, (0, place), (2, -1)), 1), named("haswell"))
    assert found.places == {graph.outputs[0]: place, graph.outputs[2]: -1}
