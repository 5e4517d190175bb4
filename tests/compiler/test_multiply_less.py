"""Sums over sliding windows with fewer multiplications: the same sums, how they round, and where they are made."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.compiler.agreement import judge
from tests.compiler.programs import Gradients, parse
from tests.thresholds import BEYOND, crossed
from tinygrad_cv.compiler import pipeline
from tinygrad_cv.compiler.pipeline import plan
from tinygrad_cv.compiler.runtime.target import named
from tinygrad_cv.ir import numpy_source
from tinygrad_cv.ir.graph import Graph
from tinygrad_cv.ir.numpy_source import NumpyProgram
from tinygrad_cv.ir.rewrite import multiply_less as rewrite
from tinygrad_cv.ir.rewrite.multiply_less import PRECISIONS, Taken, multiply_less, summary
from tinygrad_cv.tracing import entry

CONVOLUTIONS = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}
ANYWHERE = {"ir.rewrite.multiply_less.WORTH": BEYOND}


def step(padding=1):
    """A convolution, and what pulls g back to its input and its kernel."""

    def function(x, w, g):
        y = CONVOLUTIONS[x.ndim](x, w, padding=padding)
        return y, *tg.grad((y * g).sum(), [x, w])

    return function


def normal(*shapes, mean=0.0, dtype=np.float32, seed=0):
    rng = np.random.default_rng(seed)
    drawn = [(rng.standard_normal(shape) + mean * (k == 0)).astype(dtype) for k, shape in enumerate(shapes)]
    return [tg.tensor(array, requires_grad=k < 2) for k, array in enumerate(drawn)]


def shapes_of(x, w, padding=1):
    """Those of a convolution's input, kernel and result."""
    return x, w, (x[0], w[0], *(n + 2 * padding - k + 1 for n, k in zip(x[2:], w[2:], strict=True)))


def graph_of(function, tensors) -> Graph:
    graphs = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "compiled", lambda graph, precision: graphs.append(graph) or NumpyProgram(graph))
        tg.jit(function)(*tensors)
    return graphs[0]


def in_double(function, tensors):
    """The results in float64."""
    return [
        y.numpy() for y in function(*(tg.tensor(t.numpy().astype(np.float64), requires_grad=True) for t in tensors))
    ]


def apart(found, right):
    """The root mean square of the errors, over the deviation of what is right."""
    return float(np.sqrt(np.mean((found - right) ** 2)) / right.std())


# ---------------------------------------------------------------- the same sums

CASES = {
    "whole tiles": shapes_of((2, 3, 8, 8), (4, 3, 3, 3)),
    "parts of tiles": shapes_of((3, 2, 7, 9), (5, 2, 3, 3)),
    "smaller than a tile": shapes_of((2, 3, 1, 3), (4, 3, 3, 3)),
    "no border": shapes_of((2, 3, 6, 5), (4, 3, 3, 3), 0),
    "a wide border": shapes_of((2, 3, 5, 7), (4, 3, 3, 3), 2),
    "one channel": shapes_of((2, 1, 6, 6), (1, 1, 3, 3)),
    "another kernel along one axis": shapes_of((2, 3, 6, 6), (4, 3, 3, 5)),
    "one axis": shapes_of((2, 3, 11), (4, 3, 3)),
    "three axes": shapes_of((2, 3, 5, 6, 4), (4, 3, 3, 3, 3)),
}
TILES = [(4,), (3,), (2,), (1, 4), (1, 3), (2, 2), (4, 2), (4, 4), (3, 4)]


@pytest.mark.any_python
@pytest.mark.parametrize("chained", [False, True])
@pytest.mark.parametrize("tile", TILES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_results_and_gradients_are_the_same_sums(case, tile, chained, monkeypatch):
    """Without rounding they would be equal: in float32 they are as near as the sums that the graph was."""

    def candidates(s):
        axes = [i for i in s.places[: len(tile)] if s.size[s.taps[s.places.index(i)]] == rewrite.KERNEL]
        return [{i: m for i, m in zip(s.places, tile, strict=False) if m > 1 and i in axes} or {axes[0]: 4}]

    x, w, g = CASES[case]
    padding = (g[2] - x[2] + w[2] - 1) // 2
    if case == "another kernel along one axis":
        g = (*g[:3], x[3] + 2 * padding - 4)
    monkeypatch.setattr(rewrite, "_candidates", candidates)
    monkeypatch.setattr(rewrite, "WORTH", BEYOND)
    monkeypatch.setattr(rewrite, "STREAMED", 0 if chained else BEYOND)
    monkeypatch.setattr(rewrite, "AGAIN", BEYOND)
    function, tensors = step(padding), normal(x, w, g)
    graph = graph_of(function, tensors)
    other, taken = multiply_less(graph, "fast")
    assert len(taken) == 3, "the result, the gradient of the input, and that of the kernel"
    arrays = [t.numpy() for t in tensors]
    for found, right in zip(numpy_source.run(other, arrays), in_double(function, tensors), strict=True):
        assert found.shape == right.shape and apart(found, right) < 3e-6


@pytest.mark.any_python
def test_what_else_reads_products_before_they_are_folded_reads_them_still():
    """A fold whose products are results themselves stays a fold; so does one of which a part is wanted elsewhere."""

    def function(x, w, g):
        y = F.conv2d(x, w, padding=1)
        dx = tg.grad((y * g).sum(), [x])[0]
        return y, dx

    tensors = normal(*shapes_of((2, 16, 8, 8), (16, 16, 3, 3)))
    assert [len(taken) for taken in _with_more_outputs(graph_of(function, tensors))] == [2, 1, 2]


@pytest.mark.any_python
def test_a_fold_of_which_all_is_wanted():
    def function(x, w, g):
        y = F.conv2d(x, w)
        return y, tg.grad((y * g).sum(), [x])[0]

    tensors = normal(*shapes_of((2, 16, 8, 8), (16, 16, 3, 3), 0))
    assert [len(taken) for taken in _with_more_outputs(graph_of(function, tensors))] == [2, 1, 2]


def _with_more_outputs(graph):
    """What is taken of a graph, of one that returns the products before the fold as well, and of one with the fold."""
    fold = next(v for v in graph.values() if v.op == "fold")
    with crossed(ANYWHERE):
        for also in ((), (fold.args[0],), (fold,)):
            yield multiply_less(Graph(graph.builder, graph.inputs, [*graph.outputs, *also]))[1]


@pytest.mark.any_python
@pytest.mark.parametrize(
    "spec, w",
    [("ngcijuv,gocuv->ngoij", (2, 5, 3, 3, 3)), ("ngcijuv,ngoij->gcouv", (2, 2, 5, 4, 8))],
    ids=["", "swapped"],
)
def test_letters_that_both_operands_and_the_result_have(spec, w):
    text = f"""
x0 = input((2, 2, 3, 6, 10), 'float32', 'normal', 1)
x1 = input({w}, 'float32', 'normal', 2)
x2 = windows(x0, kernel=(3, 3), stride=(1, 1), dilation=(1, 1))
x3 = contract(x2, x1, spec='{spec}')
return x3
"""
    program = parse(text)
    graph, arrays = program.graph(), program.arrays()
    with crossed(ANYWHERE):
        other, taken = multiply_less(graph)
    assert len(taken) == 1
    x, w = (array.astype(np.float64) for array in arrays)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (3, 4))
    assert apart(numpy_source.run(other, arrays)[0], np.einsum(spec, windows, w)) < 2e-6


@pytest.mark.parametrize("stride, dilation", [(2, 1), (1, 2)])
def test_other_windows_stay(stride, dilation):
    def function(x, w):
        return F.conv2d(x, w, stride=stride, dilation=dilation, padding=1)

    graph = graph_of(function, normal((2, 16, 8, 8), (16, 16, 3, 3)))
    with crossed(ANYWHERE):
        assert multiply_less(graph)[0].outputs == graph.outputs


def drawn_program(seed: int) -> str:
    """A convolution of random sizes and numbers, special ones among them, between elementwise operations."""
    rng = np.random.default_rng(seed)
    n, c, o, h, w = (int(k) for k in rng.integers(1, [4, 7, 7, 10, 10]))
    kind = str(rng.choice(["normal", "few", "special"], p=[0.4, 0.2, 0.4]))
    kernel, border = (3, int(rng.choice([1, 3, 5]))), int(rng.integers(1, 3))
    kernel = kernel[:: int(rng.choice([1, -1]))]
    tall, wide = (k + 2 * max(border, r // 2) - r + 1 for k, r in zip((h, w), kernel, strict=True))
    sides = [max(border, r // 2) for r in kernel]
    x, y, x_shape, y_shape = "ncijuv", "noij", (n, c, h, w), (n, o, tall, wide)
    made = {
        "y": (f"{x},ocuv->{y}", (o, c, *kernel)),
        "w": (f"{x},{y}->ocuv", y_shape),
    }
    spec, other = made[str(rng.choice(list(made)))]
    return f"""
x0 = input({x_shape}, 'float32', '{kind}', {seed})
x1 = input({other}, 'float32', '{rng.choice([kind, "normal"])}', {seed + 1})
x2 = neg(x0)
x3 = pad(x2, width=((0, 0), (0, 0), {(sides[0],) * 2}, {(sides[1],) * 2}), interior=(0, 0, 0, 0), value=0.0)
x4 = windows(x3, kernel={kernel}, stride=(1, 1), dilation=(1, 1))
x5 = contract(x4, x1, spec='{spec}')
x6 = square(x5)
return x5, x6
"""


def test_programs_with_special_values_keep_their_bounds():
    """Native code, with gradients too, within the bounds of sums of all products and of fewer; a NaN stays one."""
    saved = 0
    for seed in range(24):
        program = parse(drawn_program(seed))
        if seed % 2:
            program = Gradients.of(program).as_program()
        with crossed(ANYWHERE):
            saved += len(multiply_less(program.graph())[1])
        verdict = judge(program, "fewer multiplications")
        assert not verdict, f"{verdict.complaint}\n{program}"
    assert saved >= 24


# ---------------------------------------------------------------- where it is done


def taken_of(x, w, precision="default", dtype=np.float32):
    tensors = normal(*shapes_of(x, w), dtype=dtype)
    return multiply_less(graph_of(step(), tensors), precision)[1]


def test_shallow_and_small_ones_stay_as_they_are():
    assert not taken_of((64, 3, 32, 32), (8, 3, 3, 3))
    assert not taken_of((1, 256, 7, 7), (256, 256, 3, 3))
    assert len(taken_of((64, 64, 16, 16), (64, 64, 3, 3))) == 3


def test_precision_says_how_much_may_be_saved():
    x, w = (16, 64, 16, 16), (64, 64, 3, 3)
    assert not taken_of(x, w, "exact")
    assert not taken_of(x, w, "fast", np.float64)
    default, fast = taken_of(x, w), taken_of(x, w, "fast")
    assert max(t.share for t in fast) < min(t.share for t in default) < 0.51
    for precision, taken in (("default", default), ("fast", fast)):
        assert all(t.rounding <= PRECISIONS[precision] for t in taken)


def test_a_sum_that_threads_make_in_parts_rounds_less():
    """So the one with fewer multiplications, which is too short for that, has smaller tiles."""
    graph = graph_of(step(), normal(*shapes_of((64, 256, 8, 8), (256, 256, 3, 3))))
    one, two = (multiply_less(graph, threads=threads)[1] for threads in (1, 2))
    assert [a == b for a, b in zip(one, two, strict=True)].count(False) == 1
    (tile,) = {t.tile for t in two} - {t.tile for t in one}
    assert tile == (2, 2)


def test_planes_that_no_cache_holds_are_made_and_read_image_by_image():
    """Then the kernels between two convolutions are one chain: what one writes, the next reads in the cache."""

    def contractions(images):
        x, w = (images, 64, 32, 32), (64, 64, 3, 3)
        graph = graph_of(lambda x, w: F.relu(F.conv2d(F.relu(F.conv2d(x, w, padding=1)), w, padding=1)), normal(x, w))
        chains = [
            chain for step in plan(pipeline.rewrite(graph, 2), named("skylake-avx512")).steps for chain in step.chains
        ]
        return [len(chain) for chain in chains if any(kernel.kind == "contraction" for kernel in chain)]

    assert max(contractions(64)) > 2 > max(contractions(4))


def test_results_that_are_read_again_are_kept_instead_of_their_planes():
    """Planes are larger, and whoever read them would transform them back once more."""
    tensors = normal((16, 32, 16, 16), (32, 32, 3, 3))

    def function(x, w):
        y = F.conv2d(x, w, padding=1)
        return (y - y.mean((0, 2, 3), keepdims=True)).square().mean(), y.max()

    kernels = plan(pipeline.rewrite(graph_of(function, tensors), 2), named("skylake-avx512")).kernels
    (planes,) = (kernel.writes[0] for kernel in kernels if kernel.kind == "contraction")
    assert sum(planes in kernel.reads for kernel in kernels) == 1


def test_a_precision_that_is_none():
    with pytest.raises(ValueError, match="precision='low'; it must be one of 'default', 'fast', 'exact'"):
        tg.jit(lambda x: x, precision="low")


def test_explain_says_what_was_saved_and_what_that_costs():
    jitted = tg.jit(lambda x, w: F.conv2d(x, w, padding=1))
    jitted(*normal((16, 32, 16, 16), (32, 32, 3, 3)))
    assert (
        "1 contraction over windows with 50% of the multiplications: rounding errors about 1.5 times"
        in jitted.explain()
    )
    plain = tg.jit(lambda x, w: F.conv2d(x, w, padding=1), precision="exact")
    plain(*normal((16, 32, 16, 16), (32, 32, 3, 3)))
    assert "multiplications" not in plain.explain()
    assert (
        "2 contractions over windows with 25% to 50%" in summary([Taken(0.5, 1.5, (4, 1)), Taken(0.25, 2.3, (4, 4))])[0]
    )


# ---------------------------------------------------------------- how it rounds

SIZES = {
    "shallow": ((64, 32, 16, 16), (32, 32, 3, 3)),
    "odd": ((64, 40, 7, 9), (48, 40, 3, 3)),
    "middle": ((8, 128, 14, 14), (128, 128, 3, 3)),
    "deep": ((64, 256, 8, 8), (128, 256, 3, 3)),
    "very deep": ((64, 1024, 4, 4), (64, 1024, 3, 3)),
    "one axis": ((64, 128, 64), (128, 128, 3)),
}


@pytest.mark.parametrize("mean", [0.0, 30.0])
@pytest.mark.parametrize("size", SIZES)
def test_rounding_keeps_its_bound(size, mean):
    """Root mean squares against float64, beside those of all products: at most twice as large, with "fast" four times.

    Those of the kernel's gradient too, whose sums are as long as the batch is large.
    """
    x, w = SIZES[size]
    tensors = normal(*shapes_of(x, w), mean=mean)
    right = in_double(step(), tensors)
    found = {p: [y.numpy() for y in tg.jit(step(), precision=p)(*tensors)] for p in PRECISIONS}
    errors = {p: [apart(y, r) for y, r in zip(results, right, strict=True)] for p, results in found.items()}
    assert any((a != b).any() for a, b in zip(found["default"], found["exact"], strict=True))
    for exact, default, fast in zip(*(errors[p] for p in ("exact", "default", "fast")), strict=True):
        assert default <= 2 * exact and fast <= 4 * exact


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_nan_stays_one(value):
    """Where the sums of all products have one, so have those of fewer; and what is infinite does not become finite."""
    rng = np.random.default_rng(3)
    tensors = normal(*shapes_of((4, 32, 16, 16), (32, 32, 3, 3)))
    arrays = [t.numpy().copy() for t in tensors]
    for array in arrays:
        array.reshape(-1)[rng.integers(0, array.size, 3)] = value
    arrays[1].reshape(-1)[rng.integers(0, arrays[1].size, 200)] = 0.0  # times an infinity
    exact, default = ([y.numpy() for y in run(arrays, p)] for p in ("exact", "default"))
    for a, b in zip(exact, default, strict=True):
        assert np.isnan(b)[np.isnan(a)].all()
        assert not np.isfinite(b[~np.isfinite(a)]).any()


def test_what_is_not_finite_reaches_its_tile_and_nothing_else():
    tensors = normal((4, 32, 16, 16), (32, 32, 3, 3))
    arrays = [t.numpy().copy() for t in tensors]
    arrays[0][2, 5, 9, 6] = np.nan
    y = tg.jit(lambda x, w: F.conv2d(x, w, padding=1))(*map(tg.tensor, arrays)).numpy()
    reached = np.argwhere(np.isnan(y))
    assert {tuple(n) for n in reached[:, [0]]} == {(2,)}
    assert set(reached[:, 2]) <= set(range(4, 16)) and set(reached[:, 3]) <= set(range(2, 12))


def run(arrays, precision):
    return tg.jit(step(), precision=precision)(*(tg.tensor(a, requires_grad=k < 2) for k, a in enumerate(arrays)))
