"""Dropout: how many, by what factor, the same ones in the gradient, and again the same from the same seed."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients

pytestmark = pytest.mark.quick
BOTH = [F.dropout, F.dropout2d]
LIKE_IMAGES = [*BOTH, F.alpha_dropout, F.feature_alpha_dropout, partial(F.stochastic_depth, mode="row")]


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_share_that_is_kept_is_that_of_a_fair_draw(p, dtype):
    n = 40_000
    kept = F.dropout(tg.ones(n, dtype=dtype), p, generator=tg.Generator(1)).numpy() != 0
    assert abs(kept.mean() - (1 - p)) < 5 * math.sqrt(p * (1 - p) / n)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75])
def test_what_is_kept_is_divided_by_the_probability_to_be_kept(p):
    x = normal(50, 20)
    y = F.dropout(tg.tensor(x), p, generator=tg.Generator(2)).numpy()
    kept = y != 0
    assert kept.any() and not kept.all()
    np.testing.assert_allclose(y[kept], x[kept] / (1 - p), rtol=1e-15)


@pytest.mark.parametrize("function", BOTH)
def test_the_gradient_goes_through_the_same_elements_with_the_same_factor(function):
    x, g = normal(4, 5, 3, 3), normal(4, 5, 3, 3)[::-1]
    generator = tg.Generator(3)
    y, (gx,) = value_and_gradients(lambda x: function(x, 0.4, generator=generator), [x], g)
    np.testing.assert_array_equal(gx, np.where(y != 0, g * (1 / (1 - 0.4)), 0))


def test_whole_channels_are_dropped_in_two_dimensions():
    y = F.dropout2d(tg.ones(40, 50, 3, 3), 0.3, generator=tg.Generator(4)).numpy()
    channels = y.reshape(40, 50, 9)
    assert (channels == channels[:, :, :1]).all()
    assert abs((channels[:, :, 0] != 0).mean() - 0.7) < 5 * math.sqrt(0.21 / 2000)


@pytest.mark.parametrize("function", LIKE_IMAGES)
def test_probability_zero_and_test_time_return_the_input_and_draw_nothing(function):
    generator = tg.Generator(5)
    before = generator.state.numpy().copy()
    x = tg.tensor(normal(2, 3, 2, 2))
    assert function(x, 0.0, training=True, generator=generator) is x
    assert function(x, 0.9, training=False, generator=generator) is x
    np.testing.assert_array_equal(generator.state.numpy(), before)


@pytest.mark.parametrize("function", LIKE_IMAGES)
def test_probability_one_drops_everything_even_nan_and_infinity(function):
    x = normal(2, 3, 2, 2)
    x[0, 0, 0] = math.nan, math.inf
    y, (gx,) = value_and_gradients(lambda x: function(x, 1.0, training=True), [x], normal(2, 3, 2, 2))
    assert not y.any() and not gx.any()


def test_a_dropped_nan_is_gone_and_a_kept_one_stays():
    x = np.full(100, math.nan)
    y = F.dropout(tg.tensor(x), 0.5, generator=tg.Generator(6)).numpy()
    assert set(np.isnan(y)) == {True, False} and not y[~np.isnan(y)].any()


@pytest.mark.parametrize("function", BOTH)
def test_the_same_seed_draws_the_same_and_the_next_call_something_else(function):
    x = tg.ones(4, 8, 3, 3)
    first, second = (function(x, 0.5, generator=g).numpy() for g in (tg.Generator(7), tg.Generator(7)))
    np.testing.assert_array_equal(first, second)
    generator = tg.Generator(7)
    assert (function(x, 0.5, generator=generator).numpy() != function(x, 0.5, generator=generator).numpy()).any()
    assert (function(x, 0.5, generator=tg.Generator(8)).numpy() != first).any()


def test_without_a_generator_the_librarys_own_seed_decides():
    state = tg.manual_seed(9).state.numpy().copy()
    x = tg.ones(100)
    first = F.dropout(x).numpy()
    tg.manual_seed(9)
    np.testing.assert_array_equal(F.dropout(x).numpy(), first)
    assert (state != tg.manual_seed(10).state.numpy()).any()


def test_one_generator_serves_any_dtype_with_the_same_choice_of_probability():
    for dtype in ("float32", "float64"):
        y = F.dropout(tg.ones(1000, dtype=dtype), 0.5, generator=tg.Generator(1))
        assert y.dtype == dtype and set(y.tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("function", LIKE_IMAGES)
@pytest.mark.parametrize("p", [-0.1, 1.5, math.nan, math.inf, "1", None])
@pytest.mark.parametrize("training", [True, False])
def test_what_is_no_probability_is_refused_before_anything_is_drawn(function, p, training):
    generator = tg.Generator(1)
    before = generator.state.numpy().copy()
    with pytest.raises(ValueError, match=rf"dropout p={p!r}.*\[0, 1\]"):
        function(tg.ones(2, 3, 2, 2), p, training=training, generator=generator)
    np.testing.assert_array_equal(generator.state.numpy(), before)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_alpha_dropout_keeps_mean_and_variance_of_normal_numbers(p):
    n = 400_000
    x = np.random.default_rng(1).standard_normal(n)
    y = F.alpha_dropout(tg.tensor(x), p, training=True, generator=tg.Generator(1)).numpy()
    spread = np.sqrt(np.mean((y - y.mean()) ** 4) / n)  # of the variance that is found
    assert abs(y.mean()) < 5 / math.sqrt(n) and abs(y.var() - 1) < 5 * spread
    values, counts = np.unique(y, return_counts=True)
    assert abs(counts.max() / n - p) < 5 * math.sqrt(p * (1 - p) / n) and values[counts.argmax()] < 0


@pytest.mark.parametrize("function", [F.feature_alpha_dropout, F.dropout3d])
def test_whole_channels_of_volumes_are_dropped(function):
    y = function(tg.ones(40, 50, 2, 3, 2), 0.3, training=True, generator=tg.Generator(4)).numpy().reshape(40, 50, 12)
    assert (y == y[:, :, :1]).all()
    assert abs((y[:, :, 0] == y.max()).mean() - 0.7) < 5 * math.sqrt(0.21 / 2000)


@pytest.mark.parametrize(("function", "shape"), [(F.dropout1d, (200, 5)), (F.dropout3d, (200, 2, 2, 2))])
def test_without_a_batch_the_first_axis_is_the_channels(function, shape):
    y = function(tg.ones(*shape), 0.4, generator=tg.Generator(2)).numpy().reshape(200, -1)
    assert (y == y[:, :1]).all() and abs((y[:, 0] != 0).mean() - 0.6) < 5 * math.sqrt(0.24 / 200)


def test_stochastic_depth_drops_a_batch_or_its_rows():
    x = tg.ones(1000, 3)
    rows = F.stochastic_depth(x, 0.3, "row", generator=tg.Generator(3)).numpy()
    assert (rows == rows[:, :1]).all() and set(rows[:, 0]) == {0.0, np.float32(1 / 0.7)}
    assert abs((rows[:, 0] != 0).mean() - 0.7) < 5 * math.sqrt(0.21 / 1000)
    generator = tg.Generator(3)
    whole = [F.stochastic_depth(x, 0.3, "batch", generator=generator).numpy() for _ in range(200)]
    assert all(len(np.unique(y)) == 1 for y in whole)
    assert abs(np.mean([y[0, 0] != 0 for y in whole]) - 0.7) < 5 * math.sqrt(0.21 / 200)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.dropout1d(tg.ones(4)), tg.ShapeError, r"\(4,\).*N x C x L, or C x L"),
        (lambda: F.dropout2d(tg.ones(4, 3)), tg.ShapeError, r"\(4, 3\).*N x C x H x W, or N x C x L"),
        (lambda: F.dropout3d(tg.ones(4, 3, 2)), tg.ShapeError, r"\(4, 3, 2\).*C x D x H x W"),
        (lambda: F.feature_alpha_dropout(tg.ones(4)), tg.ShapeError, r"\(4,\).*N x C x"),
        (lambda: F.stochastic_depth(tg.ones(4), 0.1, "image"), ValueError, "mode='image'.*'batch' or 'row'"),
        (lambda: F.stochastic_depth(tg.ones(()), 0.1, "row"), tg.ShapeError, r"shape \(\)"),
    ],
)
def test_what_does_not_fit_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
