"""Transforms with one argument spoiled, of constructors, calls and functions: no error from inside."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from tests.misuse.spoiling import shown, wrong_values
from tests.misuse.verdict import complaint
from tinygrad_cv.data import transforms as T
from tinygrad_cv.data.randomness import sample_generator
from tinygrad_cv.data.transforms import functional as F

pytest.importorskip("PIL")

IMAGE = np.arange(3 * 12 * 16, dtype=np.uint8).reshape(3, 12, 16)
FLOATS = IMAGE.astype(np.float32) / 255
MASK = np.zeros((12, 16), np.int64)

# a right value for each parameter; what takes others as well has a row for each
TRANSFORMS = {
    "CenterCrop": [{"size": 8}, {"size": (8, 9)}],
    "ColorJitter": [{"brightness": 0.2, "contrast": (0.5, 1.5), "saturation": 0.3, "hue": 0.1}],
    "Compose": [{"transforms": [T.Pad(1)]}],
    "Grayscale": [{"num_output_channels": 3}],
    "Normalize": [{"mean": 0.5, "std": 0.25}, {"mean": (0.5, 0.4, 0.3), "std": (0.5, 0.5, 0.5)}],
    "Pad": [{"padding": 2, "fill": 0, "padding_mode": "constant"}, {"padding": (1, 2, 3, 4), "fill": (1, 2, 3)}],
    "RandAugment": [{"num_ops": 2, "magnitude": 9, "num_magnitude_bins": 31, "interpolation": "nearest", "fill": None}],
    "RandomAffine": [
        {
            "degrees": 10,
            "translate": (0.1, 0.2),
            "scale": (0.5, 2.0),
            "shear": 5,
            "interpolation": "nearest",
            "fill": 0,
        },
        {"degrees": (-10, 10), "translate": None, "scale": None, "shear": (1, 2, 3, 4), "center": (5, 6)},
    ],
    "RandomApply": [{"transforms": [T.Pad(1)], "p": 0.5}],
    "RandomChoice": [{"transforms": [T.Pad(1), T.Pad(2)], "p": (0.5, 0.5)}, {"transforms": [T.Pad(1)], "p": None}],
    "RandomCrop": [
        {"size": 8, "padding": 2, "pad_if_needed": False, "fill": 0, "padding_mode": "edge"},
        {"size": (8, 9), "padding": (1, 2), "fill": (1, 2, 3)},
    ],
    "RandomErasing": [{"p": 1.0, "scale": (0.1, 0.3), "ratio": (0.3, 3.3), "value": 0}, {"value": (1, 2, 3)}],
    "RandomGrayscale": [{"p": 1.0}],
    "RandomHorizontalFlip": [{"p": 1.0}],
    "RandomOrder": [{"transforms": [T.Pad(1), T.Pad(2)]}],
    "RandomResizedCrop": [
        {
            "size": 8,
            "scale": (0.5, 1.0),
            "ratio": (0.75, 1.3),
            "interpolation": "bilinear",
            "antialias": True,
            "mode": None,
        }
    ],
    "RandomRotation": [
        {"degrees": 10, "interpolation": "nearest", "expand": False, "center": None, "fill": 0},
        {"degrees": (5, 10), "center": (3, 4), "fill": (1, 2, 3)},
    ],
    "RandomVerticalFlip": [{"p": 1.0}],
    "Resize": [
        {"size": 8, "interpolation": "bilinear", "max_size": 20, "antialias": True, "mode": "pillow"},
        {"size": (8, 9), "max_size": None, "mode": None},
    ],
    "ToDtype": [{"dtype": "float32", "scale": True}, {"dtype": {"image": "float32", "mask": "int32"}}],
    "ToImage": [{}],
    "TrivialAugmentWide": [{"num_magnitude_bins": 31, "interpolation": "nearest", "fill": (1, 2, 3)}],
}
MIXTURES = {"MixUp": {"alpha": 0.5, "num_classes": 4}, "CutMix": {"alpha": 0.5, "num_classes": 4}}
FUNCTIONS = {
    "adjust_brightness": {"brightness_factor": 1.5},
    "adjust_contrast": {"contrast_factor": 1.5},
    "adjust_hue": {"hue_factor": 0.1},
    "adjust_saturation": {"saturation_factor": 1.5},
    "adjust_sharpness": {"sharpness_factor": 1.5},
    "affine": {
        "angle": 5.0,
        "translate": (1, 2),
        "scale": 1.5,
        "shear": (1, 2),
        "interpolation": "bilinear",
        "fill": (1, 2, 3),
        "center": (3, 4),
    },
    "autocontrast": {},
    "center_crop": {"output_size": (8, 9)},
    "crop": {"top": 1, "left": 2, "height": 5, "width": 6},
    "equalize": {},
    "erase": {"i": 1, "j": 2, "h": 3, "w": 4, "v": 0},
    "horizontal_flip": {},
    "invert": {},
    "normalize": {"mean": (0.5, 0.4, 0.3), "std": 0.5},
    "pad": {"padding": (1, 2), "fill": (1, 2, 3), "padding_mode": "constant"},
    "posterize": {"bits": 3},
    "resize": {"size": 8, "interpolation": "bilinear", "max_size": None, "antialias": True, "mode": None},
    "resized_crop": {"top": 1, "left": 2, "height": 5, "width": 6, "size": (7, 8), "interpolation": "bicubic"},
    "rgb_to_grayscale": {"num_output_channels": 1},
    "rotate": {"angle": 5.0, "interpolation": "nearest", "center": None, "fill": 0},
    "solarize": {"threshold": 0.5},
    "to_dtype": {"dtype": "uint8", "scale": True},
    "vertical_flip": {},
}


def image_for(name):
    return FLOATS if name in ("Normalize", "normalize", "solarize", "to_dtype", "erase") else IMAGE


def run(name, arguments, *inputs):
    """Made and called: what a constructor cannot know, such as the number of channels, the call says."""
    return getattr(T, name)(**arguments)(*inputs, generator=sample_generator(0, 0, 1))


def test_every_transform_and_function_is_walked_through():
    assert sorted([*TRANSFORMS, *MIXTURES, "BatchTransform", "Transform", "functional"]) == sorted(T.__all__)
    assert sorted(FUNCTIONS) == sorted(F.__all__)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    words = {*inspect.signature(getattr(T, name)).parameters, "image", "mask", "inputs"}
    found = []
    for good in TRANSFORMS[name]:
        run(name, good, image_for(name), MASK) if good.get("fill") != (1, 2, 3) else run(name, good, image_for(name))
        for key, value in good.items():
            for wrong in wrong_values(value):
                call = lambda key=key, wrong=wrong, good=good: run(name, {**good, key: wrong}, image_for(name))  # noqa: E731
                problem = complaint(call, name, words)
                found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
        for which, inputs in enumerate((image_for(name), MASK)):
            for wrong in wrong_values(inputs):
                given = (wrong,) if which == 0 else (image_for(name), wrong)
                inner = "Pad" if name in ("Compose", "RandomApply", "RandomChoice", "RandomOrder") else name
                problem = complaint(lambda given=given, good=good: run(name, good, *given), inner, words | {"fill"})
                found += [f"{name}{tuple(map(shown, given))}: {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures(name):
    good, found = MIXTURES[name], []
    images, labels = np.stack([FLOATS] * 4), np.array([0, 1, 2, 3])
    cases = [({**good, key: wrong}, images, labels) for key, value in good.items() for wrong in wrong_values(value)]
    cases += [(good, wrong, labels) for wrong in wrong_values(images)]
    cases += [(good, images, wrong) for wrong in wrong_values(labels)]
    for arguments, *inputs in cases:
        problem = complaint(lambda a=arguments, i=inputs: run(name, a, *i), name, {*good, "images", "labels"})
        found += [f"{name}({arguments})({', '.join(map(shown, inputs))}): {problem}"] if problem else []
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions(name):
    function, good, found = getattr(F, name), {"image": image_for(name), **FUNCTIONS[name]}, []
    words = inspect.signature(function).parameters
    function(**good)
    for key, value in good.items():
        for wrong in wrong_values(value):
            problem = complaint(lambda key=key, wrong=wrong: function(**{**good, key: wrong}), name, words)
            found += [f"{name}({key}={shown(wrong)}): {problem}"] if problem else []
    assert not found, "\n".join(found)
