"""Normalization: the axes of the definitions, identities, running averages, and numbers that cost others digits."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients
from tinygrad_cv import DTypeError, ShapeError

N, C, H, W = 3, 4, 2, 5


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def formula(x: np.ndarray, axes: tuple[int, ...], eps: float = 1e-5) -> np.ndarray:
    x = np.asarray(x, np.float64)
    d = x - x.mean(axes, keepdims=True)
    return d / np.sqrt((d * d).mean(axes, keepdims=True) + eps)


def instance(x, weight, bias):
    return F.instance_norm(x, weight=weight, bias=bias)


def assert_same(one, other, inputs, shape):
    """Two functions have the same values and, for a random cotangent, the same gradients."""
    cotangent = normal(*shape, seed=9)
    (y, gradients), (z, others) = (value_and_gradients(function, inputs, cotangent) for function in (one, other))
    for a, b in zip([y, *gradients], [z, *others], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


# ---------------------------------------------------------------- the axes


@pytest.mark.quick
@pytest.mark.parametrize(
    ("function", "shape", "axes"),
    [
        (F.batch_norm, (6, C), (0,)),
        (F.batch_norm, (N, C, H), (0, 2)),
        (F.batch_norm, (N, C, H, W), (0, 2, 3)),
        (F.batch_norm, (2, C, 2, 3, 2), (0, 2, 3, 4)),
        (functools.partial(F.layer_norm, normalized_shape=C), (6, C), (1,)),
        (functools.partial(F.layer_norm, normalized_shape=(C, H, W)), (N, C, H, W), (1, 2, 3)),
        (functools.partial(F.layer_norm, normalized_shape=[H, W]), (N, C, H, W), (2, 3)),
        (F.instance_norm, (N, C, H, W), (2, 3)),
        (F.instance_norm, (N, C, W), (2,)),
        (functools.partial(F.standardize, axes=(0, 3)), (N, C, H, W), (0, 3)),
        (functools.partial(F.standardize, axes=-1), (N, C), (1,)),
    ],
)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_the_mean_and_the_biased_variance_are_taken_over_the_axes_of_the_definition(function, shape, axes, eps):
    x = normal(*shape)
    np.testing.assert_allclose(function(tg.tensor(x), eps=eps).numpy(), formula(x, axes, eps), rtol=0, atol=1e-14)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("groups", "shape"), [(1, (N, C)), (2, (N, C)), (4, (N, C, W)), (1, (N, C, H, W)), (2, (N, C, H, W))]
)
def test_group_normalization_is_over_the_channels_of_a_group(groups, shape):
    x = normal(*shape)
    expected = formula(x.reshape(N, groups, -1), (2,)).reshape(shape)
    np.testing.assert_allclose(F.group_norm(tg.tensor(x), groups).numpy(), expected, rtol=0, atol=1e-14)


@pytest.mark.quick
@pytest.mark.parametrize("function", [F.batch_norm, F.instance_norm, functools.partial(F.group_norm, num_groups=2)])
def test_weight_multiplies_and_bias_adds_for_each_channel(function):
    x, weight, bias = normal(N, C, H, W), normal(C, seed=1), normal(C, seed=2)
    plain = function(tg.tensor(x)).numpy()
    y = function(tg.tensor(x), weight=tg.tensor(weight), bias=tg.tensor(bias)).numpy()
    np.testing.assert_allclose(y, weight.reshape(-1, 1, 1) * plain + bias.reshape(-1, 1, 1), rtol=0, atol=1e-14)
    for only in ({"weight": tg.tensor(weight)}, {"bias": tg.tensor(bias)}):
        assert function(tg.tensor(x), **only).shape == x.shape


@pytest.mark.quick
def test_the_gradients_of_weight_and_bias_are_sums_over_what_they_touch():
    x, g = normal(N, C, H, W), normal(N, C, H, W, seed=3)
    _, (_, gweight, gbias) = value_and_gradients(
        lambda x, w, b: F.batch_norm(x, None, None, w, b), [x, normal(C, seed=1), normal(C, seed=2)], g
    )
    np.testing.assert_allclose(gweight, (g * formula(x, (0, 2, 3))).sum((0, 2, 3)), rtol=0, atol=1e-13)
    np.testing.assert_allclose(gbias, g.sum((0, 2, 3)), rtol=0, atol=1e-13)


@pytest.mark.quick
def test_the_gradient_is_orthogonal_to_what_normalization_removes():
    """Adding a constant or scaling x (eps = 0) leaves y as it was: the gradient has no part along 1 or along x."""
    x = normal(N, C, H, W)
    _, (gx,) = value_and_gradients(lambda x: F.batch_norm(x, eps=0.0), [x], normal(N, C, H, W, seed=1))
    np.testing.assert_allclose(gx.sum((0, 2, 3)), 0, rtol=0, atol=1e-13)
    np.testing.assert_allclose((gx * x).sum((0, 2, 3)), 0, rtol=0, atol=1e-13)


# ---------------------------------------------------------------- identities


@pytest.mark.quick
def test_group_normalization_with_one_channel_a_group_is_instance_normalization():
    inputs = [normal(N, C, H, W), normal(C, seed=1), normal(C, seed=2)]
    assert_same(lambda x, w, b: F.group_norm(x, C, w, b), instance, inputs, (N, C, H, W))


@pytest.mark.quick
def test_group_normalization_with_one_group_is_layer_normalization_over_channels_and_places():
    assert_same(lambda x: F.group_norm(x, 1), lambda x: F.layer_norm(x, (C, H, W)), [normal(N, C, H, W)], (N, C, H, W))


@pytest.mark.quick
def test_batch_normalization_of_one_image_is_instance_normalization():
    inputs = [normal(1, C, H, W), normal(C, seed=1), normal(C, seed=2)]
    assert_same(lambda x, w, b: F.batch_norm(x, None, None, w, b), instance, inputs, (1, C, H, W))


@pytest.mark.quick
def test_batch_normalization_of_images_is_that_of_their_pixels():
    def by_pixels(x, w, b):
        pixels = x.permute(0, 2, 3, 1).reshape(-1, C)  # n c h w -> (n h w) c
        return F.batch_norm(pixels, None, None, w, b).reshape(N, H, W, C).permute(0, 3, 1, 2)

    inputs = [normal(N, C, H, W), normal(C, seed=1), normal(C, seed=2)]
    assert_same(lambda x, w, b: F.batch_norm(x, None, None, w, b), by_pixels, inputs, (N, C, H, W))


@pytest.mark.quick
def test_the_weight_sigma_and_the_bias_mu_give_the_input_back():
    x = normal(N, C, H, W) * 3 + 2
    mu, sigma = x.mean((0, 2, 3)), np.sqrt(x.var((0, 2, 3)) + 1e-5)
    y = F.batch_norm(tg.tensor(x), weight=tg.tensor(sigma), bias=tg.tensor(mu))
    np.testing.assert_allclose(y.numpy(), x, rtol=0, atol=1e-14)


# ---------------------------------------------------------------- running averages

# who, share of the new, is the variance unbiased, where it starts
FORMULAS = [
    ("pytorch", 0.1, True, 1.0),
    ("onnx", 0.1, False, 1.0),
    ("keras", 0.01, False, 1.0),
    ("eecs498", 0.1, False, 0.0),
]


@pytest.mark.quick
@pytest.mark.parametrize(("who", "momentum", "unbiased", "start"), FORMULAS, ids=[row[0] for row in FORMULAS])
def test_running_averages_follow_each_of_the_four_formulas(who, momentum, unbiased, start):
    mean, var = tg.zeros(C, dtype="float64"), tg.full((C,), start, "float64")
    expected_mean, expected_var = np.zeros(C), np.full(C, start)
    for step in range(4):
        x = normal(N, C, H, W, seed=step) * (step + 1) + step
        F.batch_norm(tg.tensor(x), mean, var, training=True, momentum=momentum, unbiased=unbiased)
        expected_mean = (1 - momentum) * expected_mean + momentum * x.mean((0, 2, 3))
        expected_var = (1 - momentum) * expected_var + momentum * x.var((0, 2, 3), ddof=int(unbiased))
    np.testing.assert_allclose(mean.numpy(), expected_mean, rtol=1e-14)
    np.testing.assert_allclose(var.numpy(), expected_var, rtol=1e-14)


@pytest.mark.quick
def test_unless_told_otherwise_a_tenth_of_the_new_unbiased_variance_is_taken():
    mean, var = tg.zeros(1, dtype="float64"), tg.ones(1, dtype="float64")
    F.batch_norm(tg.tensor(np.array([[1.0], [3.0]])), mean, var, training=True)
    assert mean.tolist() == pytest.approx([0.2]) and var.tolist() == pytest.approx([0.9 + 0.1 * 2.0])


@pytest.mark.quick
def test_at_test_time_the_averages_normalize_and_stay_as_they_are():
    x, mean, var = normal(N, C, H, W), normal(C, seed=1), normal(C, seed=2) ** 2
    running = tg.tensor(mean), tg.tensor(var)
    y = F.batch_norm(tg.tensor(x), *running)
    shape = (1, C, 1, 1)
    expected = (x - mean.reshape(shape)) / np.sqrt(var.reshape(shape) + 1e-5)
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-13)
    np.testing.assert_array_equal(running[0].numpy(), mean)
    np.testing.assert_array_equal(running[1].numpy(), var)


@pytest.mark.quick
def test_one_image_and_one_value_a_channel_are_no_matter_at_test_time():
    y = F.batch_norm(tg.ones(1, 2), tg.zeros(2), tg.ones(2), eps=0.0)
    assert y.tolist() == [[1.0, 1.0]]


@pytest.mark.quick
def test_averages_do_not_enter_the_graph():
    mean, var = tg.zeros(C, dtype="float64"), tg.ones(C, dtype="float64")
    x = tg.tensor(normal(N, C), requires_grad=True)
    F.batch_norm(x, mean, var, training=True)
    assert not mean.requires_grad and not var.requires_grad and mean.numpy().any()


@pytest.mark.quick
def test_an_empty_batch_teaches_nothing_and_makes_no_nan():
    mean, var = tg.tensor([1.0, 2.0]), tg.tensor([3.0, 4.0])
    weight, bias = tg.ones(2, requires_grad=True), tg.zeros(2, requires_grad=True)
    for shape in ((0, 2), (0, 2, 3, 3), (4, 2, 0, 3)):
        y = F.batch_norm(tg.zeros(*shape), mean, var, weight, bias, training=True)
        assert y.shape == shape
        y.backward(tg.zeros(*shape))
    assert mean.tolist() == [1.0, 2.0] and var.tolist() == [3.0, 4.0]
    assert weight.grad.tolist() == [0.0, 0.0] and bias.grad.tolist() == [0.0, 0.0]
    for function in (lambda x: F.layer_norm(x, 2), lambda x: F.group_norm(x, 1)):
        assert function(tg.zeros(0, 2)).shape == (0, 2)
    assert F.instance_norm(tg.zeros(0, 2, 3, 3)).shape == (0, 2, 3, 3)


@pytest.mark.quick
def test_running_averages_of_instances_are_means_over_the_images():
    mean, var = tg.tensor(normal(C)), tg.tensor(normal(C, seed=1) ** 2)
    x = normal(N, C, H, W, seed=2) * 3
    expected_mean = 0.7 * mean.numpy() + 0.3 * x.mean((2, 3)).mean(0)
    expected_var = 0.7 * var.numpy() + 0.3 * x.var((2, 3), ddof=1).mean(0)
    y = F.instance_norm(tg.tensor(x), mean, var, momentum=0.3)
    np.testing.assert_allclose(mean.numpy(), expected_mean, rtol=1e-14)
    np.testing.assert_allclose(var.numpy(), expected_var, rtol=1e-14)
    np.testing.assert_allclose(y.numpy(), formula(x, (2, 3)), rtol=0, atol=1e-14)
    one = F.instance_norm(tg.tensor(x[:1]), mean, var, use_input_stats=False)
    same = F.batch_norm(tg.tensor(x[:1]), mean, var)
    np.testing.assert_array_equal(one.numpy(), same.numpy())
    before = mean.numpy().copy()
    F.instance_norm(tg.zeros(0, C, H, dtype="float64"), mean, var)
    np.testing.assert_array_equal(mean.numpy(), before)
    with pytest.raises(ValueError, match="use_input_stats=False without running_mean and running_var"):
        F.instance_norm(tg.tensor(x), use_input_stats=False)


@pytest.mark.quick
@pytest.mark.parametrize("scale", [1.0, 1e20, 1e37])
def test_the_root_mean_square_of_numbers_whose_squares_overflow_is_right(scale):
    x, g = np.float32([[1, -2, 4]]) * np.float32(scale), np.float32([[0.3, -1, 2]])
    y, (gx,) = value_and_gradients(lambda x: F.rms_norm(x, 3, eps=0.0), [x], g)
    expected, (slope,) = value_and_gradients(lambda x: F.rms_norm(x, 3, eps=0.0), [np.float64(x)], np.float64(g))
    np.testing.assert_allclose(expected, np.float64(x) / math.sqrt(7) / scale, rtol=1e-6)
    np.testing.assert_allclose(y, expected, rtol=1e-6)
    np.testing.assert_allclose(np.float64(gx) * scale, slope * scale, rtol=0, atol=1e-6)


@pytest.mark.quick
def test_the_unit_of_a_root_mean_square_is_that_of_the_dtype():
    for dtype in ("float32", "float64"):
        x = np.full((1, 2), 1e-6, dtype)
        found = F.rms_norm(tg.tensor(x), 2).numpy()
        np.testing.assert_allclose(found, x / np.sqrt(1e-12 + float(np.finfo(dtype).eps)), rtol=1e-6)


# ---------------------------------------------------------------- numbers

NORMS = {
    "batch": lambda x: F.batch_norm(x.reshape(1, -1).permute(1, 0)).reshape(-1),
    "batch of images": lambda x: F.batch_norm(x.reshape(1, 1, 4, -1)).reshape(-1),
    "layer": lambda x: F.layer_norm(x.reshape(1, -1), x.size).reshape(-1),
    "instance": lambda x: F.instance_norm(x.reshape(1, 1, -1)).reshape(-1),
    "group": lambda x: F.group_norm(x.reshape(1, 4, -1), 1).reshape(-1),
}


@pytest.mark.quick
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("mean", [0.0, 1e3, 1e5, 1e6, -1e6])
def test_a_large_mean_costs_no_digits(name, mean):
    for length, bound in ((8, 2e-7), (64, 2e-7), (4096, 4e-7)):
        # in a long row four roundings may add up: of x - μ, σ, 1/σ and their product, each 2⁻²⁴ of results up to 1.7
        x = np.float32(mean + np.arange(length) * 1e-3)
        y = NORMS[name](tg.tensor(x)).numpy()
        assert np.abs(y - formula(x, (0,))).max() <= bound, length


@pytest.mark.quick
@pytest.mark.parametrize("name", NORMS)
@pytest.mark.parametrize("mean", [1e3, 1e5, 1e6])
def test_a_large_mean_costs_the_gradient_no_digits_either(name, mean):
    x = np.float32(mean + np.arange(64) * 1e-3)
    g = np.float32(normal(64))
    _, (gx,) = value_and_gradients(NORMS[name], [x], g)
    _, (expected,) = value_and_gradients(NORMS[name], [np.float64(x)], np.float64(g))
    sigma = math.sqrt(np.float64(x).var() + 1e-5)
    assert np.abs(gx - expected).max() <= 8 * 2.0**-24 * np.abs(g).max() / sigma


@pytest.mark.quick
def test_an_outlier_costs_the_others_no_digits():
    for place in (0, 7):
        x = np.float32(normal(64))
        x[place] = 1e4
        assert np.abs(F.layer_norm(tg.tensor(x), 64).numpy() - formula(x, (0,))).max() <= 1e-6  # of values up to 8


@pytest.mark.quick
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_elements_give_exactly_zero_however_many_and_however_large(dtype):
    for n, side in ((2, 1), (5, 1), (16, 7), (17, 7), (20, 3), (25, 16), (47, 1), (333, 1)):
        for channels in ([1e8, -1e8], [0.1, -1 / 3], [123456.7, 1e30]):
            x = np.broadcast_to(np.array(channels, dtype).reshape(1, 2, 1, 1), (n, 2, side, side)).copy()
            assert not F.batch_norm(tg.tensor(x)).numpy().any()
            assert not F.layer_norm(tg.tensor(x.transpose(1, 2, 3, 0)), n).numpy().any()
            if side > 1:
                assert not F.instance_norm(tg.tensor(x)).numpy().any()


@pytest.mark.quick
def test_equal_elements_have_the_gradient_of_the_formula():
    g = normal(5, 2)
    _, (gx,) = value_and_gradients(F.batch_norm, [np.full((5, 2), 1e8)], g)
    np.testing.assert_allclose(gx, (g - g.mean(0)) / math.sqrt(1e-5), rtol=1e-13)


@pytest.mark.quick
@pytest.mark.parametrize("scale", [1e12, 1e20, 1e30, 1e37])
def test_numbers_whose_squares_overflow_are_normalized_right(scale):
    x = np.float32([[1, 2, 3]]) * np.float32(scale)
    expected = formula(x, (1,), 0.0)
    for y in (F.layer_norm(tg.tensor(x), 3), F.batch_norm(tg.tensor(x.T)).permute(1, 0), F.group_norm(tg.tensor(x), 1)):
        np.testing.assert_allclose(y.numpy(), expected, rtol=0, atol=2e-7)


@pytest.mark.quick
def test_the_gradient_of_numbers_whose_squares_overflow_is_right_too():
    x, g = np.float32([[1, 2, 4]]), np.float32([[0.3, -1, 2]])
    _, (gx,) = value_and_gradients(lambda x: F.layer_norm(x, 3), [x * np.float32(2.0**100)], g)
    _, (expected,) = value_and_gradients(lambda x: F.layer_norm(x, 3, eps=0.0), [np.float64(x)], np.float64(g))
    np.testing.assert_allclose(np.float64(gx) * 2.0**100, expected, rtol=0, atol=1e-6)


@pytest.mark.quick
def test_one_overflowing_channel_does_not_disturb_the_others():
    x = np.float32(normal(6, 2))
    x[:, 1] *= np.float32(1e30)
    y = F.batch_norm(tg.tensor(x)).numpy()
    np.testing.assert_array_equal(y[:, :1], F.batch_norm(tg.tensor(x[:, :1].copy())).numpy())
    np.testing.assert_allclose(y[:, 1], formula(x[:, 1], (0,), 0.0), rtol=0, atol=4e-7)


@pytest.mark.quick
def test_running_averages_beside_an_overflowing_channel_are_right():
    x = np.float32(normal(6, 3)) * np.float32([1.0, 1e15, 1e30])
    mean, var = tg.zeros(3), tg.zeros(3)
    F.batch_norm(tg.tensor(x), mean, var, training=True, momentum=1.0)
    exact = np.float64(x)
    np.testing.assert_allclose(mean.numpy(), exact.mean(0), rtol=1e-6)
    np.testing.assert_allclose(var.numpy()[:2], exact.var(0, ddof=1)[:2], rtol=1e-6)
    assert var.numpy()[2] == math.inf  # 1e60 is no float32


@pytest.mark.quick
def test_nan_stays_in_its_channel():
    x = normal(4, 2)
    x[2, 1] = math.nan
    y = F.batch_norm(tg.tensor(x)).numpy()
    assert np.isnan(y[:, 1]).all()
    np.testing.assert_allclose(y[:, 0], formula(x[:, 0], (0,)), rtol=0, atol=1e-15)


# ---------------------------------------------------------------- what does not fit, and that nothing has changed then


@pytest.mark.quick
@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, v: F.batch_norm(tg.ones(1, 3), m, v, training=True), ["(1, 3)", "one value per channel", "eval()"]),
        (lambda m, v: F.batch_norm(tg.ones(1, 3, 1, 1), m, v, training=True), ["(1, 3, 1, 1)", "larger batch"]),
        (
            lambda m, v: F.batch_norm(tg.ones(4, 2), m, v, training=True),
            ["running_mean of shape (3,)", "(4, 2)", "be (2,)"],
        ),
        (
            lambda m, v: F.batch_norm(tg.ones(4, 3), m, v, tg.ones(2), training=True),
            ["weight of shape (2,)", "be (3,)"],
        ),
        (lambda m, v: F.batch_norm(tg.ones(4, 3), m, v, None, tg.ones(3, 1), training=True), ["bias of shape (3, 1)"]),
        (lambda m, v: F.batch_norm(tg.ones(4), m, v, training=True), ["(4,)", "N x D or N x C"]),
        (lambda m, v: F.layer_norm(tg.ones(2, 3), 4), ["(2, 3)", "normalized_shape=(4,)"]),
        (lambda m, v: F.layer_norm(tg.ones(2, 3), (4, 2, 3)), ["(2, 3)", "normalized_shape=(4, 2, 3)"]),
        (lambda m, v: F.layer_norm(tg.ones(2, 3), ()), ["normalized_shape=()"]),
        (lambda m, v: F.layer_norm(tg.ones(2, 3), 3, tg.ones(2)), ["weight of shape (2,)", "normalized_shape=(3,)"]),
        (lambda m, v: F.instance_norm(tg.ones(2, 3)), ["(2, 3)", "N x C x ..."]),
        (lambda m, v: F.instance_norm(tg.ones(2, 3, 1, 1)), ["(2, 3, 1, 1)", "one value per channel"]),
        (
            lambda m, v: F.instance_norm(tg.ones(2, 3, 4), weight=tg.ones(2)),
            ["weight of shape (2,)", "(2, 3, 4)", "be (3,)"],
        ),
        (lambda m, v: F.group_norm(tg.ones(2, 4, 3), 3), ["(2, 4, 3)", "num_groups=3", "divide"]),
        (lambda m, v: F.group_norm(tg.ones(2, 4, 3), 0), ["num_groups=0", "at least 1"]),
        (lambda m, v: F.group_norm(tg.ones(2, 4, 3), "2"), ["num_groups='2'", "an integer"]),
        (lambda m, v: F.layer_norm(tg.ones(2, 4), "4"), ["(2, 4)", "normalized_shape='4'"]),
        (lambda m, v: F.layer_norm(tg.ones(2, 4), 4.0), ["normalized_shape=4.0"]),
        (lambda m, v: F.rms_norm(tg.ones(2, 4), 3), ["(2, 4)", "normalized_shape=(3,)"]),
        (lambda m, v: F.rms_norm(tg.ones(2, 4), 4, tg.ones(2)), ["weight of shape (2,)", "normalized_shape=(4,)"]),
        (lambda m, v: F.local_response_norm(tg.ones(2, 4), 3), ["(2, 4)", "N x C x L"]),
        (lambda m, v: F.local_response_norm(tg.ones(2, 4, 3), 0), ["size=0", "at least 1"]),
        (lambda m, v: F.instance_norm(tg.ones(2, 4, 3), m, v), ["running_mean of shape (3,)", "(2, 4, 3)", "be (4,)"]),
        (lambda m, v: F.group_norm(tg.ones(2, 4, 3), 2, None, tg.ones(2)), ["bias of shape (2,)", "be (4,)"]),
    ],
)
def test_input_that_does_not_fit_is_an_error_that_leaves_the_averages_alone(call, words):
    mean, var = tg.tensor([1.0, 2.0, 3.0]), tg.tensor([4.0, 5.0, 6.0])
    with pytest.raises(ShapeError) as caught:
        call(mean, var)
    for word in words:
        assert word in str(caught.value)
    assert mean.tolist() == [1.0, 2.0, 3.0] and var.tolist() == [4.0, 5.0, 6.0]


@pytest.mark.quick
@pytest.mark.parametrize("wrong", ["mean", "var"])
def test_averages_of_another_dtype_are_an_error_before_either_has_changed(wrong):
    mean = tg.zeros(2, dtype="float64" if wrong == "mean" else "float32")
    var = tg.ones(2, dtype="float64" if wrong == "var" else "float32")
    with pytest.raises(DTypeError, match="float32"):
        F.batch_norm(tg.tensor(np.float32(normal(4, 2))), mean, var, training=True)
    assert mean.tolist() == [0.0, 0.0] and var.tolist() == [1.0, 1.0]
