"""Row numbers that are computed: gathers and scattered sums in native code, and what is known of the numbers."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.generator import generate
from tinygrad_cv import compiler
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.compiler.schedule.intervals import full, interval
from tinygrad_cv.compiler.schedule.partition import parts_of
from tinygrad_cv.core.context import quiet
from tinygrad_cv.ir.graph import CONSTANT, INPUT, Builder, Graph, Value
from tinygrad_cv.ops import PRIMITIVES

INT = np.dtype(np.int64)
SHAPES = [  # of the numbers, how many rows there are, and the shape of a row
    ((10,), 5, ()),
    ((1000,), 37, (64,)),
    ((1000,), 37, (3,)),
    ((300,), 37, (5, 7)),
    ((333,), 50, (33,)),
    ((100,), 1, ()),
    ((100,), 1, (17,)),
    ((4, 25), 30, (128,)),
    ((3, 5, 7), 11, (2, 8)),
    ((), 4, (16,)),
]


def drawn(shape, dtype, seed):
    x = np.random.default_rng(seed).normal(0, 100, shape)
    return np.asarray(x).astype(dtype) if dtype != "bool" else np.asarray(x > 60)


def compiled(function, *arrays):
    """What native code computes, without any help of NumPy."""
    jitted = tg.jit(function)
    for _ in range(2):
        y = jitted(*map(tg.tensor, arrays)).numpy()
    assert "NumPy computes it" not in jitted.explain()
    return y


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int64", "uint8", "bool"])
@pytest.mark.parametrize(("shape", "rows", "row"), SHAPES)
def test_a_scattered_sum_has_the_bits_of_eager_code(shape, rows, row, dtype):
    """Its terms are added in the same order, whoever adds them; numbers below 0 count from the end."""
    x, index = drawn((*shape, *row), dtype, 1), np.asarray(np.random.default_rng(2).integers(-rows, rows, shape))
    y = compiled(lambda x, index: x.scatter_add(index, rows), x, index)
    expected = np.zeros((rows, *row), dtype)
    np.add.at(expected, index, x)
    np.testing.assert_array_equal(y, expected, strict=True)


@pytest.mark.parametrize(("shape", "rows", "row"), SHAPES)
def test_a_gather_counts_negative_numbers_from_the_end(shape, rows, row):
    x, index = drawn((rows, *row), "float32", 1), np.asarray(np.random.default_rng(2).integers(-rows, rows, shape))
    np.testing.assert_array_equal(compiled(lambda x, index: x.gather(index) * 2.0, x, index), x[index] * 2, strict=True)


@pytest.mark.parametrize("number", [5, -6, 2**62])
def test_a_number_out_of_range_is_an_error(number):
    for function in (lambda x, i: x.gather(i), lambda x, i: x.scatter_add(i, 5)):
        jitted = tg.jit(function)
        x, good, bad = tg.zeros(5), tg.tensor(np.zeros(5, INT)), tg.tensor(np.array([0, 0, number, 0, 0]))
        jitted(x, good)
        with pytest.raises(IndexError):
            jitted(x, bad)


def test_threads_do_not_change_a_bit():
    before = compiler.get_num_threads()
    x, index = drawn((8, 6, 14, 14), "float32", 1), np.random.default_rng(2).integers(0, 29 * 29, (8, 6, 14, 14))
    results = []
    try:
        for threads in (1, 2, 3):
            compiler.set_num_threads(threads)
            results.append(compiled(lambda x, index: F.max_unpool2d(x, index, 3, 2), x, index))
    finally:
        compiler.set_num_threads(before)
    assert (results[0] == results[1]).all()
    assert (results[0] == results[2]).all()
    assert np.count_nonzero(results[0]) > 1000


@pytest.mark.parametrize(("row", "fused"), [((), {"mul", "add", "where"}), ((32,), {"mul"})])
def test_producers_are_fused_with_the_numbers_and_the_terms(row, fused):
    """One kernel with all that makes terms; numbers of long rows are computed once for each, as vectors."""
    jitted = tg.jit(lambda x, i: (x * 2.0).scatter_add((i + 1).clip(0, 9), 10))
    jitted(tg.zeros(100, *row), tg.tensor(np.zeros(100, INT)))
    scattered = [set(row.ops) & {"mul", "add", "where"} for row in jitted.kernels() if "scatter_add" in row.ops]
    assert scattered == [fused]


def test_a_reshape_of_what_is_gathered_is_no_copy():
    """It is read as the memory of what it reshapes: two kernels, one that adds and one that gathers."""
    builder = Builder()
    x, index = builder.input(0, (2, 3, 4), np.dtype("float32")), builder.input(1, (5,), INT)
    flat = builder.make("reshape", (builder.make("exp", (x,), {}),), {"shape": (24,)})
    graph = Graph(builder, [x, index], [builder.make("gather", (flat, index), {})])
    assert [kernel.ops for kernel in plan(graph, named("haswell")).kernels] == [("exp",), ("gather",)]


@pytest.mark.parametrize(("columns", "vectors"), [(3, "along the numbers"), (64, "along the rows")])
def test_vectors_run_along_rows_unless_they_are_short(columns, vectors):
    builder = Builder()
    x, index = builder.input(0, (50, columns), np.dtype("float32")), builder.input(1, (40,), INT)
    y = builder.make("square", (builder.make("gather", (x, index), {}),), {})
    (kernel,) = plan(rewrite(Graph(builder, [x, index], [y]), 2), named("haswell")).kernels
    assert kernel.schedule.vector is kernel.nest.vars[0 if vectors == "along the numbers" else 1]


def test_a_vector_of_numbers_is_made_once_for_all_columns():
    """Where columns lie apart, as those of a picture of three channels do."""
    builder = Builder()
    x, index = builder.input(0, (500, 3), np.dtype("float32")), builder.input(1, (4, 20, 40), INT)
    rows = builder.make("gather", (x, index), {})
    graph = Graph(builder, [x, index], [builder.make("permute", (rows,), {"axes": (0, 3, 1, 2)})])
    (kernel,) = plan(rewrite(graph, 2), named("haswell")).kernels
    image, _, _, _ = kernel.nest.vars
    assert kernel.schedule.outer[0] is image
    assert [v.extent for v in kernel.schedule.outer[-2:]] == [40, 3]
    a, b = drawn((500, 3), "float32", 1), np.random.default_rng(2).integers(-500, 500, (4, 20, 40))
    found = compiled(lambda t, i: t[i].permute(0, 3, 1, 2), a, b)
    np.testing.assert_array_equal(found, a[b].transpose(0, 3, 1, 2))


# ---------------------------------------------------------------- what is known of numbers


def test_intervals_hold_in_random_programs():
    """Every element of every value is in its interval; most of those of numbers of rows are limited."""
    limited = 0
    for seed in range(150):
        program = generate(seed)
        graph, arrays = program.graph(), program.arrays()
        known: dict[Value, np.ndarray] = {}
        with np.errstate(all="ignore"):
            for value in graph.values():
                if value.op in (INPUT, CONSTANT):
                    known[value] = arrays[value.params["index"]] if value.op == INPUT else value.params["array"]
                else:
                    known[value] = np.asarray(quiet(PRIMITIVES[value.op], [known[a] for a in value.args], value.params))
                low, high = (full(end, value.shape) for end in interval(value))
                y = known[value].astype(float)
                assert ((low <= y) & (y <= high) | np.isnan(y)).all(), f"seed {seed}, {value.op}"
                limited += (
                    value.dtype == INT and value.op != CONSTANT and bool(np.isfinite(high).all() and high.max() < 1e6)
                )
    assert limited > 100


def numbers(builder, limit, step):
    """limited to 0 ... limit, plus step times the first index, of 8 x 4 x 9"""
    shape = (8, 4, 9)
    x = builder.input(0, shape, INT)
    low, high = (builder.full(shape, number, INT) for number in (0, limit))
    x = builder.make("where", (builder.make("less", (x, low), {}), low, x), {})
    x = builder.make("where", (builder.make("less", (high, x), {}), high, x), {})
    first = builder.make("iota", (), {"shape": shape, "axis": (0,), "dtype": INT})
    return builder.make("add", (x, builder.make("mul", (first, builder.full(shape, step, INT)), {})), {})


def scattered(limit, step, size, flat=False):
    builder = Builder()
    index = numbers(builder, limit, step)
    x = builder.input(1, index.shape, np.dtype("float32"))
    if flat:
        index, x = (builder.make("reshape", (a,), {"shape": (a.size,)}) for a in (index, x))
    return builder.make("scatter_add", (x, index), {"size": size})


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize(
    ("limit", "step", "size", "parts"),
    [(9, 10, 80, 8), (10, 10, 88, 1), (9, 10, 90, 1), (19, 20, 160, 8), (9, 9, 80, 1), (0, 1, 8, 8)],
)
def test_parts_are_found_where_rows_are_their_own(limit, step, size, parts, flat):
    assert parts_of(scattered(limit, step, size, flat)) == parts


def test_integers_that_may_wrap_around_are_not_limited():
    builder = Builder()
    x = builder.input(0, (3,), INT)
    zero, one = (builder.full((3,), number, INT) for number in (0, 1))
    positive = builder.make("maximum", (x, zero), {})
    assert interval(positive).low == 0
    assert interval(builder.make("add", (positive, one), {})).low < -(2.0**62)
    assert interval(builder.make("neg", (x,), {})).low < -(2.0**62)
    tiny = builder.make("cast", (positive,), {"dtype": np.dtype("int8")})
    assert interval(tiny) == (-128, 127)
