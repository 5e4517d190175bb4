"""Convolution against loops over places, exactly: small integers in float64 leave no rounding to be forgiven."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional import oracles
from tests.functional.oracles import integers, value_and_gradients
from tinygrad_cv import DTypeError, ShapeError

SIZES = [(5, 5), (6, 6), (7, 7), (5, 7), (7, 6)]
C, O = 4, 8
Case = dict[str, Any]


def strided_cotangent(g: np.ndarray, how: str) -> tg.Tensor:
    """The same numbers in memory that is not contiguous, or not even larger than one number."""
    if how == "channels last":
        return tg.tensor(np.ascontiguousarray(g.transpose(0, 2, 3, 1))).permute(0, 3, 1, 2)
    if how == "reversed":
        return tg.tensor(g[:, ::-1, ::-1].copy()).flip((1, 2))
    if how == "every other":
        return tg.tensor(np.repeat(g, 2, 3))[..., ::2]
    return tg.tensor(g)


LAYOUTS = ["contiguous", "channels last", "reversed", "every other"]


def assert_conv2d_is_exact(case: Case, seed: int = 0, n: int = 2) -> None:
    rng = np.random.default_rng(seed)
    (h, w), kernel, groups = case["size"], case["kernel"], case["groups"]
    stride, padding, dilation = case["stride"], case["padding"], case["dilation"]
    x, weight, bias = integers(rng, n, C, h, w), integers(rng, O, C // groups, *kernel), integers(rng, O)
    pads = tuple((p, p) for p in padding)
    expected, pullback = oracles.conv2d(x, weight, stride, pads, dilation, groups)
    g = integers(rng, *expected.shape)
    cotangent = strided_cotangent(g, LAYOUTS[seed % len(LAYOUTS)])
    y, (gx, gweight, gbias) = value_and_gradients(
        lambda x, weight, bias: F.conv2d(x, weight, bias, stride, padding, dilation, groups),
        [x, weight, bias],
        cotangent,
    )
    expected_gx, expected_gweight = pullback(g)
    np.testing.assert_array_equal(y, expected + bias.reshape(-1, 1, 1), err_msg=f"output, {case}", strict=True)
    np.testing.assert_array_equal(gx, expected_gx, err_msg=f"gradient of x, {case}", strict=True)
    np.testing.assert_array_equal(gweight, expected_gweight, err_msg=f"gradient of weight, {case}", strict=True)
    np.testing.assert_array_equal(gbias, g.sum((0, 2, 3)), err_msg=f"gradient of bias, {case}", strict=True)


def pairs(values: Any) -> list[tuple[int, int]]:
    return list(itertools.product(values, values))


FACTORS: dict[str, list[Any]] = {
    "kernel": pairs((1, 2, 3)),
    "stride": pairs((1, 2, 3)),
    "padding": pairs((0, 1, 2)),
    "dilation": pairs((1, 2)),
    "groups": [1, 2, C],
    "size": SIZES,
}


def sample(factors: dict[str, list[Any]], extra: int, seed: int) -> list[Case]:
    """Random cases until every value of every factor has met every value of every other one, and some more."""
    choose = random.Random(seed)
    missing = {
        (a, b, i, j)
        for a, b in itertools.combinations(factors, 2)
        for i, j in itertools.product(range(len(factors[a])), range(len(factors[b])))
    }
    chosen = []
    while missing or extra:
        extra -= not missing
        candidates = []
        for _ in range(10):
            numbers = {name: choose.randrange(len(values)) for name, values in factors.items()}
            met = {(a, b, numbers[a], numbers[b]) for a, b in itertools.combinations(factors, 2)}
            candidates.append((len(met & missing), numbers, met))
        _, numbers, met = max(candidates, key=lambda candidate: candidate[0])
        missing -= met
        chosen.append({name: factors[name][i] for name, i in numbers.items()})
    return chosen


def test_conv2d_equals_loops_on_a_sample_in_which_every_two_settings_meet():
    for seed, case in enumerate(sample(FACTORS, extra=0, seed=1)):
        assert_conv2d_is_exact(case, seed)


@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_conv2d_equals_loops_on_all_square_settings(kernel, stride):
    rest = itertools.product((0, 1, 2), (1, 2), [1, 2, C], SIZES)
    for seed, (padding, dilation, groups, size) in enumerate(rest):
        settings = {"kernel": kernel, "stride": stride, "padding": padding, "dilation": dilation}
        case = {name: (value, value) for name, value in settings.items()}
        assert_conv2d_is_exact({**case, "groups": groups, "size": size}, seed)


def test_conv2d_equals_loops_on_many_rectangular_settings():
    for seed, case in enumerate(sample(FACTORS, extra=1500, seed=2)):
        assert_conv2d_is_exact(case, seed)


@pytest.mark.quick
def test_conv2d_of_numbers_and_of_pairs_is_the_same():
    rng = np.random.default_rng(0)
    x, w = tg.tensor(integers(rng, 2, C, 7, 7)), tg.tensor(integers(rng, O, C, 3, 3))
    np.testing.assert_array_equal(
        F.conv2d(x, w, None, 2, 1, 2).numpy(), F.conv2d(x, w, None, (2, 2), (1, 1), (2, 2)).numpy()
    )


# ---------------------------------------------------------------- padding by name


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_same_padding_gives_the_rounded_up_quotient_with_the_odd_zero_at_the_end(stride, dilation):
    rng = np.random.default_rng(stride)
    for size, kernel in itertools.product([(5, 7), (6, 5), (7, 7)], pairs((1, 2, 3))):
        x, w = integers(rng, 2, C, *size), integers(rng, O, C, *kernel)
        pads, wanted = oracles.same_pads(size, kernel, (stride, stride), (dilation, dilation))
        expected, pullback = oracles.conv2d(x, w, (stride, stride), pads, (dilation, dilation), 1)
        assert list(expected.shape[2:]) == wanted
        g = integers(rng, *expected.shape)
        y, gradients = value_and_gradients(
            lambda x, w: F.conv2d(x, w, None, stride, "same", dilation),
            [x, w],
            g,
        )
        np.testing.assert_array_equal(y, expected, strict=True)
        for gradient, expected_gradient in zip(gradients, pullback(g), strict=True):
            np.testing.assert_array_equal(gradient, expected_gradient, strict=True)


@pytest.mark.quick
def test_valid_padding_is_no_padding():
    rng = np.random.default_rng(0)
    x, w = tg.tensor(integers(rng, 1, 2, 5, 5)), tg.tensor(integers(rng, 3, 2, 3, 3))
    np.testing.assert_array_equal(F.conv2d(x, w, padding="valid").numpy(), F.conv2d(x, w).numpy(), strict=True)


# ---------------------------------------------------------------- the transpose


def assert_conv_transpose2d_is_exact(case: Case, seed: int) -> None:
    rng = np.random.default_rng(seed)
    (h, w), kernel, groups = case["size"], case["kernel"], case["groups"]
    stride, padding, dilation, extra = case["stride"], case["padding"], case["dilation"], case["output_padding"]
    x, weight = integers(rng, 2, C, h, w), integers(rng, C, O // groups, *kernel)
    bias = integers(rng, O)
    expected, pullback = oracles.conv_transpose2d(x, weight, stride, padding, extra, groups, dilation)
    g = integers(rng, *expected.shape)
    cotangent = strided_cotangent(g, LAYOUTS[seed % len(LAYOUTS)])
    y, (gx, gweight, gbias) = value_and_gradients(
        lambda x, weight, bias: F.conv_transpose2d(x, weight, bias, stride, padding, extra, groups, dilation),
        [x, weight, bias],
        cotangent,
    )
    expected_gx, expected_gweight = pullback(g)
    np.testing.assert_array_equal(y, expected + bias.reshape(-1, 1, 1), err_msg=f"output, {case}", strict=True)
    np.testing.assert_array_equal(gx, expected_gx, err_msg=f"gradient of x, {case}", strict=True)
    np.testing.assert_array_equal(gweight, expected_gweight, err_msg=f"gradient of weight, {case}", strict=True)
    np.testing.assert_array_equal(gbias, g.sum((0, 2, 3)), err_msg=f"gradient of bias, {case}", strict=True)


def allowed(case: Case) -> bool:
    """Less output padding than stride or dilation, and something left of the output."""
    axes = zip(
        *(case[name] for name in ("size", "kernel", "stride", "padding", "dilation", "output_padding")), strict=True
    )
    return all(e < max(s, d) and (n - 1) * s - 2 * p + d * (k - 1) + e + 1 > 0 for n, k, s, p, d, e in axes)


def test_conv_transpose2d_equals_loops_on_a_sample_in_which_every_two_settings_meet():
    factors = {**FACTORS, "output_padding": pairs((0, 1))}
    cases = [case for case in sample(factors, extra=0, seed=3) if allowed(case)]
    for seed, case in enumerate(cases):
        assert_conv_transpose2d_is_exact(case, seed)
    assert len(cases) > 60


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("output_padding", [0, 1, 2])
def test_conv_transpose2d_equals_loops_on_all_square_settings(stride, output_padding):
    rest = itertools.product((1, 2, 3), (0, 1, 2), (1, 2, 3), [1, 2, C], [(2, 3), (4, 4)])
    for seed, (kernel, padding, dilation, groups, size) in enumerate(rest):
        settings = {
            "kernel": kernel,
            "stride": stride,
            "padding": padding,
            "dilation": dilation,
            "output_padding": output_padding,
        }
        case = {**{name: (value, value) for name, value in settings.items()}, "groups": groups, "size": size}
        if allowed(case):
            assert_conv_transpose2d_is_exact(case, seed)


@pytest.mark.quick
@pytest.mark.parametrize("groups", [1, 2])
def test_conv_transpose2d_is_the_adjoint_of_conv2d(groups):
    rng = np.random.default_rng(0)
    x, w = tg.tensor(integers(rng, 2, C, 7, 7)), tg.tensor(integers(rng, O, C // groups, 3, 3))
    y = F.conv2d(x, w, None, 2, 1, 1, groups)
    z = tg.tensor(integers(rng, *y.shape))
    back = F.conv_transpose2d(z, w, None, 2, 1, 0, groups)
    assert back.shape == x.shape
    assert (y * z).sum().item() == (x * back).sum().item()


# ---------------------------------------------------------------- linear


@pytest.mark.quick
@pytest.mark.parametrize("lead", [(), (5,), (2, 3), (2, 1, 4), (0,), (2, 0)])
def test_linear_maps_the_last_axis_whatever_stands_before_it(lead):
    rng = np.random.default_rng(0)
    x, w, b = integers(rng, *lead, 3), integers(rng, 4, 3), integers(rng, 4)
    g = integers(rng, *lead, 4)
    y, (gx, gw, gb) = value_and_gradients(F.linear, [x, w, b], g)
    np.testing.assert_array_equal(y, x @ w.T + b, strict=True)
    np.testing.assert_array_equal(gx, g @ w, strict=True)
    np.testing.assert_array_equal(gw, g.reshape(-1, 4).T @ x.reshape(-1, 3), strict=True)
    np.testing.assert_array_equal(gb, g.reshape(-1, 4).sum(0), strict=True)


@pytest.mark.quick
def test_linear_without_features_is_the_bias():
    y = F.linear(tg.ones(2, 5, 0), tg.ones(3, 0), tg.tensor([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(y.numpy(), np.broadcast_to(np.float32([1, 2, 3]), (2, 5, 3)), strict=True)


# ---------------------------------------------------------------- large operands, that are worked on piece by piece


@pytest.mark.parametrize("seed", range(6))
def test_conv2d_of_many_images_equals_loops(seed):
    larger = {**FACTORS, "kernel": [(3, 3), (2, 3), (5, 5)], "size": [(19, 20), (24, 17)]}
    assert_conv2d_is_exact(sample(larger, extra=0, seed=seed)[0], seed, n=128)


def test_a_convolution_of_many_elements_equals_that_of_its_images():
    rng = np.random.default_rng(0)
    x, w = integers(rng, 24, 16, 40, 40, dtype=np.float32), integers(rng, 8, 16, 3, 3, dtype=np.float32)
    g = integers(rng, 24, 8, 40, 40, dtype=np.float32)
    y, (gx, gw) = value_and_gradients(lambda x, w: F.conv2d(x, w, padding=1), [x, w], g)
    total = np.zeros_like(gw)
    for n in range(len(x)):
        one, (gx_one, gw_one) = value_and_gradients(
            lambda x, w: F.conv2d(x, w, padding=1), [x[n : n + 1], w], g[n : n + 1]
        )
        np.testing.assert_array_equal(y[n : n + 1], one)
        np.testing.assert_array_equal(gx[n : n + 1], gx_one)
        total += gw_one
    np.testing.assert_array_equal(gw, total)


# ---------------------------------------------------------------- what does not fit


def images(c: int = 4, h: int = 5, w: int = 5) -> tg.Tensor:
    return tg.ones(1, c, h, w)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: F.conv2d(tg.ones(5, 5), tg.ones(8, 4, 3, 3)), ["(5, 5)", "4 or 3 axes", "N x C x H x W"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3)), ["(8, 4, 3)", "4 axes", "Cout x C/groups x Kh x Kw"]),
        (lambda: F.conv2d(images(4), tg.ones(8, 3, 3, 3)), ["4 channels", "(8, 3, 3, 3)", "must be C / groups = 4"]),
        (lambda: F.conv2d(images(4), tg.ones(8, 4, 3, 3), groups=2), ["4 channels", "groups=2", "= 2, but is 4"]),
        (
            lambda: F.conv2d(images(4), tg.ones(8, 4, 3, 3), groups=3),
            ["groups=3", "4 input and 8 output", "divide both"],
        ),
        (
            lambda: F.conv2d(images(4), tg.ones(6, 1, 3, 3), groups=4),
            ["groups=4", "4 input and 6 output", "divide both"],
        ),
        (lambda: F.conv2d(images(4), tg.ones(8, 4, 3, 3), groups=0), ["groups=0", "divide both"]),
        (lambda: F.conv2d(images(4), tg.ones(8, 4, 3, 3), tg.ones(4)), ["bias of shape (4,)", "must be (8,)"]),
        (lambda: F.conv2d(images(4), tg.ones(8, 4, 3, 3), tg.ones(8, 1)), ["bias of shape (8, 1)", "must be (8,)"]),
        (lambda: F.conv2d(images(h=5), tg.ones(8, 4, 7, 3)), ["kernel of 7", "size 5", "H' = floor(", "pad more"]),
        (
            lambda: F.conv2d(images(w=5), tg.ones(8, 4, 3, 9), padding=1),
            ["kernel of 9", "size 5 with padding 1 + 1", "of 7"],
        ),
        (
            lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), dilation=3),
            ["kernel of 3", "spans 7", "input of 5", "smaller"],
        ),
        (lambda: F.conv2d(images(h=0), tg.ones(8, 4, 1, 1)), ["kernel of 1", "size 0"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 0, 3)), ["kernel=(0, 3)", "at least 1"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), stride=0), ["stride=0", "at least 1"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), stride=(1, 2, 3)), ["stride=(1, 2, 3)", "pair of integers"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), stride=1.5), ["stride=1.5", "integer"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), dilation=0), ["dilation=0", "at least 1"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), padding=-1), ["padding=-1", "at least 0"]),
        (lambda: F.conv2d(images(), tg.ones(8, 4, 3, 3), padding="full"), ["padding='full'", "'same' or 'valid'"]),
        (lambda: F.conv_transpose2d(images(4), tg.ones(3, 8, 3, 3)), ["4 channels", "(3, 8, 3, 3)", "C = 4"]),
        (
            lambda: F.conv_transpose2d(images(4), tg.ones(4, 8, 3, 3), groups=3),
            ["groups=3", "4 input and 24", "divide both"],
        ),
        (lambda: F.conv_transpose2d(images(), tg.ones(4, 8, 3, 3), tg.ones(3)), ["bias of shape (3,)", "must be (8,)"]),
        (
            lambda: F.conv_transpose2d(images(), tg.ones(4, 8, 3, 3), output_padding=1),
            ["output_padding=1", "stride (1)"],
        ),
        (
            lambda: F.conv_transpose2d(images(), tg.ones(4, 8, 3, 3), padding=4),
            ["padding=4", "H' = (H - 1)S", "7 - 2*4"],
        ),
        (lambda: F.conv_transpose2d(images(), tg.ones(4, 8, 3, 3), stride=0), ["stride=0", "at least 1"]),
        (lambda: F.linear(tg.ones(2, 5), tg.ones(4, 3)), ["(2, 5)", "5 features", "takes 3", "in_features=5"]),
        (lambda: F.linear(tg.ones(()), tg.ones(4, 3)), ["no features", "takes 3"]),
        (lambda: F.linear(tg.ones(2, 5), tg.ones(1, 4, 5)), ["weight of shape (1, 4, 5)", "D' x D, or D"]),
        (lambda: F.linear(tg.ones(2, 5), tg.ones(4)), ["(2, 5)", "5 features", "takes 4"]),
        (lambda: F.linear(tg.ones(2, 5), tg.ones(5), tg.ones(1)), ["bias of shape (1,)", "must be ()"]),
        (lambda: F.linear(tg.ones(2, 3), tg.ones(4, 3), tg.ones(3)), ["bias of shape (3,)", "must be (4,)"]),
    ],
)
def test_shapes_that_do_not_fit_are_named_with_both_numbers_and_a_remedy(call, words):
    with pytest.raises(ShapeError) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.quick
def test_the_error_says_which_function_it_was():
    with pytest.raises(ShapeError, match=r"\(in conv2d\)"):
        F.conv2d(images(4), tg.ones(8, 3, 3, 3))


@pytest.mark.quick
@pytest.mark.parametrize("function", [F.conv2d, F.conv_transpose2d])
def test_integer_images_are_refused_with_the_conversion(function):
    with pytest.raises(DTypeError, match=r"uint8.*astype\('float32'\)"):
        function(tg.tensor(np.ones((1, 1, 4, 4), np.uint8)), tg.ones(1, 1, 3, 3))


@pytest.mark.quick
@pytest.mark.parametrize(
    "call",
    [
        lambda x, w: F.conv2d(x.reshape(1, 1, 3, 3), w.reshape(1, 1, 3, 3)),
        lambda x, w: F.conv_transpose2d(x.reshape(1, 1, 3, 3), w.reshape(1, 1, 3, 3)),
        lambda x, w: F.linear(x, w.reshape(1, 9)),
    ],
)
def test_two_kinds_of_floats_do_not_mix_silently(call):
    with pytest.raises(DTypeError, match=r"float32 and float64.*astype"):
        call(tg.ones(9), tg.ones(9, dtype="float64"))
