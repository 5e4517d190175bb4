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
from tinygrad_cv.compiler.schedule.expr import Guard
from tinygrad_cv.ir.graph import Builder, Graph

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
