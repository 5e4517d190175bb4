"""normalize against the formula, pixel by pixel."""

import numpy as np
import pytest

from tinygrad_cv.data import normalize
from tinygrad_cv.data.preprocess import Preparation

pytestmark = pytest.mark.any_python

IMAGES = np.array([0, 51, 102, 153, 204, 255], np.uint8).reshape(1, 2, 1, 3)


def test_default_is_zero_to_one():
    found = normalize(IMAGES)
    assert found.dtype == np.float32 and found.shape == IMAGES.shape
    np.testing.assert_allclose(found.ravel(), [0, 0.2, 0.4, 0.6, 0.8, 1], rtol=1e-6)


@pytest.mark.parametrize(
    "mean, std", [(0.5, 0.25), ([0.1, 0.7], [0.5, 2.0]), ([0.1, 0.7], 0.5), ([0.3], np.float64(3))]
)
def test_formula(mean, std):
    means, stds = (np.broadcast_to(value, 2) for value in (mean, std))
    found = normalize(IMAGES, mean, std)
    assert found.dtype == np.float32
    for c in range(2):
        for w in range(3):
            expected = (float(IMAGES[0, c, 0, w]) / 255 - means[c]) / stds[c]
            assert found[0, c, 0, w] == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    "images, mean, std, error, message",
    [
        (IMAGES / 255, 0, 1, TypeError, "are float64.*divides by 255.*uint8 only"),
        (IMAGES[0], 0, 1, ValueError, r"shape \(2, 1, 3\).*N x C x H x W"),
        (IMAGES, [0, 0, 0], 1, ValueError, r"mean has shape \(3,\) for images of 2 channels.*2 in a sequence"),
        (IMAGES, 0, [[1, 1]], ValueError, r"std has shape \(1, 2\)"),
        (IMAGES, 0, [1, 0], ValueError, r"std is \[1\.0, 0\.0\].*above 0"),
        (IMAGES, 0, float("nan"), ValueError, r"std is \[nan\].*above 0"),
    ],
)
def test_errors(images, mean, std, error, message):
    with pytest.raises(error, match=message):
        normalize(images, mean, std)


def test_preparation_by_channel():
    """(x / 255 - mean) / std for each channel; black beyond the image; and back."""
    mean, std = (0.485, 0.456, 0.406), [0.229, 0.224, 0.225]
    prepare = Preparation(mean, std, "uint8", 3, 6, 6)
    images = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 6), np.uint8)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (0, 0))).astype(np.float64) / 255
    wanted = (padded - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(prepare(images), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(prepare.shown(prepare(images)), padded, atol=1e-6)
    np.testing.assert_allclose(prepare.black, wanted[0, :, 0, 0])
    in_colour = np.repeat(images[:, :1], 3, 1)
    np.testing.assert_array_equal(prepare(images[:, :1]), prepare(in_colour))
