"""Concatenations in place: parts are stored where they belong; what is joined again is not copied, nor summed again."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.interpreter import interpret
from tests.compiler.recorded import PARTS, drawn
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.compiler.program import NativeProgram
from tinygrad_cv.compiler.runtime.target import host, named
from tinygrad_cv.compiler.schedule.expr import Op
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.rewrite.join import join_sums
from tinygrad_cv.ir.rewrite.multiply_less import multiply_less
from tinygrad_cv.tracing import entry


def graph_of(function, *shapes, gradients=True):
    """The graph that a jitted function is compiled from, and its gradients' too, as one function of arrays."""
    graphs = []

    def compiled(graph, precision):
        graphs.append(graph)
        return numpy_source.NumpyProgram(graph)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "compiled", compiled)
        tensors = [tg.zeros(*shape).requires_grad_() for shape in shapes]

        @tg.jit
        def step(*xs):
            loss = function(*xs)
            return (loss, *tg.grad(loss, list(xs))) if gradients else loss

        step(*tensors)
    return graphs[-1]


def normal(x):
    return F.standardize(x, (0, 2, 3))


def dense(x, *weights):
    """Each convolution reads what all before it made, normalized."""
    features = [F.avg_pool2d(x, 2)]
    for w in weights:
        joined = tg.cat(features, 1)
        features.append(F.conv2d(F.relu(normal(joined)), w, padding=1))
    return normal(tg.cat(features, 1)).relu().square().sum()


DENSE = [(2, 16, 12, 12), (16, 16, 3, 3), (16, 32, 3, 3), (16, 48, 3, 3)]
ODD = [(2, 5, 12, 12), (3, 5, 3, 3), (4, 8, 3, 3), (3, 12, 3, 3)]


def unshuffled(x, w):
    left, right = x.split(2, 1)
    y = F.channel_shuffle(tg.cat([left, F.conv2d(right, w)], 1), 2)
    left, right = y.split(2, 1)
    return F.channel_shuffle(tg.cat([left, F.conv2d(right, w).relu()], 1), 2).square().sum()


def skipped(x, w, v):
    """The part and the whole are read by windows that reach beyond their edges."""
    y = F.conv2d(x, w, padding=1).relu()
    z = F.conv2d(F.max_pool2d(y, 2), w, padding=1)
    return F.conv2d(tg.cat([y, F.interpolate(z, scale_factor=2)], 1), v, padding=1).square().sum()


def nested(x, y):
    a, b = x.exp(), y.sin()
    inner = tg.cat([a, b], 1)
    outer = tg.cat([inner, a * b, inner], 0 if a.shape[0] == 1 else 1)
    return (normal(outer) * normal(outer).flip(1)).sum() + normal(inner).square().sum()


def rows(x, y):
    """Joined along the axis that the sums run over, and twice in one whole."""
    a = x.exp()
    whole = tg.cat([a, y.sqrt(), a], 2)
    return (normal(whole) * whole).sum() + F.max_pool2d(whole, 3, 1, 1).square().sum()


def reordered(x, y):
    """The first parts of a whole in its order, and then in another one."""
    a, b, c, d = x.exp(), y.sin(), (x * y).tanh(), x.cos()
    wholes = [tg.cat(parts, 1) for parts in ([b, a], [a, b, c], [a, b, c, d])]
    return sum(((normal(whole) * whole.flip(1)).sum() for whole in wholes), a.square().sum())


def images(x, y):
    """Joined along the axis that threads share; what is read at each place of it was stored at another."""
    a, b = x.exp(), y.sin()
    whole = tg.cat([a, b], 0)
    return whole[:3].square().sum((1, 2, 3)).sqrt().sum() + tg.cat([b, a], 0).tanh().sum()


CASES = {
    "dense": (dense, DENSE),
    "dense, not in blocks": (dense, ODD),
    "shuffled": (unshuffled, [(2, 32, 6, 6), (16, 16, 1, 1)]),
    "shuffled, not in blocks": (unshuffled, [(2, 12, 5, 5), (6, 6, 1, 1)]),
    "skipped": (skipped, [(2, 16, 8, 8), (16, 16, 3, 3), (16, 32, 3, 3)]),
    "reordered": (reordered, [(2, 16, 4, 4), (2, 16, 4, 4)]),
    "images": (images, [(1, 16, 24, 24), (3, 16, 24, 24)]),
    "nested": (nested, [(2, 16, 4, 4), (2, 16, 4, 4)]),
    "rows": (rows, [(2, 16, 6, 6), (2, 16, 6, 6)]),
}


@pytest.mark.parametrize("cpu", [None, "haswell"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_numpy(case, cpu):
    function, shapes = CASES[case]
    graph = graph_of(function, *shapes)
    arrays = [np.abs(a) for a in drawn(graph)]
    right = numpy_source.run(graph, arrays)
    plan = pipeline.plan(pipeline.rewrite(graph, PARTS), named(cpu) if cpu else host())
    assert plan.aliases.regions
    found = [interpret(plan, arrays)]
    if cpu is None:
        found.append(NativeProgram(pipeline.make(graph, host(), PARTS), PARTS)(arrays))
    for results in found:
        for got, want in zip(results, right, strict=True):
            np.testing.assert_allclose(got, want, rtol=2e-3, atol=2e-4 * np.abs(want).max())


@pytest.mark.any_python
def test_each_piece_is_stored_once_and_never_copied():
    plan = pipeline.plan(pipeline.rewrite(graph_of(dense, *DENSE), PARTS), host())
    images = [v for v in plan.aliases.regions if v.ndim > 3 and max(v.shape[2:4]) > 1]
    assert len({plan.memory_of(v) for v in images}) == 1
    assert len(images) == len(DENSE) + 2, "four pieces, and two of the three joined values, which lie in the third"
    for kernel in plan.kernels:
        assert not any(v.op == "concatenate" for v in kernel.values if v.size > 1000), "nothing large is joined"


@pytest.mark.any_python
def test_a_short_part_among_long_ones_is_stored_in_place_where_each_lies_in_one_piece():
    """As a bias among gradients: otherwise each element is looked for among all parts."""

    def flat(*arrays):
        return (tg.cat([(a @ a).reshape(-1) for a in arrays[:-1]] + [arrays[-1] * 2.0]) / 3.0).square().sum()

    plan = pipeline.plan(pipeline.rewrite(graph_of(flat, *[(32, 32)] * 8, (3,), gradients=False), PARTS), host())
    (whole,) = {region.whole for region in plan.aliases.regions.values()}
    assert whole.size == 8 * 32 * 32 + 3 and len(plan.aliases.regions) == 9


@pytest.mark.any_python
def test_what_is_joined_again_is_computed_once_also_where_it_is_reshaped():
    """Most of each whole is what was pooled, which ends with a reshape."""

    def function(x, *weights):
        features = [F.max_pool2d(x, 2)]
        for w in weights:
            features.append(F.conv2d(tg.cat(features, 1) * 2.0, w, padding=1))
        return tg.cat(features, 1).square().sum()

    shapes = [(2, 64, 12, 12), *((16, 64 + 16 * i, 3, 3) for i in range(3))]
    plan = pipeline.plan(pipeline.rewrite(graph_of(function, *shapes, gradients=False), PARTS), host())
    computed = [{part.name for part in kernel.nest.parts if isinstance(part, Op)} for kernel in plan.kernels]
    assert sum("maximum" in names for names in computed) == 1


@pytest.mark.any_python
def test_results_by_points_are_stored_in_place_too():
    """They end with movements of what is computed last."""

    def function(x, *weights):
        features = [x.exp()]
        for w in weights:
            features.append(F.conv2d(F.relu(tg.cat(features, 1) * 2.0), w, padding=1))
        return F.relu(tg.cat(features, 1)).sum()

    shapes = [(8, 128, 14, 14), *((32, 128 + 32 * i, 3, 3) for i in range(8))]
    graph = graph_of(function, *shapes, gradients=False)
    assert len(multiply_less(graph)[1]) == 8
    kernels = pipeline.plan(pipeline.rewrite(graph, PARTS), host()).kernels
    assert max(len(kernel.reads) for kernel in kernels) == 2, "what is joined is read as one value"


@pytest.mark.any_python
def test_a_whole_has_the_halo_that_its_parts_need():
    def function(x, w):
        y = F.conv2d(x, w).relu()
        return normal(tg.cat([y, F.conv2d(y, w, padding=1)], 1)).square().sum()

    plan = pipeline.plan(pipeline.rewrite(graph_of(function, (2, 16, 8, 8), (16, 16, 3, 3)), PARTS), host())
    assert any(plan.layouts[plan.memory_of(part)].halo for part in plan.aliases.regions)


@pytest.mark.any_python
def test_what_is_joined_again_is_summed_once():
    graph = graph_of(dense, *DENSE)
    after = join_sums(graph)
    pieces = max((v for v in after.values() if v.op == "concatenate"), key=lambda v: v.size).args
    summed = {step: [v.args[0] for v in g.values() if v.op == "sum"] for step, g in (("old", graph), ("new", after))}
    assert sum(x.op == "concatenate" for x in summed["old"]) == len(DENSE) - 1
    assert not any(x.op == "concatenate" for x in summed["new"])
    assert [sum(x is piece for x in summed["new"]) for piece in pieces] == [1] * len(DENSE)
    arrays = drawn(graph)
    for got, want in zip(numpy_source.run(after, arrays), numpy_source.run(graph, arrays), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-5 * np.abs(want).max())


@pytest.mark.any_python
def test_outputs_and_what_numpy_reads_have_memory_of_their_own():
    def outputs(x, y):
        a, b, c, d = x * 2.0, y * 3.0, x * 5.0, y * 7.0
        return tg.cat([a, b], -1).square(), tg.cat([c, d], -1).square(), a, b, c, d

    def sorted_and_joined(x, y):
        return tg.cat([x * 2.0, y * 3.0], -1).sort(-1), tg.cat([x, y], -1)

    for shape in ((2, 16, 5, 8), (40,)):
        x, y = (tg.randn(*shape) for _ in "xy")
        for function in (outputs, sorted_and_joined):
            for got, want in zip(tg.jit(function)(x, y), function(x, y), strict=True):
                np.testing.assert_array_equal(got.numpy(), want.numpy())
