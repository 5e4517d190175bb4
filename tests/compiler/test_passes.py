"""The passes one by one: what each keeps, and what each is for."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.bounds import analyze, difference
from tests.compiler.campaign import Case
from tests.compiler.interpreter import interpret
from tests.compiler.programs import parse, traced
from tests.compiler.recorded import GOLDEN, PARTS, PROGRAMS, drawn, recorded
from tests.primitives.table import ROWS
from tinygrad_cv import compiler
from tinygrad_cv.compiler.codegen.module import Modules
from tinygrad_cv.compiler.host import on_host
from tinygrad_cv.compiler.pipeline import REWRITES, Work, plan, rewrite, run
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule.affine import Affine, Var, combination, of
from tinygrad_cv.compiler.schedule.expr import Exprs
from tinygrad_cv.compiler.schedule.layout import layout_of
from tinygrad_cv.compiler.schedule.loop_schedule import LoopSchedule, widths
from tinygrad_cv.compiler.schedule.materialize import materialized_values, strip
from tinygrad_cv.compiler.schedule.reshape import NeedSplit, Unmappable, reshaped
from tinygrad_cv.compiler.schedule.storage import storage_of
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.graph import Builder, Graph
from tinygrad_cv.ir.rewrite.moments import merge_moments
from tinygrad_cv.ir.rewrite.products import plain_products
from tinygrad_cv.ir.rewrite.shrink import shrink
from tinygrad_cv.ir.rewrite.split import split_sums
from tinygrad_cv.ir.rewrite.sums import distribute_sums, zero_sum
from tinygrad_cv.ir.terms import constant_of, invariant, kept, scaled, total

F32 = np.dtype(np.float32)
CPUS = ("skylake-avx512", "haswell", "x86-64")


def count(graph, *ops):
    return sum(value.op in ops for value in graph.values())


def agree(known, found):
    for i, (k, f) in enumerate(zip(known, found, strict=True)):
        assert not difference(k, f), f"output {i}: {difference(k, f)}"


def samples_of(seeds):
    """Random programs with something to compute."""
    for seed in seeds:
        program = Case(seed, seed % 2 == 1).program()
        if program and all(value.size for value in program.graph().values()):
            yield seed, program


# ---------------------------------------------------------------- rewrites


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_each_pass_keeps_what_is_computed(program):
    graph = recorded(program)
    arrays = drawn(graph)
    known = analyze(graph, arrays)
    for stage in REWRITES:
        graph = run([stage], Work(graph, PARTS)).graph
        agree(known, numpy_source.run(graph, arrays))


def test_each_pass_keeps_what_random_programs_compute():
    for _, program in samples_of(range(80)):
        graph, arrays = program.graph(), program.arrays()
        known = analyze(graph, arrays)
        for stage in REWRITES:
            graph = run([stage], Work(graph, PARTS)).graph
            agree(known, numpy_source.run(graph, arrays))


def test_passes_are_done_when_they_are_done():
    for program in PROGRAMS:
        graph = shrink(recorded(program))
        assert shrink(graph).outputs == graph.outputs
        graph = distribute_sums(graph)
        assert distribute_sums(graph).outputs == graph.outputs


def test_operations_on_repeated_values_are_done_before():
    text = """
x0 = input((3,), 'float32', 'normal', 1)
x1 = expand(x0, shape=(50, 3))
x2 = exp(x1)
x3 = literal(2.0, 'float32')
x4 = expand(x3, shape=(50, 3))
x5 = mul(x2, x4)
x6 = sum(x5, axis=(0,))
return x5, x6
"""
    y, added = shrink(parse(text).graph()).outputs
    assert y.op == "expand" and {v.size for v in Graph(None, (), [y.args[0]]).values()} <= {1, 3}
    assert count(Graph(None, (), [added]), "sum") == 0  # 50 times the same


@pytest.mark.parametrize(
    ("constant", "first", "plain"),
    [
        ([0.5, 0.0, 2.0], False, True),
        ([0.5, -0.0, 2.0], False, False),
        ([0.5, -1.0, 2.0], False, False),
        ([0.5, np.inf, 2.0], False, False),
        ([0.5, np.nan, -2.0], True, True),
        ([0.5, 0.0, 2.0], True, False),
    ],
)
def test_products_with_constants_are_plain_where_they_are_equal(constant, first, plain):
    """To the bit, at zeros of both signs, infinities and NaN."""
    x = np.array([[0.0, 0.0, 0.0], [-0.0, -0.0, -0.0], [1.5, 1.5, 1.5], [np.inf] * 3, [-np.inf] * 3, [np.nan] * 3], "f")
    c = np.array(constant, "f")

    def product(t):
        return [tg.tensor(c).times(t) if first else t.times(tg.tensor(c))]

    graph = traced(product, [x])
    rewritten = plain_products(graph)
    assert count(rewritten, "times") == (not plain)
    expected, found = (numpy_source.run(each, [x])[0].view(np.int32) for each in (graph, rewritten))
    nan = np.isnan(expected.view("f"))
    np.testing.assert_array_equal(np.isnan(found.view("f")), nan)
    np.testing.assert_array_equal(found[~nan], expected[~nan])
    if not plain:  # the other product would differ
        with np.errstate(invalid="ignore"):
            assert (x * c).tobytes() != expected.tobytes()


def test_batch_norm_and_its_gradient_sum_five_times_over_the_input():
    """As composed it is six times: x, x - c and its square for the statistics, the cotangent g and g (x - μ) for the
    parameters, and for the input the mean of what these make. The last follows from the others; the first three are
    two passes over memory, the other two are one."""
    graph = recorded(GOLDEN / "batch_norm.py")
    large = 32 * 4 * 8 * 8

    def sums_over_everything(graph):
        return sum(value.op == "sum" and value.args[0].size == large for value in graph.values())

    assert sums_over_everything(graph) == 6
    assert sums_over_everything(distribute_sums(shrink(graph))) == 5
    assert sums_over_everything(rewrite(graph, PARTS)) == 5
    planned = plan(rewrite(graph, PARTS), named("haswell"))
    passes_over_memory = [k for k in planned.kernels if any(v.size == large for v in (*k.reads, *k.writes))]
    assert len(passes_over_memory) == 6  # means of blocks, moments; y; both sums; dx; and one that looks at x[0]


def test_sums_of_sums_are_taken_from_sums_that_are_there():
    text = """
x0 = input((40, 7), 'float32', 'normal', 1)
x1 = input((40, 7), 'float32', 'normal', 2)
x2 = input((1, 7), 'float32', 'normal', 3)
x3 = expand(x2, shape=(40, 7))
x4 = mul(x0, x3)
x5 = sub(x4, x1)
x6 = sum(x0, axis=(0,))
x7 = sum(x1, axis=(0,))
x8 = sum(x5, axis=(0,))
return x6, x7, x8
"""
    graph = parse(text).graph()
    assert count(graph, "sum") == 3 and count(distribute_sums(graph), "sum") == 2
    alone = Graph(graph.builder, graph.inputs, graph.outputs[2:])
    assert distribute_sums(alone).outputs == alone.outputs  # else there would be two sums where there was one


def test_deviations_from_the_mean_add_up_to_nothing():
    builder = Builder()
    x = builder.input(0, (30, 4), F32)
    y, y0 = builder.input(1, (30, 4), F32), np.zeros((30, 4), np.float32)
    mean = scaled(builder, total(builder, x, (0,)), 1 / 30)
    wrong = scaled(builder, total(builder, x, (0,)), 1 / 29)
    for small, zero in ((mean, True), (wrong, False)):
        away = builder.make("sub", [x, builder.make("expand", [small], {"shape": x.shape})], {})
        assert (zero_sum(builder, away, (0,)) is not None) == zero and zero_sum(builder, away, (1,)) is None
        both = builder.make("add", [y, away], {})
        graph = Graph(builder, [x, y], [total(builder, y, (0,)), total(builder, both, (0,))])
        distributed = distribute_sums(graph)
        assert count(distributed, "sum") == (2 if zero else 3)
        special = np.ones((30, 4), np.float32)
        special[3] = [np.nan, np.inf, -np.inf, 0]
        for one in (graph, distributed):
            assert np.isnan(numpy_source.run(one, [special, y0])[1]).tolist() == [[True, True, True, False]]


def test_what_stands_beside_deviations_is_summed_alone():
    """Σ (s y + k (x - mean x)) = s Σ y: the sum of y waits for neither s nor k, which may follow from other sums."""
    builder = Builder()
    x, y = builder.input(0, (30, 4), F32), builder.input(1, (30, 4), F32)
    s, k = (builder.make("expand", [builder.input(i, (1, 4), F32)], {"shape": (30, 4)}) for i in (2, 3))
    arrays = [np.random.default_rng(i).standard_normal((1 if i > 1 else 30, 4)).astype("f4") for i in range(4)]
    for share, apart in ((1 / 30, True), (1 / 29, False)):
        mean = scaled(builder, total(builder, x, (0,)), share)
        away = builder.make("sub", [x, builder.make("expand", [mean], {"shape": x.shape})], {})
        both = builder.make("add", [builder.make("mul", [y, s], {}), builder.make("mul", [away, k], {})], {})
        inputs = [x, y, s.args[0], k.args[0]]
        graph = Graph(builder, inputs, [total(builder, both, (0,))])
        distributed = distribute_sums(graph)
        assert {v.args[0] for v in distributed.values() if v.op == "sum"} == ({x, y} if apart else {x, both})
        (before,), (after,) = (numpy_source.run(each, arrays) for each in (graph, distributed))
        np.testing.assert_allclose(after, before, rtol=1e-5, atol=1e-5)
        more = builder.make("add", [both, builder.make("square", [y], {})], {})  # two sums instead of one
        graph = Graph(builder, inputs, [total(builder, more, (0,))])
        assert distribute_sums(graph).outputs == graph.outputs


def test_differences_are_not_taken_apart():
    """Σ (x - c) is small where Σ x and N c are large: their difference would have few digits left."""
    builder = Builder()
    x, c = builder.input(0, (1000, 4), F32), builder.input(1, (1, 4), F32)
    away = builder.make("sub", [x, builder.make("expand", [c], {"shape": x.shape})], {})
    graph = Graph(builder, [x, c], [total(builder, x, (0,)), total(builder, away, (0,))])
    assert distribute_sums(graph).outputs == graph.outputs


@pytest.mark.parametrize("mean", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("reading", ["NumPy", "native"])
def test_moments_are_exact_however_large_the_mean(mean, reading):
    """A normalization of m + 1e-3 i in float32, against float64 on the same numbers."""
    steps = np.arange(64 * 96).reshape(4, 2, 8, 96) % 977
    x = (mean + (steps if mean == 1e6 else 1e-3 * steps)).astype(np.float32)
    wide = x.astype(np.float64)
    mu = wide.mean((0, 2, 3), keepdims=True)
    exact = (wide - mu) / np.sqrt(np.square(wide - mu).mean((0, 2, 3), keepdims=True) + 1e-5)

    def normalized(x):
        return [F.batch_norm(x, None, None, training=True)]

    if reading == "native":
        found = tg.jit(normalized)(tg.tensor(x))[0].numpy()
    else:
        graph = merge_moments(distribute_sums(shrink(traced(normalized, [x]))))
        assert any(value.dtype == np.float64 for value in graph.values())
        (found,) = numpy_source.run(graph, [x])
    assert np.abs(found - exact).max() <= 2e-7 * np.abs(exact).max()


def test_an_infinity_in_a_normalized_row_stays_one():
    """Rows with infinities of one sign, of both, with NaN, of infinities alone."""
    x = np.random.default_rng(0).normal(size=(7, 40)).astype(np.float32)
    inf, nan = math.inf, math.nan
    for row, numbers in enumerate(((), (inf,), (-inf,), (inf, -inf), (nan,), (inf, inf), (inf,) * 40)):
        x[row, : len(numbers)] = numbers
    _assert_sums_agree(x, (1,), [x])


@pytest.mark.parametrize(
    "shape, axes", [((5, 33), (1,)), ((3, 2, 17), (0, 2)), ((2, 3, 5, 7), (0, 2, 3)), ((20,), (0,))]
)
def test_sums_of_special_values_are_those_of_eager_code(shape, axes):
    """Blocks that are finite beside blocks that are not, squares that overflow, zeros."""
    rng = np.random.default_rng(len(shape))
    examples = []
    for share in np.linspace(0, 1, 60) ** 3:
        special = rng.choice([math.inf, -math.inf, math.nan, 1e30, -1e30, 0.0], shape, p=[0.3, 0.3, 0.1, 0.1, 0.1, 0.1])
        examples.append(np.where(rng.random(shape) < share, special, rng.normal(size=shape)).astype(np.float32))
    _assert_sums_agree(examples[0], axes, examples)


def _assert_sums_agree(x, axes, examples):
    """Sums of x, x - c and (x - c)² about its mean, a number, infinity, and about two of them."""

    def sums(x):
        mean = x.mean(axes, keepdims=True)
        shifts = [mean, *(tg.full(mean.shape, number) for number in (0.5, math.inf))]
        centred = [x, *(x - shift for shift in shifts), x - mean - shifts[1], x - shifts[2] - shifts[1]]
        return [d.sum(axes) for d in centred] + [(d**2).sum(axes) for d in centred[1:]]

    compiled = tg.jit(sums)
    for example in examples:
        given = tg.tensor(example)
        with np.errstate(all="ignore"):
            expected = [y.numpy() for y in sums(given)]
        for i, (found, right) in enumerate(zip(compiled(given), expected, strict=True)):
            scale = 1e-5 * np.abs(example[np.isfinite(example)]).sum()
            np.testing.assert_allclose(found.numpy(), right, rtol=1e-5, atol=scale, err_msg=f"sum {i}")


def test_moments_need_a_square_of_differences():
    """A plain sum, or one of few elements, stays as it is."""
    for function, shape in (
        (lambda x: [x.sum(0)], (64, 4)),
        (lambda x: [x.square().sum(0)], (64, 4)),
        (lambda x: [(x - x.mean(0, keepdims=True)).square().sum(0)], (8, 4)),
    ):
        graph = shrink(traced(function, [np.zeros(shape, np.float32)]))
        assert merge_moments(graph).outputs == graph.outputs


def test_long_sums_are_done_in_two_stages():
    text = """
x0 = input((32, 3, 8, 8), 'float32', 'normal', 1)
x1 = input((65536,), 'float32', 'normal', 2)
x2 = input((4, 5, 6), 'float32', 'normal', 3)
x3 = sum(x0, axis=(0, 2, 3))
x4 = sum(x1, axis=(0,))
x5 = sum(x2, axis=(0, 2))
return x3, x4, x5
"""
    images, flat, short = split_sums(parse(text).graph(), 2).outputs
    assert images.args[0].op == "sum" and images.args[0].shape == (32, 3, 1, 1)
    assert flat.op == "reshape" and [v.shape for v in Graph(None, (), [flat]).values() if v.op == "sum"] == [
        (128, 1),
        (1, 1),
    ]
    assert short.args[0].op == "input"


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_contractions_over_many_images_are_done_in_parts(parts):
    text = """
x0 = input((24, 16, 16, 6), 'float32', 'normal', 1)
x1 = input((24, 16, 16, 5), 'float32', 'normal', 2)
x2 = contract(x0, x1, spec='nijc,nijo->oc')
return x2
"""
    graph = split_sums(parse(text).graph(), parts)
    shapes = [value.shape for value in graph.values() if value.op == "contract"]
    assert shapes == ([(5, 6)] if parts == 1 else [(parts, 5, 6)])


def test_questions_that_rewrites_ask():
    builder = Builder()
    x = builder.input(0, (4, 1, 3), F32)
    assert constant_of(builder.full((2, 2), 0.5, F32)) == 0.5 and constant_of(x) is None
    assert kept((4, 5, 3), (0, 2)) == (1, 5, 1)
    wide = builder.make("expand", [x], {"shape": (7, 4, 5, 3)})
    assert invariant(builder, wide, (0, 2)).shape == (1, 4, 1, 3)
    assert invariant(builder, wide, (1,)) is None and invariant(builder, x, (1,)) is x
    assert total(builder, x, (1,)) is x


# ---------------------------------------------------------------- plans


@pytest.mark.parametrize("row", ROWS.values(), ids=repr)
def test_the_definition_of_each_primitive(row):
    """What its loops compute, element by element, is what it computes."""
    for dtype in (np.float32, np.float64):
        for case in row.cases:
            arrays = [np.array(x, order="C") for x in row.inputs(case, 3, dtype)]
            builder = Builder()
            inputs = [builder.input(i, x.shape, x.dtype) for i, x in enumerate(arrays)]
            graph = Graph(builder, inputs, [builder.make(row.primitive.name, inputs, case.params)])
            if all(value.size for value in graph.values()):
                agree(analyze(graph, arrays), interpret(plan(graph, named("haswell")), arrays))


@pytest.mark.parametrize("cpu", CPUS)
def test_plans_mean_what_their_graphs_mean(cpu):
    """Definitions, storage, packing, joining and order: all but the code."""
    for seed, program in samples_of(range(CPUS.index(cpu), 150, 3)):
        graph, arrays = program.graph(), program.arrays()
        found = interpret(plan(rewrite(graph, PARTS), named(cpu)), arrays)
        for i, (k, f) in enumerate(zip(analyze(graph, arrays), found, strict=True)):
            assert not difference(k, f), f"seed {seed}, output {i}: {difference(k, f)}"


def test_index_maps():
    i, j, one = Var(5), Var(3), Var(1)
    a = of(i) * 3 + of(j) - 1
    assert a.range() == (-1, 13) and (a - a) == Affine(0) and of(one) == Affine(0)
    assert (of(i) * -2 + 1).range() == (-7, 1)
    assert a.coefficient(i) == 3 and a.coefficient(one) == 0
    assert a.substitute({i: of(j) * 2 + 1}) == of(j) * 7 + 2
    assert combination(1, [(a, 2), (of(j), -2)]) == of(i) * 6 - 1
    assert hash(of(i) + of(j)) == hash(of(j) + of(i))


def test_conditions_that_always_or_never_hold_go():
    exprs, i = Exprs(), Var(5)
    x, zero = exprs.index(of(i)), exprs.const(0, np.dtype(np.int64))
    assert exprs.guard([(of(i), 0, 5)], x, zero) is x
    assert exprs.guard([(of(i), 5, 9)], x, zero) is zero
    both = exprs.guard([(of(i), 1, 5)], exprs.guard([(of(i), 0, 3)], x, zero), zero)
    assert both.conditions == ((of(i), 1, 3),)
    assert exprs.op("exp", [x], F32) is exprs.op("exp", [x], F32)


def test_reshapes_go_by_groups_of_axes():
    i, j, k = Var(4), Var(6), Var(10)
    index = [of(i), of(j), of(k)]
    assert reshaped(index, (4, 6, 10), (4, 60)) == [of(i), of(j) * 10 + of(k)]
    assert reshaped(index, (4, 6, 10), (1, 4, 6, 1, 10)) == [Affine(0), of(i), of(j), Affine(0), of(k)]
    with pytest.raises(NeedSplit) as need:
        reshaped([of(j)], (6,), (2, 3))
    assert need.value.var is j and need.value.factor == 3 and not need.value.phases
    with pytest.raises(Unmappable):
        reshaped([of(i), of(j)], (4, 6), (3, 8))


@pytest.mark.parametrize("block", [0, 8])
def test_storages_are_read_where_they_are_written(block):
    builder = Builder()
    storage = storage_of(builder.input(0, (2, 24, 5), F32), 1, block)
    assert storage.value.shape == ((2, 3, 5, 8) if block else (2, 5, 24))
    place = [of(Var(n)) for n in storage.value.shape]
    assert storage.stored_index(storage.source_index(place)) == place


def test_layouts():
    plain = layout_of((2, 3, 5), F32)
    assert plain.strides == (15, 5, 1) and plain.size == 30 and not plain.halo
    around = layout_of((2, 3, 5), F32, (0, 1, 0), (0, 2, 0), multiple=8)
    assert around.strides == (48, 8, 1) and around.size == 96 and around.offset == 8 and around.padded == 8
    i = Var(3)
    assert around.flat([Affine(1), of(i), Affine(4)]) == of(i) * 8 + 60


def test_operands_of_contractions_are_stored_without_movement():
    graph = recorded(GOLDEN / "conv_relu_mean.py")
    contraction, mean = (next(v for v in graph.values() if v.op == op) for op in ("contract", "sum"))
    assert strip(contraction.args[0]).op == "input"
    rectified = mean.args[0]  # what follows the contraction is computed with it
    assert materialized_values(graph, on_host) == {rectified, mean, *graph.outputs}


@pytest.mark.parametrize("stride", [1, 2])
def test_a_fold_of_a_fold_is_not_computed_once_for_each_window(stride):
    """Where windows do not overlap each element is needed once, and the two are one loop."""
    builder = Builder()
    x = builder.input(0, (5, 6, 2), F32)
    inner = builder.make("fold", [x], {"stride": (1,), "dilation": (1,), "size": (8,)})
    windows = builder.make("reshape", [inner], {"shape": (5, 4, 2)})
    outer = builder.make("fold", [windows], {"stride": (stride,), "dilation": (1,), "size": (8,)})
    stored = materialized_values(Graph(builder, [x], [outer]), on_host)
    assert stored == ({inner, outer} if stride == 1 else {outer})


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_places_of_maxima_are_stored_for_the_gradient_of_windows_that_overlap(dims):
    """An element of the image asks each of its windows whether it is the maximum, and would look for it there anew."""
    pool = getattr(F, f"max_pool{dims}d")

    def gradient(x):
        x = x.detach().requires_grad_()
        return tg.grad(pool(x, 3, 2, 1).sum(), [x])

    graph = traced(gradient, [np.zeros((1, 2, *(8,) * dims), "f4")])
    places = {value for value in graph.values() if value.op == "argmax"}
    assert places and places <= materialized_values(graph, on_host)


def pooled(x: tg.Tensor) -> tg.Tensor:
    return x.windows((2, 2), (2, 2), (1, 1)).max((-1, -2))


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("function", "loops"),
    [
        (lambda x: x * 2.0, [[3, 4 * 5 * 6]]),
        (lambda x: x.sum((2, 3), keepdims=True), [[3, 4, 5 * 6]]),
        (lambda x: x.sum(0, keepdims=True), [[4, 5 * 6]]),
        (lambda x: x.argmax_kept((2, 3), np.dtype(np.int64)), [[3, 4, 5 * 6]]),
        (lambda x: x.reshape(12, 30).argmax_kept((1,), np.dtype(np.int64)), [[3, 4, 5 * 6]]),
        (lambda x: x * np.arange(4, dtype="f4").reshape(4, 1, 1), [[3, 4, 5 * 6]]),  # another factor in each channel
        (lambda x: x * np.arange(30, dtype="f4").reshape(5, 6), [[3, 4, 5 * 6]]),
        (lambda x: x.pad(((0, 0), (0, 0), (1, 0), (0, 0))), [[3, 4, 6, 6]]),  # whether there is a row decides
        (lambda x: x.pad(((0, 0), (0, 0), (0, 0), (0, 1))), [[3, 4 * 5, 7]]),  # rows with a gap behind them
        (pooled, [[3, 4, 2, 3]]),
        (lambda x: x.transpose(0, 2, 3, 1) + 1.0, [[3, 5 * 6, 4]]),
        (lambda x: x.transpose(0, 1, 3, 2) + 1.0, [[3, 4, 6, 5]]),
        (lambda x: x.iota((1, 2, 3), np.dtype(np.int64)), [[3, 4 * 5 * 6]]),
        (lambda x: x.iota((3,), np.dtype(np.int64)), [[3, 4 * 5, 6]]),
    ],
)
def test_loops_over_contiguous_memory_are_one(function, loops):
    graph = traced(lambda x: [function(x)], [np.zeros((3, 4, 5, 6), "f4")])
    planned = plan(graph, named("haswell"))
    schedules = [kernel.schedule for kernel in planned.kernels]
    assert [sorted(s.extent(v) for v in (*s.outer, *s.inner)) for s in schedules] == [sorted(each) for each in loops]


@pytest.mark.parametrize(
    ("kernel", "stride", "size", "stores"),
    [(6, 6, 18, 1), (5, 6, 18, 1), (18, 18, 18, 1), (5, 20, 18, 1), (5, 7, 14, 1), (6, 6, 20, 6), (3, 3, 9, 3)],
)
def test_windows_that_do_not_overlap_are_loops(kernel, stride, size, stores):
    """An element is in one window at most: which one and where in it are loops, or a store for each place if few."""
    count = (size - kernel) // stride + 1

    def spread(x):
        return [x.fold((stride,), (1,), (size,))]

    graph = traced(spread, [np.zeros((5, count, kernel), "f4")])
    planned = plan(graph, named("haswell"))
    assert sum(len(kernel.nest.stores) for kernel in planned.kernels) == stores
    x = np.random.default_rng(1).standard_normal((5, count, kernel)).astype("f4")
    expected = np.zeros((5, size), "f4")
    for i in range(count):
        expected[:, i * stride : i * stride + kernel] += x[:, i]
    np.testing.assert_array_equal(interpret(planned, [x])[0], expected)
    np.testing.assert_array_equal(tg.jit(spread)(tg.tensor(x))[0].numpy(), expected)


@pytest.mark.parametrize("reduced", [False, True])
def test_long_expressions_are_written_once_in_a_loop(reduced):
    """Short ones are written side by side, which takes a compiler's time for each of them."""

    def copies(count):
        def function(x, y):
            for _ in range(count):
                x = y - x * y
            return [x.sum((1,)) if reduced else x]

        planned = plan(traced(function, [np.zeros((64, 24, 32), "f4")] * 2), named("haswell"))
        return "".join(Modules(planned, named("haswell"))).count("= fmul <8 x float>") / count

    assert copies(3) > 1
    assert copies(100) == 1


def test_tiles_are_as_equal_as_may_be():
    for extent in range(1, 40):
        for size in range(1, 12):
            tiles = widths(extent, size)
            assert sum(n * k for n, k in tiles) == extent
            assert all(0 < n <= size for n, _ in tiles) and max(tiles)[0] - min(tiles)[0] <= 1


CONTRACTION = """
x0 = input(({m}, {k}), 'float32', 'normal', 1)
x1 = input(({k}, {n}), 'float32', 'normal', 2)
x2 = contract(x0, x1, spec='ik,ko->io')
return x2
"""


@pytest.mark.parametrize("cpu", [*CPUS, "aarch64"])
@pytest.mark.parametrize(("m", "n", "k"), [(64, 64, 64), (7, 40, 100), (1, 10, 500), (130, 3, 9), (33, 17, 5)])
def test_accumulators_fit_into_registers(cpu, m, n, k):
    target = named(cpu)
    planned = plan(parse(CONTRACTION.format(m=m, n=n, k=k)).graph(), target)
    for kernel in planned.kernels:
        if kernel.kind == "contraction":
            rows = int(np.prod([*kernel.schedule.rows.values(), 1]))
            assert kernel.schedule.vectors * rows < target.vector_registers
            assert kernel.schedule.lanes * 4 == target.vector_bytes


@pytest.mark.any_python
def test_a_bound_cuts_a_loop_where_it_holds_for_all_of_its_steps():
    """Not where it differs from lane to lane, or between the places that another variable runs on through."""
    lane, row, place, tap, channel = Var(16), Var(9), Var(9), Var(3), Var(3)
    schedule = LoopSchedule(lane, 16, outer=[row, lane], inner=[place, channel], collapsed={channel: (tap,)})
    assert schedule.absorbed == [tap] and schedule.extent(channel) == 9
    assert schedule.cuts(of(row) + of(place) - of(row) * 2, place)
    assert not schedule.cuts(of(place) + of(tap), place)
    assert not schedule.cuts(of(place) + of(lane), place)
    assert not schedule.cuts(of(place) * 2 + of(row), place)
    apart = LoopSchedule(lane, 16, outer=[row, lane], inner=[place, tap, channel])
    assert apart.absorbed == [] and apart.cuts(of(place) + of(tap), place)


# ---------------------------------------------------------------- the compiler knows no layer

LAYERS = re.compile(
    r"""\b(conv(olution(al)?)?(\dd)?|pool(ing)?(\dd)?|(batch|layer|group|instance)?_?norm(aliz(e[sd]?|ation))?(\dd)?|bn
    |relu|softmax|dropout|attention|linear|lenet|vgg|resnet|layers?)\b""",
    re.X | re.I,
)
ROOT = Path(compiler.__file__).parents[1]
FILES = sorted(
    path
    for room in ("ir", "tracing", "compiler")
    for path in (ROOT / room).rglob("*.py")
    if "runtime" not in path.parts
)


def words(text):
    """An identifier's words, apart; with underscores too, where there are some."""
    parts = re.sub(r"([a-z])([A-Z])", r"\1_\2", text).split("_")
    return " ".join([*parts, text])


def names_in(tree):
    """Identifiers, and texts that are not docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        for field in ("id", "attr", "arg", "name", "asname", "module"):
            if isinstance(text := getattr(node, field, None), str):
                yield text
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


@pytest.mark.parametrize("path", FILES, ids=lambda path: "/".join(path.parts[-2:]))
def test_no_code_knows_the_name_of_a_layer(path):
    found = {name for name in names_in(ast.parse(path.read_text())) if LAYERS.search(words(name))}
    assert not found


def test_the_search_for_names_finds_them():
    for name in (
        "conv2d",
        "is_conv",
        "maxPool2d",
        "batch_norm",
        "BatchNorm",
        "Normalization",
        "max_pooling",
        "fuse_bn",
    ):
        assert LAYERS.search(words(name)), name
    for name in ("convert", "subnormal", "linearize", "batch"):
        assert not LAYERS.search(words(name)), name


def test_a_kernel_is_made_of_what_lies_between_what_it_reads_and_writes():
    """Also where an operand was packed: what computed the operand is another kernel's."""
    program = """
x0 = input((64, 512), 'float32', 'normal', 1)
x1 = input((512, 256), 'float32', 'normal', 2)
x2 = tanh(x0)
x3 = exp(x1)
x4 = contract(x2, x3, spec='ij,jk->ik')
return x4
"""
    kernels = plan(rewrite(parse(program).graph(), PARTS), named("haswell")).kernels
    assert any(value.op == "packed" for kernel in kernels for value in kernel.reads)
    assert sorted((kernel.ops for kernel in kernels), key=str) == [("contract",), ("exp",), ("packed",), ("tanh",)]
