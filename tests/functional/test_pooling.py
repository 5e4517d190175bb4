"""Pooling against walks through windows; ties, borders, NaN and infinities; adaptive windows by their definition."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional import oracles
from tests.functional.oracles import integers, value_and_gradients
from tinygrad_cv import DTypeError, ShapeError

SIZES = [(5, 5), (6, 7), (7, 4)]
INF, NAN = math.inf, math.nan


def image(rows: list[list[float]]) -> np.ndarray:
    return np.array(rows, np.float64)[None, None]


def settings() -> list[tuple[tuple[int, int], tuple[int, int], tuple[int, int]]]:
    """Kernels, strides and paddings, square and not; the padding is at most half of the kernel."""
    kernels = [(1, 1), (2, 2), (3, 3), (2, 3), (3, 1)]
    strides = [(1, 1), (2, 2), (3, 3), (1, 2), (3, 2)]
    paddings = [(0, 0), (1, 1), (0, 1), (1, 0)]
    every = itertools.product(kernels, strides, paddings)
    return [(k, s, p) for k, s, p in every if 2 * p[0] <= k[0] and 2 * p[1] <= k[1]]


def all_meet_the_image(windows: list[list[list[int]]], size: tuple[int, int]) -> bool:
    """There are windows, and none of them (being dilated) steps over the image."""
    return all(axis and all(any(0 <= p < n for p in w) for w in axis) for axis, n in zip(windows, size, strict=True))


# ---------------------------------------------------------------- values and gradients against walks through windows


@pytest.mark.parametrize("dilation", [(1, 1), (2, 2), (1, 2)])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_max_pooling_equals_a_walk_through_its_windows(ceil_mode, dilation):
    rng = np.random.default_rng(1)
    for size, (kernel, stride, padding) in itertools.product(SIZES, settings()):
        x = integers(rng, 2, 3, *size)  # full of ties
        windows = oracles.pool_windows(size, kernel, stride, padding, dilation, ceil_mode)
        if not all_meet_the_image(windows, size):
            continue
        options = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        expected, pullback = oracles.max_pool2d(x, windows)
        g = integers(rng, *expected.shape)
        y, (gx,) = value_and_gradients(
            functools.partial(F.max_pool2d, **options, dilation=dilation),
            [x],
            g,
        )
        case = f"size {size}, {options}"
        np.testing.assert_array_equal(y, expected, err_msg=case, strict=True)
        np.testing.assert_array_equal(gx, pullback(g), err_msg=case, strict=True)


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("divisor", [None, 1, 5])
@pytest.mark.parametrize("ceil_mode", [False, True])
def test_average_pooling_equals_a_walk_through_its_windows(ceil_mode, count_include_pad, divisor):
    rng = np.random.default_rng(2)
    for size, (kernel, stride, padding) in itertools.product(SIZES, settings()):
        x = rng.standard_normal((2, 3, *size))
        windows = oracles.pool_windows(size, kernel, stride, padding, (1, 1), ceil_mode)
        options = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
        expected, pullback = oracles.avg_pool2d(x, windows, padding, count_include_pad, divisor)
        g = rng.standard_normal(expected.shape)
        y, (gx,) = value_and_gradients(
            functools.partial(F.avg_pool2d, **options, count_include_pad=count_include_pad, divisor_override=divisor),
            [x],
            g,
        )
        case = f"size {size}, {options}"
        assert y.shape == expected.shape, case
        np.testing.assert_allclose(y, expected, rtol=1e-14, atol=1e-14, err_msg=case)
        np.testing.assert_allclose(gx, pullback(g), rtol=1e-14, atol=1e-14, err_msg=case)


@pytest.mark.quick
def test_the_stride_is_the_kernel_unless_given():
    x = tg.tensor(integers(np.random.default_rng(0), 1, 2, 7, 6))
    for pool in (F.max_pool2d, F.avg_pool2d):
        np.testing.assert_array_equal(pool(x, (3, 2)).numpy(), pool(x, (3, 2), (3, 2)).numpy(), strict=True)


# ---------------------------------------------------------------- ties and overlaps


@pytest.mark.quick
def test_at_a_tie_the_first_place_in_row_major_order_gets_all():
    _, (gx,) = value_and_gradients(lambda x: F.max_pool2d(x, 2), [image([[0, 7], [7, 7]])], image([[5]]))
    assert gx.tolist() == [[[[0, 5], [0, 0]]]]


@pytest.mark.quick
@pytest.mark.parametrize("size", [4, 96])  # small arrays and large ones take different paths through NumPy
def test_where_all_are_equal_every_window_pays_its_first_place(size):
    x = np.ones((1, 1, size, size))
    g = integers(np.random.default_rng(0), 1, 1, size // 2, size // 2)
    _, (gx,) = value_and_gradients(lambda x: F.max_pool2d(x, 2), [x], g)
    expected = np.zeros_like(x)
    expected[:, :, ::2, ::2] = g
    np.testing.assert_array_equal(gx, expected)


@pytest.mark.quick
def test_a_maximum_in_several_windows_collects_from_each():
    x = image([[0, 0, 0], [0, 9, 0], [0, 0, 0]])
    _, (gx,) = value_and_gradients(lambda x: F.max_pool2d(x, 2, 1), [x], image([[1, 10], [100, 1000]]))
    assert gx.tolist() == [[[[0, 0, 0], [0, 1111, 0], [0, 0, 0]]]]


@pytest.mark.quick
def test_an_element_in_several_means_collects_from_each():
    g = image([[4, 40], [400, 4000]])
    _, (gx,) = value_and_gradients(lambda x: F.avg_pool2d(x, 2, 1), [image([[1, 2, 3]] * 3)], g)
    assert gx.tolist() == [[[[1, 11, 10], [101, 1111, 1010], [100, 1100, 1000]]]]


@pytest.mark.quick
def test_elements_that_no_window_covers_get_nothing():
    for pool in (F.max_pool2d, F.avg_pool2d):
        _, (gx,) = value_and_gradients(lambda x: pool(x, 2), [np.ones((1, 1, 5, 5))], np.ones((1, 1, 2, 2)))  # noqa: B023
        assert not gx[:, :, 4].any() and not gx[:, :, :, 4].any() and gx.sum() == 4


# ---------------------------------------------------------------- the last, partial window


@pytest.mark.quick
def test_the_partial_windows_mean_is_over_what_it_covers():
    x = image([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
    y, (gx,) = value_and_gradients(lambda x: F.avg_pool2d(x, 2, ceil_mode=True), [x], image([[4, 6], [8, 10]]))
    assert y.tolist() == [[[[3, 4.5], [7.5, 9]]]]
    assert gx.tolist() == [[[[1, 1, 3], [1, 1, 3], [4, 4, 10]]]]


@pytest.mark.quick
def test_padding_counts_in_a_partial_window_but_what_lies_beyond_does_not():
    x = np.full((1, 1, 4, 4), 12.0)
    y = F.avg_pool2d(
        tg.tensor(x), 3, 2, 1, ceil_mode=True
    )  # windows start at -1, 1, 3; the last covers one place and one zero
    assert y.tolist() == [[[[12 * 4 / 9, 12 * 6 / 9, 12 * 2 / 6], [8, 12, 6], [4, 6, 3]]]]
    inside = F.avg_pool2d(tg.tensor(x), 3, 2, 1, ceil_mode=True, count_include_pad=False)
    assert inside.tolist() == [[[[12.0] * 3] * 3]]


@pytest.mark.quick
def test_rounding_up_may_leave_one_window_that_is_larger_than_the_image():
    y, (gx,) = value_and_gradients(
        lambda x: F.avg_pool2d(x, 3, 2, ceil_mode=True), [image([[1, 2], [3, 6]])], image([[8]])
    )
    assert y.tolist() == [[[[3]]]] and gx.tolist() == [[[[2, 2], [2, 2]]]]
    with pytest.raises(ShapeError, match="kernel of 3"):
        F.avg_pool2d(tg.ones(1, 1, 2, 2), 3, 2)


@pytest.mark.quick
def test_no_window_stands_in_the_padding_alone():
    x = tg.ones(1, 1, 3, 3)
    assert F.max_pool2d(x, 2, 2, 1, ceil_mode=True).shape == (1, 1, 2, 2)
    assert F.avg_pool2d(x, 2, 2, 1, ceil_mode=True).shape == (1, 1, 2, 2)


# ---------------------------------------------------------------- NaN and infinities


@pytest.mark.quick
@pytest.mark.parametrize("copies", [1, 400])
def test_nan_wins_and_the_first_of_several_gets_the_gradient(copies):
    x = np.tile(image([[1, NAN, 2, 3], [NAN, 5, -INF, INF]]), (copies, 3, 1, 1))
    g = np.tile(image([[3, 4]]), (copies, 3, 1, 1))
    y, (gx,) = value_and_gradients(lambda x: F.max_pool2d(x, 2), [x], g)
    np.testing.assert_array_equal(y, np.tile(image([[NAN, INF]]), (copies, 3, 1, 1)))
    np.testing.assert_array_equal(gx, np.tile(image([[0, 3, 0, 0], [0, 0, 0, 4]]), (copies, 3, 1, 1)))


@pytest.mark.quick
@pytest.mark.parametrize("value", [NAN, -INF])
@pytest.mark.parametrize("copies", [1, 400])
def test_a_window_of_nothing_but_nan_or_minus_infinity_has_a_value_and_a_place(value, copies):
    x, g = np.full((copies, 2, 4, 4), value), np.full((copies, 2, 2, 2), 3.0)
    y, (gx,) = value_and_gradients(lambda x: F.max_pool2d(x, 2), [x], g)
    expected = np.zeros_like(x)
    expected[:, :, ::2, ::2] = 3
    np.testing.assert_array_equal(y, np.full(g.shape, value))
    np.testing.assert_array_equal(gx, expected)


@pytest.mark.quick
def test_the_border_never_wins():
    x = np.full((1, 1, 4, 4), -1e30)
    y, (gx,) = value_and_gradients(lambda x: F.max_pool2d(x, 3, 2, 1), [x], np.ones((1, 1, 2, 2)))
    np.testing.assert_array_equal(y, np.full((1, 1, 2, 2), -1e30))
    assert gx.sum() == 4
    assert F.max_pool2d(tg.tensor(np.full((1, 1, 4, 4), -INF)), 3, 2, 1).tolist() == [[[[-INF] * 2] * 2]]
    assert np.isnan(F.max_pool2d(tg.tensor(np.full((1, 1, 4, 4), NAN)), 3, 2, 1).numpy()).all()


@pytest.mark.quick
def test_a_mean_holds_nan_and_infinity_only_where_its_window_does():
    x = image([[1, NAN, 2, 4], [3, 5, 6, 8], [INF, 0, -INF, INF], [0, 0, 0, 0]])
    np.testing.assert_array_equal(F.avg_pool2d(tg.tensor(x), 2).numpy(), image([[NAN, 5], [INF, NAN]]))


# ---------------------------------------------------------------- adaptive and global


def bins(n: int, count: int) -> list[slice]:
    return [slice(math.floor(i * n / count), math.ceil((i + 1) * n / count)) for i in range(count)]


@pytest.mark.quick
@pytest.mark.parametrize("wanted", [(1, 1), (2, 3), (3, 2), (7, 5), (4, 4), (9, 6), (1, 5)])
def test_adaptive_pooling_reduces_the_windows_of_its_definition(wanted):
    rng = np.random.default_rng(3)
    x, g = rng.standard_normal((2, 3, 7, 5)), rng.standard_normal((2, 3, *wanted))
    rows, columns = bins(7, wanted[0]), bins(5, wanted[1])
    mean, largest = np.zeros(g.shape), np.zeros(g.shape)
    g_mean, g_largest = np.zeros(x.shape), np.zeros(x.shape)
    for (i, row), (j, column) in itertools.product(enumerate(rows), enumerate(columns)):
        window = x[:, :, row, column]
        mean[:, :, i, j], largest[:, :, i, j] = window.mean((2, 3)), window.max((2, 3))
        g_mean[:, :, row, column] += g[:, :, i, j, None, None] / (window.shape[2] * window.shape[3])
        top = window == largest[:, :, i, j, None, None]
        g_largest[:, :, row, column] += np.where(top, g[:, :, i, j, None, None], 0)
    y, (gx,) = value_and_gradients(lambda x: F.adaptive_avg_pool2d(x, wanted), [x], g)
    np.testing.assert_allclose(y, mean, rtol=0, atol=1e-15)
    np.testing.assert_allclose(gx, g_mean, rtol=0, atol=1e-15)
    y, (gx,) = value_and_gradients(lambda x: F.adaptive_max_pool2d(x, wanted), [x], g)
    np.testing.assert_array_equal(y, largest)
    np.testing.assert_allclose(gx, g_largest, rtol=0, atol=1e-15)


@pytest.mark.quick
def test_none_keeps_a_size():
    assert F.adaptive_avg_pool2d(tg.ones(1, 2, 7, 5), (None, 2)).shape == (1, 2, 7, 2)
    assert F.adaptive_max_pool2d(tg.ones(1, 2, 7, 5), (3, None)).shape == (1, 2, 3, 5)


@pytest.mark.quick
def test_global_pooling_leaves_one_number_for_each_channel():
    x = integers(np.random.default_rng(0), 2, 3, 4, 5)
    assert F.global_avg_pool2d(tg.tensor(x)).shape == F.global_max_pool2d(tg.tensor(x)).shape == (2, 3)
    np.testing.assert_allclose(F.global_avg_pool2d(tg.tensor(x)).numpy(), x.mean((2, 3)), rtol=1e-15)
    np.testing.assert_array_equal(F.global_max_pool2d(tg.tensor(x)).numpy(), x.max((2, 3)))


@pytest.mark.quick
def test_global_max_pooling_pays_the_first_maximum():
    _, (gx,) = value_and_gradients(F.global_max_pool2d, [image([[1, 7], [7, 7]])], np.array([[2.0]]))
    assert gx.tolist() == [[[[0, 2], [0, 0]]]]


# ---------------------------------------------------------------- what does not fit


@pytest.mark.quick
@pytest.mark.parametrize("pool", [F.max_pool2d, F.avg_pool2d])
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"kernel_size": 7}, ["kernel of 7", "size 5", "H' = floor("]),
        ({"kernel_size": (2, 6), "stride": 1, "ceil_mode": True}, ["kernel of 6", "size 5"]),
        ({"kernel_size": 3, "padding": 2}, ["padding=2", "kernel of 3", "at most half"]),
        ({"kernel_size": (4, 1), "padding": (2, 1)}, ["padding=1", "kernel of 1", "at most half"]),
        ({"kernel_size": 2, "stride": 0}, ["stride=0", "at least 1"]),
        ({"kernel_size": 0}, ["kernel_size=0", "at least 1"]),
        ({"kernel_size": 2, "padding": -1}, ["padding=-1", "at least 0"]),
        ({"kernel_size": (2, 2, 2)}, ["kernel_size=(2, 2, 2)", "pair of integers"]),
    ],
)
def test_windows_that_do_not_fit_are_named_with_both_numbers(pool, arguments, words):
    with pytest.raises(ShapeError) as caught:
        pool(tg.ones(1, 2, 5, 5), **arguments)
    for word in [*words, pool.__name__]:
        assert word in str(caught.value)


@pytest.mark.quick
def test_other_impossible_arguments_are_errors_too():
    with pytest.raises(ShapeError, match="divisor_override=0"):
        F.avg_pool2d(tg.ones(1, 1, 4, 4), 2, divisor_override=0)
    with pytest.raises(ShapeError, match=r"dilation=0.*at least 1"):
        F.max_pool2d(tg.ones(1, 1, 4, 4), 2, dilation=0)
    for adaptive in (F.adaptive_avg_pool2d, F.adaptive_max_pool2d):
        with pytest.raises(ShapeError, match=r"output_size=\(1, 2, 3\).*pair"):
            adaptive(tg.ones(1, 1, 4, 4), (1, 2, 3))
        with pytest.raises(ShapeError, match=r"output_size=.*at least 1"):
            adaptive(tg.ones(1, 1, 4, 4), 0)
    everything = (lambda x: F.max_pool2d(x, 2), lambda x: F.avg_pool2d(x, 2), F.global_avg_pool2d, F.global_max_pool2d)
    for pool in everything:
        with pytest.raises(ShapeError, match=r"\(4, 4\).*N x C x H x W"):
            pool(tg.ones(4, 4))
        with pytest.raises(DTypeError, match=r"uint8.*astype"):
            pool(tg.tensor(np.ones((1, 1, 4, 4), np.uint8)))


IMAGES, PLACES = np.ones((1, 2, 4, 4)), np.zeros((1, 2, 4, 4), int)


@pytest.mark.quick
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.lp_pool2d(IMAGES, 0, 2), ValueError, "norm_type=0 (in lp_pool2d): it must be a number other than 0"),
        (lambda: F.lp_pool2d(IMAGES, "2", 2), ValueError, "norm_type='2'"),
        (lambda: F.lp_pool1d(IMAGES, 2, 2), ShapeError, "it must be N x C x L, or C x L without a batch"),
        (lambda: F.max_pool3d(IMAGES[0], 2), ShapeError, "N x C x D x H x W"),
        (lambda: F.avg_pool3d(IMAGES, (2, 2)), ShapeError, "it must be an integer or three integers"),
        (lambda: F.max_pool1d(IMAGES[0], 2.5), ShapeError, "kernel_size=2.5"),
        (lambda: F.max_unpool2d(IMAGES, PLACES[0], 2), ShapeError, "indices of shape (2, 4, 4)"),
        (lambda: F.max_unpool2d(IMAGES, PLACES * 1.0, 2), DTypeError, "indices of dtype float64"),
        (lambda: F.max_unpool2d(IMAGES, PLACES + 64, 2), IndexError, "places are 0 to 63. Give the output_size"),
        (lambda: F.max_unpool2d(IMAGES, PLACES - 1, 2), IndexError, "indices from -1 to -1"),
        (lambda: F.max_unpool2d(IMAGES, PLACES, 2, 2, 0, (8, 10)), ShapeError, "come from sizes of (7, 7) to (9, 9)"),
        (lambda: F.max_unpool2d(IMAGES, PLACES, 2, 2, 0, (8,) * 3), ShapeError, "output_size=(8, 8, 8)"),
        (lambda: F.max_unpool1d(IMAGES[0], PLACES[0], 1, 1, 2), ShapeError, "output of size (0,)"),
        (lambda: F.adaptive_avg_pool3d(IMAGES[0], (1, 2)), ShapeError, "it must be N x C x D x H x W"),
        (lambda: F.adaptive_max_pool1d(IMAGES[0], "3"), ShapeError, "output_size=('3',)"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2), ValueError, "output_size=None, output_ratio=None"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2, 2, 0.5), ValueError, "give one of the two"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2, 4), ShapeError, "4 windows of 2 on an axis of size 4"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2, output_ratio=2), ValueError, "output_ratio=2"),
        (lambda: F.fractional_max_pool2d(IMAGES, 2, 2, _random_samples=IMAGES), ShapeError, "(1, 2, 2)"),
        (
            lambda: F.fractional_max_pool2d(IMAGES, 2, 2, _random_samples=np.zeros((1, 2, 2), np.float32)),
            DTypeError,
            "_random_samples of dtype float32, input of dtype float64",
        ),
        (
            lambda: F.roi_align(IMAGES, np.zeros((3, 4)), 2),
            ShapeError,
            "boxes of shape (3, 4) (in roi_align): they must be",
        ),
        (lambda: F.roi_align(IMAGES[0], np.zeros((3, 5)), 2), ShapeError, "input of shape (2, 4, 4)"),
        (lambda: F.roi_pool(IMAGES, np.ones((3, 5)), 2), IndexError, "boxes of images 1 to 1"),
        (lambda: F.roi_pool(IMAGES, [np.zeros((1, 4))] * 2, 2), ShapeError, "boxes of 2 images, input of 1"),
        (lambda: F.roi_align(IMAGES, np.zeros((3, 5), bool), 2), DTypeError, "boxes of dtype bool"),
        (lambda: F.roi_align(IMAGES, np.zeros((3, 5)), 0), ShapeError, "output_size=0"),
        (lambda: F.spatial_pyramid_pool2d(IMAGES, ()), ShapeError, "it must be sizes of grids, such as (1, 2, 4)"),
        (lambda: F.spatial_pyramid_pool2d(IMAGES, (0,)), ShapeError, "levels=0"),
        (lambda: F.spatial_pyramid_pool2d(IMAGES, mode="sum"), ValueError, "mode='sum'"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


# ---------------------------------------------------------------- places, powers, and back


@pytest.mark.quick
@pytest.mark.parametrize("options", [(3, 2, 1), (2, 1, 1, 3), (3, 1, 1, 2), (2, 3, 0, 1, True), (3, 3, 1, 1, True)])
@pytest.mark.parametrize("value", [1.0, NAN, -INF])
def test_places_of_equal_elements_are_the_first_of_the_image_in_each_window(options, value):
    """Never in the padding; windows are laid over an image of its own places."""
    x = np.full((1, 1, 6, 7), value)
    _, places = F.max_pool2d(x, *options, return_indices=True)
    _, expected = F.max_pool2d(-np.arange(42.0).reshape(x.shape), *options, return_indices=True)
    wanted = -F.max_pool2d(-np.arange(42.0).reshape(x.shape), *options).numpy()
    np.testing.assert_array_equal(places.numpy(), wanted)
    np.testing.assert_array_equal(expected.numpy(), wanted)
    assert places.dtype == np.int64


@pytest.mark.quick
@pytest.mark.parametrize("special", [1.0, NAN, -INF])
def test_large_windows_pay_the_first_of_equal_elements_too(special):
    """They are reduced axis by axis; places are of the whole window."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 3, (2, 2, 7, 8, 9)).astype(float)
    x[rng.random(x.shape) < 0.1] = special
    _, places = F.max_pool3d(x, (3, 2, 4), 2, 1, return_indices=True)
    g = rng.integers(1, 9, places.shape).astype(float)
    y, (gx,) = value_and_gradients(lambda x: F.max_pool3d(x, (3, 2, 4), 2, 1), [x], g)
    expected = np.zeros((4, 7 * 8 * 9))
    np.add.at(expected, (np.arange(4)[:, None], places.numpy().reshape(4, -1)), g.reshape(4, -1))
    np.testing.assert_array_equal(gx, expected.reshape(x.shape))
    picked = np.take_along_axis(x.reshape(4, -1), places.numpy().reshape(4, -1), 1)
    np.testing.assert_array_equal(y, picked.reshape(y.shape))


@pytest.mark.quick
def test_the_largest_of_windows_of_uneven_sizes_may_be_nan_or_minus_infinity():
    x = np.array([[[-INF, -INF, NAN, 1.0, NAN]]])
    y, places = F.adaptive_max_pool1d(x, 3, return_indices=True)  # 0 to 2, 1 to 4, 3 to 5
    np.testing.assert_array_equal(y.numpy(), [[[-INF, NAN, NAN]]])
    assert places.tolist() == [[[0, 2, 4]]]


@pytest.mark.quick
@pytest.mark.parametrize(("n", "count"), [(23, 10), (40, 9), (9, 23), (50, 17)])
def test_many_windows_of_uneven_sizes(n, count):
    """The first of equal maxima has the gradient; all -inf, the first; NaN is the maximum wherever it is."""
    x = np.random.default_rng(n).integers(-3, 3, (2, n, n)).astype(float)
    x[0, 3:9, 2:8], x[1, 5, 5] = -INF, NAN
    edges = [(i * n // count, -(-(i + 1) * n // count)) for i in range(count)]
    y, gradient = np.empty((2, count, count)), np.zeros(x.shape)
    for c, i, j in np.ndindex(y.shape):
        (top, bottom), (left, right) = edges[i], edges[j]
        window = x[c, top:bottom, left:right]
        row, column = np.unravel_index(window.argmax(), window.shape)
        y[c, i, j] = window[row, column]
        gradient[c, top + row, left + column] += i + 1
    g = np.broadcast_to(np.arange(1.0, count + 1)[:, None], y.shape)
    found, (gx,) = value_and_gradients(lambda x: F.adaptive_max_pool2d(x, count), [x], g)
    np.testing.assert_array_equal(found, y)
    np.testing.assert_array_equal(gx, gradient)


@pytest.mark.quick
def test_places_in_other_windows_are_taken_too():
    """Also by a compiled function, which expects them in their own, and is left where they are not."""
    unpool = tg.jit(lambda y, places: F.max_unpool1d(y, places, 2))
    y = np.array([[[1.0, 2.0, 3.0]]])
    for places in ([0, 3, 4], [5, 0, 2], [1, 2, 5], [4, 4, 1]):
        expected = [0.0] * 6
        for value, place in zip((1.0, 2.0, 3.0), places, strict=True):
            expected[place] += value / places.count(place)
        for function in (unpool, lambda y, p: F.max_unpool1d(y, p, 2)):
            assert function(tg.tensor(y), tg.tensor([[places]])).tolist() == [[expected]]
    with pytest.raises(IndexError):
        unpool(tg.tensor(y), tg.tensor([[[0, 2, 6]]]))


@pytest.mark.quick
def test_windows_that_found_one_place_share_it():
    """Maxima are the same, so their mean is the maximum, and a third of the gradient goes to each."""
    x = np.array([[[1.0, 2.0, 9.0, 3.0, 1.0]]])
    y, places = F.max_pool1d(x, 3, 1, return_indices=True)
    back, (gy,) = value_and_gradients(lambda y: F.max_unpool1d(y, places, 3, 1), [y.numpy()], np.full((1, 1, 5), 6.0))
    assert back.tolist() == [[[0.0, 0.0, 9.0, 0.0, 0.0]]] and gy.tolist() == [[[2.0, 2.0, 2.0]]]
    assert F.max_unpool1d([[1.0, 4.0]], [[0, 0]], 2).tolist() == [[2.5, 0.0, 0.0, 0.0]]
    largest = np.finfo(float).max
    assert F.max_unpool1d(np.array([[largest, largest]]), [[0, 0]], 2).tolist() == [[largest, 0.0, 0.0, 0.0]]


@pytest.mark.quick
def test_the_real_root_of_a_negative_sum_of_cubes():
    """PyTorch has NaN."""
    y, (gx,) = value_and_gradients(
        lambda x: F.lp_pool1d(x, 3, 2), [np.array([[-1.0, 1.0, -3.0, 0.0]])], np.ones((1, 2))
    )
    np.testing.assert_allclose(y, [[0.0, -3.0]], rtol=1e-15)
    np.testing.assert_allclose(gx, [[0.0, 0.0, 1.0, 0.0]], rtol=1e-15)


@pytest.mark.quick
@pytest.mark.parametrize("p", [1.5, 2, 3, 4])
def test_the_slope_of_a_power_mean_of_zeros_is_zero(p):
    y, (gx,) = value_and_gradients(lambda x: F.lp_pool1d(x, p, 2), [np.zeros((1, 4))], np.ones((1, 2)))
    assert y.tolist() == [[0.0, 0.0]] and gx.tolist() == [[0.0] * 4]


@pytest.mark.quick
@pytest.mark.parametrize("call", [lambda x, b: F.roi_align(x, b, 2), lambda x, b: F.roi_pool(x, b, 2)])
def test_boxes_may_be_arguments_of_a_compiled_function(call):
    """What bounds the bins' sizes is guarded: boxes larger than the image run uncompiled."""
    x, compiled = np.random.default_rng(0).standard_normal((2, 3, 8, 8)), tg.jit(call)
    for edges in ([1.0, 2.0, 6.5, 7.0], [0.0, 0.0, 3.0, 3.0], [-20.0, -20.0, 40.0, 60.0]):
        boxes = tg.tensor([[0.0, *edges], [1.0, *edges]])
        np.testing.assert_allclose(compiled(tg.tensor(x), boxes).numpy(), call(x, boxes).numpy(), rtol=1e-12)
    assert call(x, np.zeros((0, 5))).shape == (0, 3, 2, 2)
    assert call(x, [np.zeros((0, 4)), [edges]]).shape == (1, 3, 2, 2)


@pytest.mark.quick
@pytest.mark.parametrize("dims", [1, 2, 3])
def test_an_empty_batch_stays_empty(dims):
    x = np.zeros((0, 3, *(6,) * dims))
    for name in ("max_pool", "avg_pool", "adaptive_avg_pool", "adaptive_max_pool"):
        assert getattr(F, f"{name}{dims}d")(x, 4).shape == (0, 3, *((1,) if "ive" not in name else (4,)) * dims)
    y, places = getattr(F, f"max_pool{dims}d")(x, 2, return_indices=True)
    assert getattr(F, f"max_unpool{dims}d")(y, places, 2).shape == x.shape


@pytest.mark.quick
@pytest.mark.parametrize("samples", [None, np.full((1, 1, 2), 0.999999)])
def test_random_windows_begin_at_the_first_and_end_at_the_last_element(samples):
    x = np.arange(30.0 * 17).reshape(1, 1, 30, 17)
    for _ in range(20):
        y = F.fractional_max_pool2d(x, 1, (11, 16), _random_samples=samples).numpy().astype(int)
        rows, columns = y[0, 0, :, 0] // 17, y[0, 0, 0] % 17
        for places, last in ((rows, 29), (columns, 16)):
            assert places[0] == 0 and places[-1] == last and (np.diff(places) > 0).all()
