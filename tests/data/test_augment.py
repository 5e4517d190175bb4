"""Augmentations; the oracle is a loop over the images, or a count."""

import numpy as np
import pytest

from tinygrad_cv.data import compose, random_horizontal_flip, random_shift

pytestmark = pytest.mark.quick


@pytest.fixture
def rng():
    return np.random.default_rng(5)


@pytest.fixture
def images():
    return np.arange(1, 1 + 6 * 2 * 5 * 4, dtype=np.float32).reshape(6, 2, 5, 4)


def test_flip_always_and_never(images, rng):
    np.testing.assert_array_equal(random_horizontal_flip(1)(images, rng), np.flip(images, 3), strict=True)
    np.testing.assert_array_equal(random_horizontal_flip(0)(images, rng), images, strict=True)


def test_flip_takes_each_image_whole_with_probability_p(rng):
    images = np.tile(np.array([1, 2], np.uint8), (4000, 3, 1, 1)).reshape(4000, 3, 1, 2)
    found = random_horizontal_flip(0.25)(images, rng)
    flipped = found[:, :, 0, 0] == 2
    assert (flipped.all(1) | ~flipped.any(1)).all() and found.dtype == np.uint8
    assert abs(flipped[:, 0].mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / 4000)


def shifted(image, i, j, fill):
    expected = np.full_like(image, fill)
    height, width = image.shape[1:]
    for h in range(height):
        for w in range(width):
            if 0 <= h + i < height and 0 <= w + j < width:
                expected[:, h, w] = image[:, h + i, w + j]
    return expected


@pytest.mark.parametrize("fill", [0, -1.5])
def test_every_image_is_one_of_the_shifts(images, rng, fill):
    found = random_shift(2, fill)(images, rng)
    assert found.shape == images.shape and found.dtype == images.dtype
    for before, after in zip(images, found, strict=True):
        moves = [shifted(before, i, j, fill) for i in range(-2, 3) for j in range(-2, 3)]
        assert sum(np.array_equal(after, move) for move in moves) == 1


def test_shifts_are_even(rng):
    images = np.zeros((9000, 1, 5, 5), np.uint8)
    images[:, 0, 2, 2] = 1
    where = random_shift(1)(images, rng)[:, 0].reshape(9000, 25).argmax(1)
    counts = np.bincount(where, minlength=25).reshape(5, 5)
    assert counts.sum() == counts[1:4, 1:4].sum() == 9000
    assert abs(counts[1:4, 1:4] - 1000).max() < 5 * np.sqrt(9000 * 1 / 9 * 8 / 9)


def test_shift_zero_and_beyond_the_image(images, rng):
    np.testing.assert_array_equal(random_shift(0)(images, rng), images, strict=True)
    assert random_shift(9)(images, rng).shape == images.shape


@pytest.mark.parametrize("transform", [random_shift(2), random_horizontal_flip()])
def test_same_rng_same_result_and_input_untouched(images, transform):
    before = images.copy()
    one, two = (transform(images, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, two, strict=True)
    np.testing.assert_array_equal(images, before, strict=True)


def test_compose_is_in_order(images, rng):
    both = compose(lambda x, rng: x + 1, lambda x, rng: x * 2)
    np.testing.assert_array_equal(both(images, rng), (images + 1) * 2)
    assert compose()(images, rng) is images


def test_errors(rng):
    with pytest.raises(ValueError, match=r"p is 1\.5; a probability must be in \[0, 1\]"):
        random_horizontal_flip(1.5)
    for pixels in (-1, 1.5):
        with pytest.raises(ValueError, match=f"pixels is {pixels}; it must be a whole number"):
            random_shift(pixels)
    for transform in (random_shift(1), random_horizontal_flip()):
        with pytest.raises(ValueError, match=r"shape \(28, 28\); it must be N x C x H x W"):
            transform(np.zeros((28, 28)), rng)
