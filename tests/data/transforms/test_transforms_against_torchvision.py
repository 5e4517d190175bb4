"""Transforms beside torchvision's: pixels for the parameters that those drew, and how parameters are distributed."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest

from tests.data.transforms.theirs import IMAGES, apart, array, floats, pillow
from tinygrad_cv.data import transforms as ours
from tinygrad_cv.data.randomness import sample_generator

NOISE, SCENE = IMAGES["noise"], IMAGES["scene"]
DRAWS = 2000


def both(v2, name, *arguments, **options):
    return getattr(ours, name)(*arguments, **options), getattr(v2, name)(*arguments, **options)


def test_signatures(v2, torch):
    """Names, order and defaults; what ours have beyond is for keywords only. Theirs have a way to find labels."""
    for name in sorted(set(ours.__all__) - {"BatchTransform", "functional", "Transform"}):
        mine, other = (list(inspect.signature(getattr(kind, name)).parameters.values()) for kind in (ours, v2))
        kept = [p for p in mine if p.name not in ("mode",)]
        wanted = [p for p in other if p.name != "labels_getter"]
        assert [(p.name, p.kind, _plain(p.default)) for p in kept] == [
            (p.name, p.kind, _plain(p.default)) for p in wanted
        ]
    for name in ours.functional.__all__:
        mine, other = (
            list(inspect.signature(getattr(kind, name)).parameters.values())
            for kind in (ours.functional, v2.functional)
        )
        kept = [p.name for p in mine if p.name != "mode"]
        assert kept == ["image", *(p.name for p in other[1:])], name


def _plain(value):
    value = getattr(value, "value", value)
    return tuple(value) if isinstance(value, (tuple, list)) else value


FIXED = [
    ("Pad", ([1, 2, 3, 4], 7), {}),
    ("CenterCrop", (30,), {}),
    ("RandomCrop", (28,), {"padding": 4, "fill": 9}),
    ("RandomCrop", ((60, 30),), {"pad_if_needed": True, "padding_mode": "reflect"}),
    ("RandomResizedCrop", (24,), {}),
    ("RandomResizedCrop", ((24, 31),), {"interpolation": "bicubic", "scale": (0.5, 0.9)}),
    ("RandomHorizontalFlip", (1.0,), {}),
    ("RandomVerticalFlip", (1.0,), {}),
    ("Resize", (20,), {"interpolation": "lanczos"}),
    ("RandomRotation", (40,), {"fill": [1, 2, 3]}),
    ("RandomRotation", ((10, 80),), {"interpolation": "bilinear", "expand": True}),
    ("Grayscale", (3,), {}),
    ("RandomGrayscale", (1.0,), {}),
]


@pytest.mark.parametrize(("name", "arguments", "options"), FIXED)
def test_pixels_of_their_parameters(name, arguments, options, v2, torch):
    mine, other = both(v2, name, *arguments, **options)
    torch.manual_seed(0)
    for image in (NOISE, SCENE):
        for _ in range(10):
            picture = pillow(image)
            if name == "RandomGrayscale":
                params = {"num_input_channels": 3}
            else:
                params = other.make_params([picture])
            assert apart(mine.transform(image, params), array(other.transform(picture, params))) == 0


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_affine_pixels_of_their_parameters(interpolation, v2, torch):
    mine, other = both(v2, "RandomAffine", 30, (0.2, 0.1), (0.7, 1.4), (-9, 9, -5, 5), interpolation, 5)
    torch.manual_seed(0)
    for _ in range(20):
        params = other.make_params([pillow(NOISE)])
        found, expected = mine.transform(NOISE, params), array(other.transform(pillow(NOISE), params))
        assert apart(found, expected) <= (interpolation != "nearest") and (found != expected).mean() < 0.01


def test_color_jitter_pixels_of_their_parameters(v2, torch):
    mine, other = both(v2, "ColorJitter", 0.4, 0.4, 0.4)
    torch.manual_seed(0)
    for _ in range(20):
        params = other.make_params([pillow(NOISE)])
        names = [("brightness", "contrast", "saturation", "hue")[i] for i in params["fn_idx"].tolist()]
        factors = {name: params[f"{name}_factor"] for name in names if name != "hue"}
        assert apart(mine.transform(NOISE, factors), array(other.transform(pillow(NOISE), params))) == 0


@pytest.mark.parametrize("value", [0.5, (0.1, 0.2, 0.3), "random"])
def test_erasing_pixels_of_their_parameters(value, v2, torch):
    mine, other = both(v2, "RandomErasing", 1.0, value=value)
    x = floats(NOISE)
    torch.manual_seed(0)
    for _ in range(20):
        params = other.make_params([torch.from_numpy(x)])
        expected = other.transform(torch.from_numpy(x), params).numpy()
        np.testing.assert_array_equal(mine.transform(x, params), expected, strict=True)


@pytest.mark.parametrize("name", ["MixUp", "CutMix"])
@pytest.mark.parametrize("probabilities", [False, True])
def test_mixtures_of_their_parameters(probabilities, name, v2, torch):
    mine, other = both(v2, name, alpha=0.7, num_classes=5)
    x = np.stack([floats(image) for image in IMAGES.values() if len(image) == 3])
    labels = np.array([4, 0, 1, 1])
    given = np.eye(5, dtype=np.float32)[labels] if probabilities else labels
    torch.manual_seed(0)
    for _ in range(20):
        params = other.make_params([torch.from_numpy(x)])
        mine.make_params = lambda images, rng, params=params: params
        images, shares = mine(x, given)
        tensors = {"labels": torch.from_numpy(labels), "batch_size": 4, **params}
        assert apart(images, other.transform(torch.from_numpy(x), tensors).numpy()) < 1e-6
        assert (
            apart(
                shares, other._mixup_label(tensors["labels"], lam=params.get("lam", params.get("lam_adjusted"))).numpy()
            )
            < 1e-6
        )


POLICIES = [("RandAugment", 30, 9), ("RandAugment", 10, 4), ("TrivialAugmentWide", 31, 0)]


@pytest.mark.parametrize(("name", "bins", "magnitude"), POLICIES)
def test_policies_have_their_operations_and_magnitudes(name, bins, magnitude, v2, torch):
    options = {"magnitude": magnitude} if name == "RandAugment" else {}
    mine, other = both(v2, name, num_magnitude_bins=bins, **options)
    space = other._AUGMENTATION_SPACE
    h, w = NOISE.shape[1:]
    assert mine.ranges(h, w).keys() == space.keys()
    for operation, (magnitudes, signed) in space.items():
        values = magnitudes(bins, h, w)
        first, last = mine.ranges(h, w)[operation]
        for place in range(bins):
            expected = 0.0 if values is None else float(values[place])
            found = first + (last - first) * place / (bins - 1)
            assert math.isclose(
                round(found) if operation == "Posterize" else found, expected, rel_tol=1e-5, abs_tol=1e-6
            )
        if values is not None:
            assert signed == (operation in ours.policies.EITHER_WAY)


@pytest.mark.parametrize("operation", list(ours.TrivialAugmentWide().ranges(9, 9)))
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_policies_make_their_pixels(interpolation, operation, v2, torch):
    mine, other = both(v2, "TrivialAugmentWide", interpolation=interpolation, fill=(9, 8, 7))
    first, last = mine.ranges(*NOISE.shape[1:])[operation]
    for image in (NOISE, SCENE):
        for part in (0.11, 0.49, 1.0):
            magnitude = first + (last - first) * part
            for m in (magnitude, -magnitude) if operation in ours.policies.EITHER_WAY else (magnitude,):
                found = mine.transform(image, {"operations": [(operation, m)]})
                used = round(m) if operation == "Posterize" else m
                expected = array(
                    other._apply_image_or_video_transform(
                        pillow(image), operation, used, v2.InterpolationMode(interpolation), other._fill
                    )
                )
                moves = operation in ours.policies.MOVES
                assert apart(found, expected) <= (moves and interpolation != "nearest"), (operation, m)
                assert (found != expected).mean() < 0.01


def drawn(v2, torch, name, arguments, options, shape=(3, 37, 53)):
    """Parameters of 2,000 images, ours of samples of a loader and theirs; each as numbers by name."""
    mine, other = both(v2, name, *arguments, **options)
    image, torch_image = np.zeros(shape, np.float32), torch.zeros(shape)
    torch.manual_seed(1)
    found = [mine.make_params(image, sample_generator(3, 1, i)) for i in range(DRAWS)]
    return found, [other.make_params([torch_image]) for _ in range(DRAWS)]


def differ(a, b):
    """The largest distance of two empirical distributions, times what makes it comparable (Kolmogorov and Smirnov)."""
    ends = np.sort(np.concatenate([a, b]))
    below = [np.searchsorted(np.sort(x), ends, side="right") / len(x) for x in (a, b)]
    return float(abs(below[0] - below[1]).max() * math.sqrt(len(a) * len(b) / (len(a) + len(b))))


LIMIT = 2.05  # two samples of one distribution are farther apart once in 2,200 times

RANDOM = [
    ("RandomCrop", (28,), {"padding": 4}, ("top", "left")),
    ("RandomResizedCrop", (24,), {}, ("top", "left", "height", "width")),
    ("RandomResizedCrop", (24,), {"scale": (0.1, 0.3), "ratio": (0.4, 0.9)}, ("top", "left", "height", "width")),
    ("RandomResizedCrop", (24,), {"scale": (0.9, 1.0), "ratio": (0.3, 0.5)}, ("top", "left", "height", "width")),
    ("RandomRotation", (40,), {}, ("angle",)),
    ("RandomAffine", (30, (0.2, 0.1), (0.7, 1.4), (-9, 9, -5, 2)), {}, ("angle", "scale", "translate", "shear")),
    ("RandomErasing", (1.0,), {}, ("i", "j", "h", "w")),
    ("RandomErasing", (1.0, (0.5, 1.0), (0.3, 4.0)), {}, ("i", "j", "h", "w")),
]


@pytest.mark.parametrize(("name", "arguments", "options", "names"), RANDOM)
def test_parameters_are_distributed_as_theirs(name, arguments, options, names, v2, torch):
    found, expected = drawn(v2, torch, name, arguments, options)
    if name == "RandomErasing":  # where ten rectangles did not fit theirs has no values, ours no parameters
        expected = [params if params["v"] is not None else {} for params in expected]
        assert abs(sum(map(bool, found)) - sum(map(bool, expected))) < 4 * math.sqrt(DRAWS / 2)
        found, expected = [params for params in found if params], [params for params in expected if params]
    assert min(len(found), len(expected)) > DRAWS / 2
    for key in names:
        a, b = (np.array([params[key] for params in side], float).reshape(len(side), -1) for side in (found, expected))
        assert max(differ(a[:, i], b[:, i]) for i in range(a.shape[1])) < LIMIT, key
    if len(names) == 4 and name != "RandomAffine":
        a, b = (np.array([math.prod(params[key] for key in names[2:]) for params in s]) for s in (found, expected))
        assert differ(a, b) < LIMIT  # areas: both sides of a rectangle together


def test_factors_and_their_order_are_distributed_as_theirs(v2, torch):
    found, expected = drawn(v2, torch, "ColorJitter", (0.4, (0.2, 1.9), 0.6, 0.3), {})
    names = ("brightness", "contrast", "saturation", "hue")
    for name in names:
        assert (
            differ(*(np.array([p[k] for p in side]) for side, k in ((found, name), (expected, f"{name}_factor"))))
            < LIMIT
        )
    orders = [tuple(names.index(name) for name in params) for params in found]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert ((counts - DRAWS / 24) ** 2 / (DRAWS / 24)).sum() < 52  # chi-square of 23 degrees: once in 2,000


def test_shares_are_distributed_as_theirs(v2, torch):
    for name, key in (("MixUp", "lam"), ("CutMix", "lam_adjusted")):
        mine, other = both(v2, name, alpha=0.7, num_classes=5)
        x = np.zeros((4, 3, 37, 53), np.float32)
        torch.manual_seed(2)
        found = [mine.make_params(x, sample_generator(0, 0, i)) for i in range(DRAWS)]
        expected = [other.make_params([torch.from_numpy(x)]) for _ in range(DRAWS)]
        assert differ(*(np.array([params[key] for params in side]) for side in (found, expected))) < LIMIT
        if name == "CutMix":
            boxes = [np.array([params["box"] for params in side]) for side in (found, expected)]
            for i in range(4):
                assert differ(boxes[0][:, i], boxes[1][:, i]) < LIMIT


def test_the_measure_of_distributions_can_fail():
    """A range that is a tenth wider, a mean a tenth of the width away, and whole numbers that leave out the last."""
    rng = np.random.default_rng(0)
    one = rng.random(DRAWS)
    assert differ(one, rng.random(DRAWS)) < LIMIT
    assert min(differ(one, rng.random(DRAWS) * 1.1), differ(one, rng.random(DRAWS) + 0.1)) > LIMIT
    assert differ(rng.integers(10, size=DRAWS), rng.integers(9, size=DRAWS)) > LIMIT
