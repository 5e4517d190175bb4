"""Sizes above the thresholds from which NumPy is asked in another way: blocks, taps, rows, collapsed operands, chunks.

Values are small whole numbers, so that sums are exact in any order.
"""

import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.primitives.draws import few
from tests.primitives.layouts import LAYOUTS, REPEATED
from tests.primitives.row import Case
from tests.primitives.table import ROWS
from tinygrad_cv.core.context import eager
from tinygrad_cv.ops import PRIMITIVES, contraction
from tinygrad_cv.ops.arrays import BLOCK, SMALL

SEED = 11
SHAPE = (5, 37, 29)
ELEMENTWISE = [row for row in ROWS.values() if row.primitive.family == "elementwise"]

assert math.prod(SHAPE) > SMALL


def run(name, *arrays, **params):
    return eager(PRIMITIVES[name], list(arrays), params)


def whole_numbers(shape, dtype=np.float64, seed=SEED):
    return few(np.random.default_rng(seed), shape).astype(dtype)


def subsets(ndim):
    return [axes for k in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), k)]


def same_bits(a, b):
    """Equal to the bit: 0.0 is not -0.0, and a NaN equals itself."""
    return a.dtype == b.dtype and np.array_equal(a.copy().view(np.uint8), b.copy().view(np.uint8))


# ---------------------------------------------------------------- elementwise


@pytest.mark.parametrize("row", ELEMENTWISE, ids=repr)
@pytest.mark.parametrize("dtype", [np.float64, np.float32], ids=["float64", "float32"])
def test_elementwise_in_every_layout(row, dtype):
    params = row.cases[0].params
    for layout, lay_out in {**LAYOUTS, **REPEATED}.items():
        arrays = row.inputs(Case((SHAPE,) * len(row.draws)), SEED, dtype)
        for i in range(len(arrays) + 1):  # all of them, or all but one
            mixed = [lay_out(x) if k != i else x for k, x in enumerate(arrays)]
            value = run(row.name, *mixed, **params)
            expected = row.oracle(*mixed, **params)
            rtol = 8 * np.finfo(dtype).eps if value.dtype.kind == "f" else 0
            np.testing.assert_allclose(value, expected, rtol, 4 * rtol, err_msg=f"{layout}, seed {SEED}")


CONSTANT_ALONG = [(0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)]


@pytest.mark.parametrize("name", ["add", "mul", "less", "where"])
def test_operands_that_are_constant_along_axes(name):
    """The same axes: computed once and repeated. Different axes: an outer product."""
    for axes in itertools.product(CONSTANT_ALONG, repeat=2):
        a, b = (
            np.broadcast_to(whole_numbers([1 if i in constant else n for i, n in enumerate(SHAPE)], seed=k), SHAPE)
            for k, constant in enumerate(axes)
        )
        inputs = (a < b, a, b) if name == "where" else (a, b)
        expected = {"add": np.add, "mul": np.multiply, "less": np.less, "where": np.where}[name](*inputs)
        value = run(name, *inputs)
        assert value.dtype == expected.dtype
        np.testing.assert_array_equal(value, expected, err_msg=f"constant along {axes}")


def test_result_on_constant_operands_is_not_computed_in_full():
    x = np.broadcast_to(whole_numbers((1, 1, 29)), SHAPE)
    assert run("exp", x).strides[:2] == (0, 0)


SPECIAL = np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1.5, -2.5])


@pytest.mark.parametrize(
    "shape",
    [(2 * BLOCK + 5,), (3, 2 * BLOCK + 9), (2, 2, 2 * BLOCK + 1), (7, 5000), (40_000, 2), (9, 5, 7, 31)],
    ids=str,
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int64], ids=lambda dtype: dtype.__name__)
def test_where_in_blocks_is_exact_to_the_bit(shape, dtype):
    """NaN, infinities and -0.0 included; also against a broadcast number, where +0 has a way of its own, -0 has not."""
    rng = np.random.default_rng(SEED)
    values = SPECIAL if np.dtype(dtype).kind == "f" else np.arange(7)
    a, b = (rng.choice(values, shape).astype(dtype) for _ in range(2))
    c = rng.random(shape) < 0.5
    numbers = [np.broadcast_to(np.array(v, dtype), shape) for v in (0.0, -0.0, 1.5)]
    for lay_out in (np.copy, np.asfortranarray, LAYOUTS["reversed"], LAYOUTS["interior"]):
        mask, first, second = map(lay_out, (c, a, b))
        pairs = [(first, second), *((first, n) for n in numbers), *((n, second) for n in numbers), (first, b)]
        for x, y in pairs:
            assert same_bits(run("where", mask, x, y), np.where(c, x, y)), f"{lay_out}, seed {SEED}"


def test_where_with_broadcast_condition():
    a, b = whole_numbers(SHAPE), whole_numbers(SHAPE, seed=SEED + 1)
    for axis in range(3):
        c = np.broadcast_to(a.take([0], axis) > 0, SHAPE)
        np.testing.assert_array_equal(run("where", c, a, b), np.where(c, a, b))


# ---------------------------------------------------------------- reductions

REDUCED = [
    (9, 31, 33),
    (5000, 3),
    (3, 5000),
    (129, 64),
    (4099, 1),
    (1, 4100),
    (4200,),
    (16, 8, 6, 6),
    (2, 64, 7, 7),
    (16, 2, 3, 100),
    (257, 1, 33, 1),
]


@pytest.mark.parametrize("shape", REDUCED, ids=str)
def test_sum_over_every_set_of_axes(shape):
    x = whole_numbers(shape)
    for layout, lay_out in {**LAYOUTS, **REPEATED}.items():
        y = lay_out(x)
        for axis in [(), *subsets(len(shape))]:
            expected = np.sum(y.copy(), axis, keepdims=True)
            value = run("sum", y, axis=axis)
            assert value.shape == expected.shape and value.dtype == y.dtype
            np.testing.assert_array_equal(value, expected, err_msg=f"{layout}, axis {axis}")


@pytest.mark.parametrize(
    "shape, axis", [((100_000, 3), (0,)), ((3, 100_000), (1,)), ((1000, 4, 100), (0, 2)), ((300_000,), (0,))]
)
def test_sum_in_float32_keeps_its_digits(shape, axis):
    """Rounding errors of a hundred thousand addends do not pile up, in whatever order dense memory holds them."""
    x = np.random.default_rng(SEED).uniform(0.5, 1.5, shape).astype(np.float32)
    expected = x.astype(np.float64).sum(axis, keepdims=True)
    for layout in ("C", "Fortran", "channels last"):
        np.testing.assert_allclose(run("sum", LAYOUTS[layout](x), axis=axis), expected, 1e-6, err_msg=layout)


@pytest.mark.parametrize("dtype", ["i4", "u1", "?"])
def test_sum_of_integers_is_int64(dtype):
    x = (whole_numbers(SHAPE) > 0).astype(dtype)
    value = run("sum", x, axis=(0, 2))
    assert value.dtype == np.int64
    np.testing.assert_array_equal(value, x.astype(int).sum((0, 2), keepdims=True))


EXTREME = {  # conventions.md: pooling window all NaN or all -inf
    "ties": whole_numbers,
    "NaN": lambda shape: np.random.default_rng(SEED).choice([np.nan, 1.0, 2.0, 3.0, -1.0, 0.5, 5.0, 4.0], shape),
    "infinities": lambda shape: np.random.default_rng(SEED).choice([np.inf, -np.inf, 1.0], shape),
    "all NaN": lambda shape: np.full(shape, np.nan),
    "all -inf": lambda shape: np.full(shape, -np.inf),
    "signed zeros": lambda shape: np.random.default_rng(SEED).choice([-0.0, 0.0, -1.0], shape),
}


def argmax_by_table(x, axis):
    """Of each place: the values in row-major order of the reduced axes, and where the first maximum or NaN stands."""
    rest = [i for i in range(x.ndim) if i not in axis]
    table = np.transpose(x, [*rest, *axis]).copy().reshape([x.shape[i] for i in rest] + [-1])
    return table.argmax(-1).reshape([1 if i in axis else n for i, n in enumerate(x.shape)])


@pytest.mark.parametrize("values", EXTREME)
def test_max_and_argmax_over_every_set_of_axes(values):
    for shape in [(9, 31, 33), (600, 2, 4), (16, 8, 6, 6), (2, 3, 5, 200), (4200, 1)]:
        x = EXTREME[values](shape)
        for layout, lay_out in {**LAYOUTS, **REPEATED}.items():
            y = lay_out(x)
            for axis in subsets(len(shape)):
                message = f"{shape}, {layout}, axis {axis}, seed {SEED}"
                expected = y.copy().max(axis, keepdims=True)
                np.testing.assert_array_equal(run("max", y, axis=axis, ties="even"), expected, err_msg=message)
                place = run("argmax", y, axis=axis, dtype=np.dtype(np.int64))
                np.testing.assert_array_equal(place, argmax_by_table(y, axis), err_msg=message)


def test_argmax_counts_in_the_given_order_of_axes():
    x = whole_numbers((4, 3, 500))
    for axis in [(1, 0), (0, 1)]:
        place = run("argmax", x, axis=axis, dtype=np.dtype(np.uint8))
        assert place.dtype == np.uint8
        np.testing.assert_array_equal(place, argmax_by_table(x, axis))


@pytest.mark.parametrize("name", ["sum", "max"])
def test_windows_reduced_tap_by_tap(name):
    """What pooling does: overlapping windows, a view, reduced over the last two axes."""
    x = whole_numbers((4, 5, 20, 18))
    for lay_out in LAYOUTS.values():
        w = run("windows", lay_out(x), kernel=(3, 3), stride=(2, 1), dilation=(1, 2))
        params = {"ties": "first"} if name == "max" else {}
        expected = getattr(np, name)(np.array(w), (-2, -1), keepdims=True)
        np.testing.assert_array_equal(run(name, w, axis=(4, 5), **params), expected)


# ---------------------------------------------------------------- contractions in chunks

SPECS = [
    ("ncijuv,ocuv->noij", (4, 3, 5, 6, 2, 2), (7, 3, 2, 2)),
    ("ncijuv,noij->ocuv", (4, 3, 5, 6, 2, 2), (4, 7, 5, 6)),
    ("noij,ocuv->ncijuv", (4, 7, 5, 6), (7, 3, 2, 2)),
    ("ngcijuv,gocuv->ngoij", (3, 2, 3, 4, 4, 2, 2), (2, 5, 3, 2, 2)),
    ("ngcijuv,ngoij->gocuv", (3, 2, 3, 4, 4, 2, 2), (3, 2, 5, 4, 4)),
    ("ij,jk->ik", (40, 30), (30, 20)),
    ("bij,bjk->bik", (5, 10, 8), (5, 8, 6)),
    ("ij,ij->", (40, 30), (40, 30)),
    ("abc,abc->", (6, 7, 8), (6, 7, 8)),
    ("abc,ab->c", (6, 7, 8), (6, 7)),
    ("ij,j->i", (40, 30), (30,)),
]


@pytest.mark.parametrize("chunk", [1, 7, 64, 500])
@pytest.mark.parametrize("spec, a_shape, b_shape", SPECS, ids=[spec for spec, *_ in SPECS])
def test_contraction_in_chunks(monkeypatch, chunk, spec, a_shape, b_shape):
    monkeypatch.setattr(contraction, "CHUNK", chunk)
    a, b = whole_numbers(a_shape), whole_numbers(b_shape, seed=SEED + 1)
    for lay_a, lay_b in itertools.product([*LAYOUTS.values(), REPEATED["broadcast first axis"]], repeat=2):
        x, y = lay_a(a), lay_b(b)
        np.testing.assert_array_equal(run("contract", x, y, spec=spec), np.einsum(spec, x, y))


@pytest.mark.parametrize("chunk", [1, 50, 400, 3000])
@pytest.mark.parametrize("lay_out", LAYOUTS.values(), ids=LAYOUTS)
def test_windows_contracted_in_chunks(monkeypatch, chunk, lay_out):
    """A convolution and its two gradients, gathered piece by piece."""
    monkeypatch.setattr(contraction, "CHUNK", chunk)
    x, weight = whole_numbers((3, 2, 9, 8)), whole_numbers((4, 2, 3, 2), seed=SEED + 1)
    w = run("windows", lay_out(x), kernel=(3, 2), stride=(2, 1), dilation=(1, 2))
    plain = np.array(w)
    y = run("contract", w, lay_out(weight), spec="ncijuv,ocuv->noij")
    np.testing.assert_array_equal(y, np.einsum("ncijuv,ocuv->noij", plain, weight))
    g = lay_out(whole_numbers(y.shape, seed=SEED + 2))
    for spec, b in [
        ("ncijuv,noij->ocuv", g),
        ("ncijuv,ncijuv->", plain),
        ("ncijuv,ijuv->nc", plain[0, 0]),
        ("ncijuv,->ncijuv", np.array(2.0)),
    ]:
        np.testing.assert_array_equal(run("contract", w, b, spec=spec), np.einsum(spec, plain, b))


# ---------------------------------------------------------------- running sums


@pytest.mark.any_python
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_running_sums_do_not_stop_growing(dtype):
    """Where a sum has more digits than its dtype, adding 1 would not change it any more."""
    digits = np.finfo(dtype).nmant + 1
    n = 2 ** min(digits, 24) + 64
    ones = np.ones(n, dtype) if dtype == "float32" else np.full(n, 0.5, dtype)
    value = tg.tensor(ones).cumsum(0)
    assert value.dtype == dtype
    last = value[-1].item()
    assert last == np.asarray(n * float(ones[0])).astype(dtype)
    assert tg.jit(lambda x: x.cumsum(0))(tg.tensor(ones))[-1].item() == last


# ---------------------------------------------------------------- a large batch is its images one after another


@pytest.mark.parametrize("order", ["C", "channels last"])
def test_a_batch_is_its_images(monkeypatch, order):
    """Convolution, ReLU, overlapping max pooling: values and gradients of a batch are those of each image, exactly."""
    monkeypatch.setattr(contraction, "CHUNK", 1000)

    def network(x, weight):
        w = x.pad(((0, 0), (0, 0), (1, 1), (1, 1))).windows((3, 3), (1, 1), (1, 1))
        y = w.contract(weight, "ncijuv,ocuv->noij").relu()
        return y.windows((3, 3), (2, 2), (1, 1)).max((-2, -1), ties="first")

    def gradients(x, weight):
        x, weight = tg.Tensor._new(x).requires_grad_(), tg.Tensor._new(weight).requires_grad_()
        y = network(x, weight)
        y.backward(y.detach())
        return y.value, x.grad.value, weight.grad.value

    x, weight = LAYOUTS[order](whole_numbers((12, 3, 21, 19))), whole_numbers((5, 3, 3, 3), seed=SEED + 1)
    y, x_grad, weight_grad = gradients(x, weight)
    assert y.size > SMALL
    parts = [gradients(x[n : n + 1].copy(), weight) for n in range(len(x))]
    np.testing.assert_array_equal(y, np.concatenate([part[0] for part in parts]))
    np.testing.assert_array_equal(x_grad, np.concatenate([part[1] for part in parts]))
    np.testing.assert_array_equal(weight_grad, sum(part[2] for part in parts))
