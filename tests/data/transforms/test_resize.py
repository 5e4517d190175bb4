"""Resizing beside Pillow in both modes, beside PyTorch's floats, and its sizes beside torchvision's."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image

from tests.data.transforms.theirs import IMAGES, apart, array, floats, pillow
from tinygrad_cv.data.transforms import functional as F

FILTERS = {
    name: getattr(Image.Resampling, name.upper()) for name in ("bilinear", "bicubic", "box", "hamming", "lanczos")
}
SIZES = [(20, 20), (60, 80), (11, 90), (37, 20), (1, 1)]
BLACK_AND_WHITE, MIDDLE_GREYS = IMAGES["black and white"], IMAGES["middle greys"]


def in_mode_f(image, size, interpolation):
    """By Pillow, one channel after the other, as floats."""
    planes = [Image.fromarray(plane.astype(np.float32)) for plane in image]
    return np.stack([np.asarray(plane.resize(size[::-1], FILTERS[interpolation])) for plane in planes])


@pytest.mark.parametrize("interpolation", FILTERS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_both_modes_are_pillows(image, size, interpolation):
    theirs = array(pillow(image).resize(size[::-1], FILTERS[interpolation]))
    assert apart(F.resize(image, size, interpolation), theirs) == 0
    assert apart(F.resize(image, size, interpolation, mode="pillow"), theirs) == 0
    sums = in_mode_f(image, size, interpolation)
    once = np.clip(np.rint(sums), 0, 255).astype(np.uint8)
    assert apart(F.resize(image, size, interpolation, mode="float"), once) == 0
    assert apart(F.resize(image.astype(np.float32), size, interpolation), sums) == 0
    four = np.concatenate([image, image[:1]])[:4]  # other than 1 or 3 channels: one by one
    np.testing.assert_array_equal(F.resize(four, size, interpolation)[: len(image)], theirs)


@pytest.mark.any_python
@pytest.mark.parametrize(("interpolation", "least", "most"), [("bicubic", 15, 30), ("lanczos", 15, 60)])
def test_the_modes_differ_where_the_first_pass_leaves_the_range(interpolation, least, most):
    """On black and white noise they do, on middle greys nothing leaves it."""
    modes = [F.resize(BLACK_AND_WHITE, (60, 80), interpolation, mode=mode) for mode in ("pillow", "float")]
    assert least <= apart(*modes) <= most
    modes = [F.resize(MIDDLE_GREYS, (60, 80), interpolation, mode=mode) for mode in ("pillow", "float")]
    assert apart(*modes) == 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_floats_are_pytorchs(image, size, v2, torch):
    x = floats(image)
    for interpolation in ("bilinear", "bicubic", "lanczos"):
        mode = v2.InterpolationMode(interpolation)
        expected = v2.functional.resize(torch.from_numpy(x), list(size), mode).numpy()
        assert apart(F.resize(x, size, interpolation), expected) < 1e-5
    for interpolation in ("bilinear", "bicubic"):
        mode = v2.InterpolationMode(interpolation)
        expected = v2.functional.resize(torch.from_numpy(x), list(size), mode, antialias=False).numpy()
        assert apart(F.resize(x, size, interpolation, antialias=False), expected) < 1e-5
        once = np.clip(np.rint(255 * expected), 0, 255).astype(np.uint8)
        assert apart(F.resize(image, size, interpolation, antialias=False), once) <= 1
    expected = v2.functional.resize(torch.from_numpy(x), list(size), v2.InterpolationMode("nearest-exact"))
    assert apart(F.resize(x, size, "nearest"), expected.numpy()) == 0


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int8, np.uint16, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 14), (1, 9, 14), (5, 9, 14)])
@pytest.mark.parametrize("size", [(4, 5), (30, 20)])
def test_nearest_takes_the_pixel_at_the_center_for_every_dtype(size, shape, dtype):
    image = np.random.default_rng(1).integers(0, 1 << 15, shape).astype(dtype)
    rows, columns = ([(2 * i + 1) * old // (2 * n) for i in range(n)] for n, old in zip(size, shape[-2:], strict=True))
    expected = image[..., np.array(rows)[:, None], columns]
    for name in ("nearest", "nearest-exact", 0, Image.Resampling.NEAREST):
        np.testing.assert_array_equal(F.resize(image, size, name), expected, strict=True)


@pytest.mark.parametrize("shape", [(37, 53), (53, 37), (20, 20), (500, 3)])
def test_sizes_are_torchvisions(shape, v2, torch):
    image = np.zeros((1, *shape), np.uint8)
    for size, max_size in ((20, None), ((20,), None), (20, 25), (31, 1000), (None, 40), ([7, 9], None)):
        wanted = [size] if isinstance(size, int) else size
        try:
            expected = v2.functional.resize(torch.from_numpy(image), wanted, max_size=max_size).shape
        except RuntimeError:  # "output sizes should be greater than 0"
            with pytest.raises(ValueError, match="an edge of 0"):
                F.resize(image, size, max_size=max_size)
        else:
            assert F.resize(image, size, max_size=max_size).shape == expected


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("image", "arguments", "words"),
    [
        (BLACK_AND_WHITE, {"size": (4, 4), "interpolation": "lanczos", "antialias": False}, "has it always"),
        (BLACK_AND_WHITE, {"size": 4, "antialias": False, "mode": "pillow"}, 'Take mode="float"'),
        (BLACK_AND_WHITE.astype(np.float32), {"size": 4, "mode": "pillow"}, "is for uint8"),
        (BLACK_AND_WHITE, {"size": (4, 4), "max_size": 9}, "with both edges, leave it out"),
        (BLACK_AND_WHITE, {"size": 9, "max_size": 9}, "it must be less"),
        (BLACK_AND_WHITE, {"size": None}, "size and max_size are None"),
        (
            BLACK_AND_WHITE,
            {"size": 4, "interpolation": "cubic"},
            "interpolation is 'cubic'; it must be one of 'nearest'",
        ),
        (BLACK_AND_WHITE, {"size": 4, "mode": "bytes"}, "mode is 'bytes'; it must be one of 'pillow', 'float'"),
        (BLACK_AND_WHITE.astype(np.int16), {"size": 4}, "image is int16; it must be uint8 (0 to 255)"),
    ],
)
def test_what_excludes_each_other(image, arguments, words):
    with pytest.raises((ValueError, TypeError), match=re.escape(words)):
        F.resize(image, **arguments)
