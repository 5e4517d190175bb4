"""Transforms as functions of an image and parameters, under the names of torchvision.transforms.v2.functional."""

from .color import (
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    adjust_sharpness,
    rgb_to_grayscale,
)
from .geometry import center_crop, crop, horizontal_flip, pad, vertical_flip
from .levels import autocontrast, equalize, invert, posterize, solarize
from .resizing import resize, resized_crop
from .values import erase, normalize, to_dtype
from .warping import affine, rotate

__all__ = [
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "adjust_sharpness",
    "affine",
    "autocontrast",
    "center_crop",
    "crop",
    "equalize",
    "erase",
    "horizontal_flip",
    "invert",
    "normalize",
    "pad",
    "posterize",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "solarize",
    "to_dtype",
    "vertical_flip",
]
