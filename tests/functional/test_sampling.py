"""Images read at any positions: what PyTorch cannot judge, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import DTypeError, ShapeError
from tinygrad_cv.check import gradcheck

pytestmark = pytest.mark.any_python
NAN, INF = float("nan"), float("inf")
RNG = np.random.default_rng(2)


def read(row, places, mode="bilinear", padding="zeros", align=True):
    """A row of pixels at places along it, in coordinates of -1 to 1."""
    x = np.asarray(row, float).reshape(1, 1, 1, -1)
    grid = np.stack([np.asarray(places, float), np.zeros(len(places))], -1)[None, None]
    return F.grid_sample(x, grid, mode, padding, align).numpy().ravel()


def test_the_identity_reads_every_pixel():
    for shape in ((2, 3, 4, 5), (2, 2, 3, 4, 2)):
        x = RNG.normal(size=shape)
        theta = np.tile(np.eye(len(shape) - 2, len(shape) - 1), (2, 1, 1))
        for align in (False, True):
            y = F.grid_sample(x, F.affine_grid(theta, shape, align), align_corners=align)
            np.testing.assert_allclose(y.numpy(), x, rtol=1e-12, atol=1e-14)


def test_resizing_is_reading_on_an_even_grid():
    x = RNG.normal(size=(1, 2, 5, 6))
    theta = np.eye(2, 3)[None]
    for mode in ("bilinear", "bicubic"):
        for align in (False, True):
            y = F.grid_sample(x, F.affine_grid(theta, (1, 2, 9, 4), align), mode, "border", align)
            z = F.interpolate(x, (9, 4), mode=mode, align_corners=align)
            np.testing.assert_allclose(y.numpy(), z.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_infinite_and_huge_positions_read_the_padding(mode):
    places = [-INF, INF, -1e30, 1e30]
    assert read([1, 2, 3], places, mode).tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(read([1, 2, 3], places, mode, "border"), [1, 3, 1, 3], rtol=1e-15)


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding", ["border", "reflection"])
def test_a_position_that_is_no_number_reads_none(mode, padding):
    assert np.isnan(read([1, 2, 3], [NAN], mode, padding)).all()


def test_a_pixel_that_is_not_finite_reaches_only_positions_that_read_it():
    """On a pixel the neighbours have no weight; beyond the image there is none."""
    np.testing.assert_array_equal(read([1, INF, 3], [-1, -0.5, 0, 1]), [1, INF, INF, 3])
    np.testing.assert_array_equal(read([1, 2, NAN], [-1, 0, 1.5, 2.5]), [1, 2, NAN, 0])


@pytest.mark.parametrize("padding", ["border", "reflection"])
def test_a_position_on_the_edge_or_beyond_has_no_slope(padding):
    """Reflected into the image it has the opposite slope."""
    x, grid = np.array([[[[1.0, 2.0, 4.0]]]]), np.zeros((1, 1, 5, 2))
    grid[0, 0, :, 0] = -1.0, 0.5, 1.0, 1.5, -1.5
    g = tg.tensor(grid, requires_grad=True)
    y = F.grid_sample(x, g, "bilinear", padding, True)
    (slopes,) = tg.grad([y], [g], [np.ones(y.shape)])
    beyond = [0.0, 0.0] if padding == "border" else [-2.0, -1.0]
    assert slopes.numpy()[0, 0, :, 0].tolist() == [0.0, 2.0, 0.0, *beyond]


def test_second_derivatives_exist():
    x, grid = RNG.normal(size=(1, 1, 2, 3)), RNG.uniform(-0.9, 0.9, (1, 1, 1, 2))
    for mode in ("bilinear", "bicubic"):
        assert gradcheck(lambda x, grid: F.grid_sample(x, grid, mode), [x, grid], order=2)  # noqa: B023


def test_an_empty_batch_stays_empty():
    x, grid = tg.tensor(np.zeros((0, 3, 4, 5)), requires_grad=True), tg.tensor(np.zeros((0, 2, 6, 2)))
    y = F.grid_sample(x, grid)
    assert y.shape == (0, 3, 2, 6) and tg.grad([y], [x], [np.zeros(y.shape)])[0].shape == x.shape


IMAGES, GRID = np.ones((2, 3, 4, 5)), np.zeros((2, 6, 7, 2))
VOLUMES, POINTS = np.ones((2, 3, 4, 5, 6)), np.zeros((2, 2, 3, 4, 3))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.grid_sample(IMAGES[0], GRID), ShapeError, "input of shape (3, 4, 5), grid of shape (2, 6, 7, 2)"),
        (lambda: F.grid_sample(IMAGES, GRID[:1]), ShapeError, "N x C x H x W with N x H' x W' x 2, or N x C x D x"),
        (lambda: F.grid_sample(IMAGES, POINTS), ShapeError, "grid of shape (2, 2, 3, 4, 3) (in grid_sample)"),
        (lambda: F.grid_sample(VOLUMES, GRID), ShapeError, "N x D' x H' x W' x 3"),
        (lambda: F.grid_sample(IMAGES[:, :, :0], GRID), ShapeError, "an image must have at least one pixel"),
        (lambda: F.grid_sample(IMAGES, GRID.astype("float32")), DTypeError, "grid of dtype float32"),
        (lambda: F.grid_sample(IMAGES.astype(int), GRID), DTypeError, "input of dtype int64, grid of dtype float64"),
        (lambda: F.grid_sample(IMAGES, GRID, "linear"), ValueError, "mode='linear' (in grid_sample): it must be one"),
        (lambda: F.grid_sample(IMAGES, GRID, padding_mode="edge"), ValueError, "padding_mode='edge'"),
        (lambda: F.grid_sample(VOLUMES, POINTS, "bicubic"), ShapeError, "volumes take bilinear or nearest"),
        (lambda: F.affine_grid(np.eye(2, 3)[None], (1, 3, 4)), ShapeError, "size=(1, 3, 4) (in affine_grid)"),
        (lambda: F.affine_grid(np.eye(2, 3)[None], 4), ShapeError, "size=4"),
        (lambda: F.affine_grid(np.eye(2, 3)[None], (1, 1, 2.5, 2)), ShapeError, "size=(1, 1, 2.5, 2)"),
        (lambda: F.affine_grid(np.eye(2, 3)[None], (1, 1, 0, 2)), ShapeError, "integers of at least 1"),
        (lambda: F.affine_grid(np.eye(2, 3), (1, 1, 2, 2)), ShapeError, "theta of shape (2, 3), size=(1, 1, 2, 2)"),
        (lambda: F.affine_grid(np.eye(2, 3)[None], (2, 1, 2, 2)), ShapeError, "it must be 2 x 2 x 3, one affine map"),
        (lambda: F.affine_grid(np.ones((1, 2, 3), int), (1, 1, 2, 2)), DTypeError, "theta of dtype int64"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
