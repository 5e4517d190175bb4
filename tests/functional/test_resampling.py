"""Resizing: what PyTorch cannot judge, and what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import DTypeError, ShapeError
from tinygrad_cv.functional.taps import Taps

pytestmark = pytest.mark.quick
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(("mode", "half"), [("nearest", 0), ("nearest-exact", 1)])
def test_places_of_the_nearest_are_exact(mode, half):
    """In integers, at sizes where quotients in float32, or products with n / m, are one off."""
    for n, m in ((2, 98), (2, 49), (6, 94), (2, 82), (2, 94), (4, 41), (4, 109), (41, 49), (49, 98), (7, 3)):
        x = np.arange(n, dtype="float32").reshape(1, 1, n)
        assert F.interpolate(x, m, mode=mode).numpy().ravel().tolist() == [
            (2 * o + half) * n // (2 * m) for o in range(m)
        ]


def test_factors_are_divided_by_not_multiplied_with_their_inverse():
    """39 / 1.3 is 30, and 19.5 / 1.3 is 15; with 1 / 1.3 both are less."""
    x = np.arange(40.0).reshape(1, 1, 40)
    assert F.interpolate(x, None, 1.3, "nearest").numpy().ravel()[39] == 30.0
    assert F.interpolate(x, None, 1.3, "nearest-exact").numpy().ravel()[19] == 15.0


@pytest.mark.parametrize("mode", ["nearest", "linear", "area"])
@pytest.mark.parametrize("wanted", [24, 12, 18, 7, 5])
@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_a_value_that_is_not_finite_reaches_what_reads_it_and_nothing_else(mode, wanted, value):
    x, marked = np.ones((1, 1, 12)), np.zeros((1, 1, 12))
    x[0, 0, 5], marked[0, 0, 5] = value, 1.0
    y, reached = F.interpolate(x, wanted, mode=mode).numpy(), F.interpolate(marked, wanted, mode=mode).numpy() > 0
    np.testing.assert_array_equal(y, np.where(reached, value, 1.0))


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
def test_antialiasing_along_two_axes_is_that_along_one_after_the_other(mode):
    """Also for images of width 1, whose rows PyTorch mixes up."""
    x = np.random.default_rng(0).normal(size=(1, 1, 9, 8))
    whole = F.interpolate(x, (2, 1), mode=mode, antialias=True)
    parts = F.interpolate(F.interpolate(x, (2, 8), mode=mode, antialias=True), (2, 1), mode=mode, antialias=True)
    np.testing.assert_allclose(whole.numpy(), parts.numpy(), rtol=1e-13)


def test_antialiasing_aligns_corners_if_asked_to():
    """Where nothing shrinks it changes nothing; PyTorch ignores the corners."""
    x = np.random.default_rng(0).normal(size=(1, 1, 4, 5))
    options = {"size": (7, 9), "mode": "bilinear", "align_corners": True}
    np.testing.assert_allclose(
        F.interpolate(x, **options, antialias=True).numpy(), F.interpolate(x, **options).numpy(), rtol=1e-13
    )


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos", "area"])
@pytest.mark.parametrize("size", [(3, 5), (17, 1), (8, 8)])
def test_a_constant_stays_as_it_is(mode, size):
    x = np.full((1, 1, 8, 9), 3.0)
    y = F.interpolate(x, size, mode=mode, antialias=mode != "area")
    np.testing.assert_allclose(y.numpy(), 3.0, rtol=1e-14)


def test_labels_may_be_integers():
    labels = np.array([[[3, 1, 2]]], "uint8")
    y = F.interpolate(labels, 6)
    assert y.tolist() == [[[3, 3, 1, 1, 2, 2]]] and y.dtype == np.uint8
    assert F.interpolate(labels, 2).tolist() == [[[3, 1]]]
    assert F.interpolate(labels, 5).tolist() == [[[3, 3, 1, 1, 2]]]
    assert F.interpolate(np.array([[[True, False]]]), 3).tolist() == [[[True, True, False]]]


def test_an_empty_batch_stays_empty():
    for mode in ("nearest", "bilinear", "bicubic", "area"):
        assert F.interpolate(np.zeros((0, 3, 4, 4)), (7, 2), mode=mode).shape == (0, 3, 7, 2)
        assert F.interpolate(np.zeros((2, 0, 4, 4)), (7, 2), mode=mode).shape == (2, 0, 7, 2)


def test_any_places_and_weights_make_a_linear_map():
    """Whatever the blocks: in any order, more than once, of no weight; against the matrix."""
    rng = np.random.default_rng(1)
    for n, m, t in itertools.product((1, 2, 5, 12), (1, 3, 8, 40), (1, 2, 4)):
        places, weights = rng.integers(0, n, (m, t)), rng.integers(-2, 3, (m, t)).astype(float)
        matrix = np.zeros((m, n))
        np.add.at(matrix, (np.arange(m)[:, None], places), weights)
        x = rng.integers(-5, 5, (2, n, 3)).astype(float)
        np.testing.assert_array_equal(Taps(n, places, weights).along(1, tg.tensor(x)).numpy(), matrix @ x)


IMAGES = np.ones((1, 2, 4, 4))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (
            lambda: F.interpolate(IMAGES[0, 0], 2),
            ShapeError,
            "it must be N x C x L, N x C x H x W or N x C x D x H x W",
        ),
        (lambda: F.interpolate(IMAGES, 2, mode="linear"), ShapeError, "N x C x L. Use mode='bilinear'"),
        (lambda: F.interpolate(IMAGES[0], 2, mode="bicubic"), ShapeError, "1 spatial axes, mode='bicubic'"),
        (
            lambda: F.interpolate(IMAGES, 2, mode="cubic"),
            ValueError,
            "mode='cubic' (in interpolate): it must be one of",
        ),
        (
            lambda: F.interpolate(IMAGES),
            ValueError,
            "size=None, scale_factor=None (in interpolate): give one of the two",
        ),
        (lambda: F.interpolate(IMAGES, 2, 2), ValueError, "size=2, scale_factor=2"),
        (lambda: F.interpolate(IMAGES, (2, 2, 2)), ShapeError, "size=(2, 2, 2)"),
        (lambda: F.interpolate(IMAGES, 0), ShapeError, "size=0 (in interpolate): it must be at least 1"),
        (lambda: F.interpolate(IMAGES, 2.5), ShapeError, "size=2.5"),
        (lambda: F.interpolate(IMAGES, scale_factor=-1), ValueError, "scale_factor=-1 (in interpolate): it must be"),
        (lambda: F.interpolate(IMAGES, scale_factor="2"), ValueError, "scale_factor='2'"),
        (lambda: F.interpolate(IMAGES, scale_factor=(2, 2, 2)), ValueError, "it must be a number or 2 numbers above 0"),
        (lambda: F.interpolate(IMAGES, scale_factor=0.2), ShapeError, "the result would be (0, 0)"),
        (lambda: F.interpolate(IMAGES, 2, align_corners=True), ValueError, "align_corners=True, mode='nearest'"),
        (lambda: F.interpolate(IMAGES, 2, recompute_scale_factor=True), ValueError, "recompute_scale_factor=True"),
        (lambda: F.interpolate(IMAGES, 2, antialias=True), ValueError, "only bilinear, bicubic, lanczos have it"),
        (lambda: F.interpolate(IMAGES, 2, mode="lanczos"), ValueError, "mode='lanczos'"),
        (lambda: F.interpolate(IMAGES.astype(int), 2, mode="area"), DTypeError, "input of dtype int64, mode='area'"),
        (lambda: F.interpolate(IMAGES[:, :, :0], 2), ShapeError, "an image must have at least one element"),
        (lambda: F.upsample(IMAGES, 2, mode="trilinear"), ShapeError, "mode='trilinear'"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
