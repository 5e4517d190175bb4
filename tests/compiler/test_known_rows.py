"""Row numbers that are known: scattered sums are sums of gathered terms; what is near one another is read at once."""

from __future__ import annotations

import re

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tests.compiler.agreement import MACHINES
from tests.compiler.programs import traced
from tinygrad_cv.compiler.codegen.module import Modules
from tinygrad_cv.compiler.pipeline import plan, rewrite
from tinygrad_cv.compiler.runtime.objects import assembly
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.ir.graph import Builder, Graph
from tinygrad_cv.ir.rewrite.known_rows import TERMS, gather_known_rows

READ = ("host", "three threads", "narrow vectors")
F32 = np.dtype(np.float32)
RNG = np.random.default_rng(5)
SCATTERED = {  # the numbers, and how many rows there are
    "two each": (np.repeat(np.arange(9), 2), 9),
    "some have none": (np.array([0, 5, 3, 3, 0, 3]), 7),
    "from the end": (np.array([-1, 0, -1, 2, -3]), 3),
    "one each, in no order": (RNG.permutation(40), 40),
    "a table": (np.array([[0, 1], [1, 2], [2, 3], [3, 3]]), 4),
    "at random": (RNG.integers(0, 30, (4, 25)), 30),
}


def scattered(index, size, row, dtype=F32):
    builder = Builder()
    x = builder.input(0, (*index.shape, *row), np.dtype(dtype))
    return Graph(builder, [x], [builder.make("scatter_add", (x, builder.constant(index)), {"size": size})])


def ops(graph):
    return {value.op for value in graph.values()}


@pytest.mark.quick
@pytest.mark.parametrize("row", [(), (5,), (3, 17)])
@pytest.mark.parametrize("name", SCATTERED)
def test_scattered_sums_over_known_rows_are_sums_of_gathered_terms(name, row):
    """Added in the same order, so that all bits are those of eager code; a NaN reaches its own row only."""
    index, size = SCATTERED[name]
    x = np.random.default_rng(1).normal(0, 100, (*index.shape, *row)).astype(F32)
    x.reshape(index.size, -1)[[0, -1]] = [[np.nan], [np.inf]]
    graph = scattered(index, size, row)
    assert "scatter_add" not in ops(gather_known_rows(graph))
    expected = np.zeros((size, *row), F32)
    np.add.at(expected, index, x)
    for machine in (MACHINES[name] for name in READ):
        np.testing.assert_array_equal(machine(graph)([x])[0], expected, strict=True)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("index", "size", "dtype"),
    [
        (np.zeros(TERMS + 1, int), 1, "float32"),  # many terms of one row
        (np.array([0, 0, 0, 1, 2, 3, 4, 5]), 50, "float32"),  # few terms for many rows
        (np.array([0, 1, 2]), 2, "float32"),  # an error, which is eager code's to raise
        (np.array([0, 1, 1]), 2, "int32"),
        (np.zeros(0, int), 2, "float32"),
    ],
)
def test_other_scattered_sums_stay(index, size, dtype):
    graph = scattered(index, size, (), dtype)
    assert gather_known_rows(graph).outputs == graph.outputs


@pytest.mark.quick
def test_products_and_selections_are_gathered_by_gathering_what_they_are_made_of():
    """The gradient of maxima of gathered elements reads places and gradients: it is one kernel, and stores no term."""
    places = np.minimum(np.arange(6)[:, None] * 2 + np.arange(3), 11)
    builder = Builder()
    best, g = (builder.input(i, (4, 6, 1, 5), np.dtype(d)) for i, d in enumerate(("uint8", "float32")))
    shape = (4, 6, 3, 5)
    number = builder.make("iota", (), {"shape": shape, "axis": (2,), "dtype": best.dtype})
    same = builder.make("equal", (number, builder.make("expand", (best,), {"shape": shape})), {})
    spread = builder.make("expand", (g,), {"shape": shape})
    scale = builder.make("expand", (builder.constant(RNG.normal(size=(6, 3, 1)).astype(F32)),), {"shape": shape})
    terms = builder.make("where", (same, builder.make("mul", (spread, scale), {}), builder.full(shape, 0, F32)), {})
    rows = builder.make("permute", (terms,), {"axes": (1, 2, 0, 3)})
    summed = builder.make("scatter_add", (rows, builder.constant(places)), {"size": 12})
    graph = Graph(builder, [best, g], [builder.make("permute", (summed,), {"axes": (1, 0, 2)})])
    kernels = plan(rewrite(graph, 1), named("haswell")).kernels
    assert len(kernels) == 1
    arrays = (
        np.random.default_rng(2).integers(0, 3, best.shape).astype(best.dtype),
        RNG.normal(size=g.shape).astype(F32),
    )
    taken = np.where(np.arange(3)[:, None] == arrays[0], arrays[1] * scale.args[0].params["array"], 0)  # n o t w
    expected = np.zeros((12, 4, 5), F32)
    np.add.at(expected, places, taken.transpose(1, 2, 0, 3))
    for machine in (MACHINES[name] for name in READ):
        np.testing.assert_array_equal(machine(graph)(arrays)[0], expected.transpose(1, 0, 2), strict=True)


@pytest.mark.quick
def test_terms_that_are_made_of_much_are_gathered_themselves():
    """Also where a value is used twice in each of a thousand steps."""
    builder = Builder()
    x = term = builder.input(0, (20,), F32)
    for _ in range(1000):
        term = builder.make("mul", (term, term), {})
    index = builder.constant(np.arange(20) // 2)
    graph = gather_known_rows(Graph(builder, [x], [builder.make("scatter_add", (term, index), {"size": 10})]))
    assert [value.args[0] for value in graph.values() if value.op == "gather"] == [term]


def tables(n, m):
    """Tables of m places on an axis of n: all alike, nearer than elements, farther, in reverse, and anywhere."""
    rng = np.random.default_rng(n * m)
    yield np.full(m, n - 1)
    yield np.arange(m) * n // m
    yield np.minimum(2 * np.arange(m), n - 1)[::-1].copy()
    yield np.clip(np.arange(m) * n // m + rng.integers(-2, 3, m), 0, n - 1)
    yield rng.integers(0, n, m)
    yield -1 - np.arange(m) * n // m  # from the end
    yield np.clip(np.arange(m)[:, None] * n // m + np.arange(-1, 3), 0, n - 1)


CASES = [(2, dtype) for dtype in ("float32", "float64", "uint8", "bool", "int64")] + [(0, "float32"), (1, "float32")]


@pytest.mark.parametrize(("axis", "dtype"), CASES)
@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 33, 70])
def test_elements_at_the_places_of_a_table_along_any_axis(n, axis, dtype):
    shape = tuple(n if a == axis else other for a, other in enumerate((3, 4, 5)))
    x = np.random.default_rng(1).normal(0, 50, shape).astype(dtype)
    rest = [a for a in range(3) if a != axis]
    builder = Builder()
    rows = builder.make("permute", (builder.input(0, shape, x.dtype),), {"axes": (axis, *rest)})
    outputs, expected = [], []
    for table in (table for m in (5, 19) for table in tables(n, m)):
        taken = builder.make("gather", (rows, builder.constant(table)), {})
        k = table.ndim
        order = (*range(k, k + axis), *range(k), *range(k + axis, k + 2))
        outputs.append(builder.make("permute", (taken,), {"axes": order}))
        expected.append(x.take(table, axis))
    graph = Graph(builder, [rows.args[0]], outputs)
    assert all(
        kernel.reads[0] is graph.inputs[0] or kernel.reads[0].op == "constant"
        for kernel in plan(graph, named("haswell")).kernels
    )
    for name in READ:
        for y, right in zip(MACHINES[name](graph)([x]), expected, strict=True):
            np.testing.assert_array_equal(y, right, strict=True)


@pytest.mark.parametrize(("old", "new"), [(56, 100), (100, 56), (60, 15), (15, 60), (57, 25)])
@pytest.mark.parametrize("dtype", ["float32", "uint8"])
def test_elements_near_one_another_are_permuted_and_not_read_one_by_one(old, new, dtype):
    """Also in the last vector of a row, which begins earlier than where the one before it ends."""
    builder = Builder()
    x = builder.input(0, (6, 8, old), np.dtype(dtype))
    rows = builder.make("permute", (x,), {"axes": (2, 0, 1)})
    taken = builder.make("gather", (rows, builder.constant(np.arange(new) * old // new)), {})
    graph = Graph(builder, [x], [builder.make("permute", (taken,), {"axes": (1, 2, 0)})])
    target = named("skylake-avx512")
    (kernel,) = (found := plan(rewrite(graph, 1), target)).kernels
    assert kernel.schedule.lanes == 16
    text, *_ = Modules(found, target)
    code = assembly(text, target)
    assert re.search(r"vperm[dp]" if dtype == "float32" else "vpshufb", code)
    assert not re.search(r"vinsertps|vpinsr", code)


def test_what_an_update_may_be_written_over_is_read_once():
    """Its last vector does not begin where the one before it has already been written."""
    x, q = np.ones((200, 420), F32), np.full((200, 300), 2.0, F32)
    table = np.arange(420) * 300 // 420

    def function(x, q):
        return x * 3.0 + q[:, table], q[:, table] * 3.0

    graph = traced(function, [x, q])
    graph = rewrite(Graph(graph.builder, graph.inputs, graph.outputs, ((0, 0),)), 1)
    found, (new, other) = plan(graph, named("skylake-avx512")), graph.outputs
    assert found.places == {new: 0}
    assert {k.writes[0]: k.schedule.overlaps for k in found.kernels} == {new: False, other: True}
