"""Functions of one image beside torchvision's: on bytes what it makes of Pillow's images, on floats of tensors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.data.transforms.theirs import IMAGES, apart, array, floats, pillow
from tinygrad_cv.data.transforms import functional as ours

pytestmark = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
FACTORS = (0, 0.3, 1, 1.7, 2.5)
TURNS = (-0.5, -0.2, 0.0, 0.1, 0.5)
MOVES = [(10.5, (3, -2), 1.3, (5.0, -7.0)), (0.0, (0, 0), 1.0, (20.0, 0.0)), (-170.0, (1, 1), 0.5, (0.0, 9.0))]

# name, arguments, how far apart on bytes from theirs on Pillow's images, and on floats from theirs on tensors.
# Their weights of grey add up to 0.9999; ours, and Pillow's, to 1: GREY.
GREY = 1.01e-4
EXACT = [
    ("horizontal_flip", (), 0, 0),
    ("vertical_flip", (), 0, 0),
    *(("center_crop", ([h, w],), 0, 0) for h, w in ((20, 20), (37, 53), (40, 30), (36, 50), (60, 80), (34, 46))),
    *(("crop", (*place, 20, 30), 0, 0) for place in ((3, 5), (-4, -7), (30, 40), (-4, 40))),
    *(
        ("pad", (sides, 0, mode), 0, 0)
        for sides in (3, [4, 5], [1, 2, 3, 4])
        for mode in ("constant", "edge", "reflect", "symmetric")
    ),
    ("pad", (2, 9), 0, 0),
    ("rgb_to_grayscale", (1,), 0, GREY),
    ("rgb_to_grayscale", (3,), 0, GREY),
    *(("adjust_brightness", (f,), 0, 1e-6) for f in FACTORS),
    *(("adjust_contrast", (f,), 0, GREY * max(abs(1 - f), 0.01)) for f in FACTORS),
    *(("adjust_saturation", (f,), 0, GREY * max(abs(1 - f), 0.01)) for f in FACTORS),
    *(("adjust_sharpness", (f,), 0, 1e-6) for f in FACTORS),
    ("invert", (), 0, 0),
    ("autocontrast", (), 0, 1e-6),
    ("equalize", (), 0, 1e-6),
    *(("posterize", (bits,), 0, 1e-6) for bits in range(1, 9)),
]


@pytest.mark.parametrize(("name", "arguments", "bytes_apart", "floats_apart"), EXACT)
def test_the_same_pixels(name, arguments, bytes_apart, floats_apart, image, v2, torch):
    x, before = floats(image), image.copy()
    found = getattr(ours, name)(image, *arguments)
    np.testing.assert_array_equal(image, before)
    their_bytes = getattr(v2.functional, name)(pillow(image), *arguments)
    if name == "rgb_to_grayscale" or their_bytes.getbands() == pillow(image).getbands():
        assert apart(found, array(their_bytes)) <= bytes_apart
    their_floats = getattr(v2.functional, name)(torch.from_numpy(x), *arguments).numpy()
    assert apart(getattr(ours, name)(x, *arguments), their_floats) <= floats_apart
    double = getattr(ours, name)(x.astype(np.float64), *arguments)
    assert double.dtype == np.float64 and abs(double - getattr(ours, name)(x, *arguments)).max() < 1e-5


@pytest.mark.parametrize("threshold", [0, 100, 255])
def test_solarize(threshold, image, v2, torch):
    assert apart(ours.solarize(image, threshold), array(v2.functional.solarize(pillow(image), threshold))) == 0
    x = floats(image)
    assert apart(ours.solarize(x, 0.4), v2.functional.solarize(torch.from_numpy(x), 0.4).numpy()) == 0


@pytest.mark.parametrize("turn", TURNS)
def test_hue_is_that_of_tensors(turn, image, v2, torch):
    """Pillow's hue is rounded to 256 angles, and up to 13 levels away; of bytes tensors cut fractions off."""
    x = floats(image)
    expected = v2.functional.adjust_hue(torch.from_numpy(x), turn).numpy()
    assert apart(ours.adjust_hue(x, turn), expected) < 3e-6
    found = ours.adjust_hue(image, turn)
    rounded = np.rint(255 * expected).astype(np.uint8)
    assert apart(found, rounded) <= 1 and (found != rounded).mean() < 1e-3
    assert apart(found, v2.functional.adjust_hue(torch.from_numpy(image), turn).numpy()) <= 1
    if turn == 0.0:
        np.testing.assert_array_equal(found, image)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("expand", [False, True])
@pytest.mark.parametrize("angle", [0, 33.3, 90, 180, 270, -90, 400])
def test_rotate(angle, expand, interpolation, image, v2, torch):
    fill = [1, 2, 3][: len(image)]
    mode = v2.InterpolationMode(interpolation)
    expected = array(v2.functional.rotate(pillow(image), angle, mode, expand, None, fill))
    assert apart(ours.rotate(image, angle, interpolation, expand, fill=fill), expected) == 0
    expected = array(v2.functional.rotate(pillow(image), angle, mode, expand, [10, 30]))
    assert apart(ours.rotate(image, angle, interpolation, expand, (10, 30)), expected) == 0


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
@pytest.mark.parametrize("center", [None, [0, 0], [20.5, 7]])
@pytest.mark.parametrize(("angle", "translate", "scale", "shear"), MOVES)
def test_affine(angle, translate, scale, shear, center, interpolation, image, v2, torch):
    """Matrices differ in their last bits, and so do a few sums before they are rounded."""
    mode = v2.InterpolationMode(interpolation)
    expected = array(v2.functional.affine(pillow(image), angle, list(translate), scale, list(shear), mode, 7, center))
    found = ours.affine(image, angle, translate, scale, shear, interpolation, 7, center)
    assert apart(found, expected) <= (interpolation != "nearest")
    assert (found != expected).mean() < 0.01


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize(("angle", "translate", "scale", "shear"), MOVES)
def test_affine_of_floats_is_that_of_tensors_but_for_the_border(
    angle, translate, scale, shear, interpolation, image, v2, torch
):
    """At the border tensors fade to the fill over half a pixel; float32 positions may fall to another nearest pixel."""
    x, mode = floats(image), v2.InterpolationMode(interpolation)
    given = angle, list(translate), scale, list(shear)
    expected = v2.functional.affine(torch.from_numpy(x), *given, mode, fill=7.0).numpy()
    covered = v2.functional.affine(torch.ones(1, *x.shape[1:]), *given, v2.InterpolationMode("bilinear")).numpy()
    inside = np.broadcast_to((covered < 1e-6) | (covered > 1 - 1e-6), x.shape)
    found = ours.affine(x, angle, translate, scale, shear, interpolation, 7)
    assert inside.mean() > 0.9
    assert (abs(found - expected)[inside] > 1e-4).mean() < (1e-3 if interpolation == "nearest" else 1e-9)
