"""Dtypes, means and deviations, rectangles, beside torchvision's; conversions from Pillow; one way to grey."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.data.transforms.theirs import IMAGES, apart, array, floats, pillow
from tinygrad_cv.data import transforms as T
from tinygrad_cv.data.transforms import functional as F

NOISE = IMAGES["noise"]
DTYPES = ("uint8", "int8", "int16", "int32", "int64", "float32", "float64")


@pytest.mark.parametrize("target", DTYPES)
@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("scale", [False, True])
def test_dtypes_and_ranges(scale, source, target, v2, torch):
    kind = np.dtype(source)
    high = 1 if kind.kind == "f" else np.iinfo(kind).max
    image = (np.linspace(0, 1, 200).reshape(1, 10, 20) * float(high)).clip(0, float(high) * (1 - 1e-7)).astype(kind)
    tensor = torch.from_numpy(image)
    try:
        expected = v2.functional.to_dtype(tensor, getattr(torch, target), scale).numpy()
    except RuntimeError:
        with pytest.raises(ValueError, match="bits of digits"):
            F.to_dtype(image, target, scale)
        return
    found = F.to_dtype(image, target, scale)
    assert found.dtype == target
    np.testing.assert_allclose(found, expected, rtol=2e-7)


@pytest.mark.any_python
def test_float_and_back_is_the_same_byte():
    levels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    for kind in (np.float32, np.float64):
        there = F.to_dtype(levels, kind, scale=True)
        assert there.dtype == kind and there.max() == 1
        np.testing.assert_array_equal(F.to_dtype(there, np.uint8, scale=True), levels, strict=True)
    beyond = np.array([[[-0.5, 1.5, np.inf, -np.inf]]], np.float32)
    assert F.to_dtype(beyond, np.uint8, scale=True).tolist() == [[[0, 255, 255, 0]]]
    with pytest.raises(ValueError, match="image holds NaN"):
        F.to_dtype(beyond * np.float32(np.nan), np.uint8, scale=True)


def test_normalize_and_erase(v2, torch):
    x, mean, std = floats(NOISE), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    expected = v2.functional.normalize(torch.from_numpy(x), list(mean), list(std)).numpy()
    assert apart(F.normalize(x, mean, std), expected) < 1e-6
    assert apart(F.normalize(np.stack([x, x]), mean, std)[1], expected) < 1e-6
    overwritten = x.copy()
    assert F.normalize(overwritten, mean, std, inplace=True) is overwritten
    assert apart(overwritten, expected) < 1e-6
    value = np.array([1, 2, 3], np.uint8).reshape(3, 1, 1)
    tensor = v2.functional.erase(torch.from_numpy(NOISE), 3, 4, 5, 6, torch.from_numpy(value)).numpy()
    before = NOISE.copy()
    np.testing.assert_array_equal(F.erase(NOISE, 3, 4, 5, 6, value), tensor, strict=True)
    np.testing.assert_array_equal(NOISE, before)
    assert F.erase(before, 3, 4, 5, 6, value, inplace=True) is before
    np.testing.assert_array_equal(before, tensor)


@pytest.mark.any_python
def test_normalize_takes_floats():
    with pytest.raises(TypeError, match=r"Normalize: normalize: image is uint8; .* Use ToDtype"):
        T.Normalize(0.5, 0.25)(NOISE)
    with pytest.raises(ValueError, match="std has shape"):
        T.Normalize(0.5, (0.25, 0.5))(floats(NOISE))


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("L", lambda x: x[..., 0][None]),
        ("RGB", lambda x: x.transpose(2, 0, 1)),
        ("RGBA", lambda x: np.concatenate([x.transpose(2, 0, 1), np.full((1, 3, 4), 255)])),
        ("F", lambda x: x[..., 0][None]),
    ],
)
def test_images_of_pillows(mode, expected):
    x = np.arange(36, dtype=np.uint8).reshape(3, 4, 3)
    picture = Image.fromarray(x if mode.startswith("RGB") else x[..., 0]).convert(mode)
    found = T.ToImage()(picture)
    np.testing.assert_array_equal(found, expected(x))
    assert found.dtype == (np.float32 if mode == "F" else np.uint8) and found.flags.writeable
    assert T.ToImage()(found) is found


@pytest.mark.any_python
def test_16_bits_and_masks_of_pillows():
    deep = np.array([[0, 256, 65535]], np.uint16)
    found = T.Compose([T.ToImage(), T.ToDtype(np.float32, scale=True)])(Image.fromarray(deep))
    np.testing.assert_allclose(found, deep[None] / np.float32(65535))
    classes = Image.fromarray(np.array([[0, 1, 2]], np.uint8))
    classes.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0])
    image, mask = T.ToImage()(Image.new("RGB", (3, 1)), classes)
    assert image.shape == (3, 1, 3) and mask.tolist() == [[0, 1, 2]]
    with pytest.raises(ValueError, match=r'image has Pillow\'s mode P; .* Use \.convert\("RGB"\)'):
        T.ToImage()(classes)


def saturated():
    """A picture of slow waves, cut off at both ends, in RGB."""
    y, x = np.mgrid[:96, :120] / 16
    waves = np.stack([np.sin(x + y), np.cos(x - y / 2), np.sin(2 * y)], -1)
    return np.clip(127.5 + 200 * waves, 0, 255).astype(np.uint8)


@pytest.mark.any_python
def test_one_way_to_grey():
    """Grey is what convert("L") makes of RGB, when an image is read or later. That of a JPEG's draft is another."""
    for image in IMAGES.values():
        np.testing.assert_array_equal(F.rgb_to_grayscale(image), array(pillow(image).convert("L")), strict=True)
    assert F.rgb_to_grayscale(np.full((3, 1, 1), 255, np.uint8)).item() == 255
    assert F.rgb_to_grayscale(np.ones((3, 1, 1), np.float32)).item() == 1
    packed = io.BytesIO()
    Image.fromarray(saturated()).save(packed, "JPEG", quality=90)
    rgb, drafted = Image.open(packed), Image.open(io.BytesIO(packed.getvalue()))
    drafted.draft("L", drafted.size)
    assert drafted.mode == "L"
    grey = F.rgb_to_grayscale(T.ToImage()(rgb.convert("RGB")))
    np.testing.assert_array_equal(grey, T.ToImage()(rgb.convert("L")))
    assert apart(grey, T.ToImage()(drafted)) >= 4
