"""Rotations and affine maps, by Pillow: the pixels that torchvision makes of Pillow's images.

Pillow and not :func:`tinygrad_cv.functional.grid_sample`, which has derivatives that no training image needs: it takes
bytes as they are, is many times as fast, and has cubic interpolation. Beyond the outermost pixels' edges it fills with
one value, towards which grid_sample fades over half a pixel.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import arguments
from ..fill import FillValue, fill_of
from ..pillow import MOVING, NEAREST, filter_of, pillow, resample, resampling
from .operands import operand, pixels

SMALLEST = 1e-6  # scale: below, an image is a point


def affine(
    image: np.ndarray,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: float | Sequence[float],
    interpolation: Any = "nearest",
    fill: FillValue | None = None,
    center: Sequence[float] | None = None,
) -> np.ndarray:
    """Shear, scale and rotate ... x H x W around the center, then move it: y(p) = x(M⁻¹ p).

    M = T C R(angle) S(scale) Y(shear y) X(shear x) C⁻¹, X(s) = [[1, -tan s], [0, 1]] and Y(s) = [[1, 0], [-tan s, 1]].

    Args:
        angle: degrees, clockwise.
        translate: (right, down), in pixels.
        scale: above 0.
        shear: degrees (x, y), or one number for x.
        interpolation: "nearest", "bilinear" or "bicubic".
        fill: beyond the border, one value or one for each channel; None is 0.
        center: (x, y) in pixels from the upper left corner; by default the middle.

    Raises:
        TypeError, ValueError: a wrong argument.

    >>> affine(np.array([[[1, 2, 3]]]), 0, (1, 0), 1, 0)
    array([[[0, 1, 2]]])
    """
    name = _moving("affine", image, interpolation)
    h, w = image.shape[-2:]
    around = (w / 2, h / 2) if center is None else arguments.pair("affine", "center", center)
    data = inverse_matrix(
        around,
        arguments.number("affine", "angle", angle),
        arguments.pair("affine", "translate", translate),
        arguments.number("affine", "scale", scale, SMALLEST),
        arguments.pair("affine", "shear", shear if np.ndim(shear) else (shear, 0)),
    )
    method, chosen = pillow().Transform.AFFINE, filter_of(name)
    return resample(
        image,
        name,
        lambda picture, color: picture.transform(picture.size, method, data, chosen, fillcolor=color),
        fill_of("affine", image, fill),
    )


def rotate(
    image: np.ndarray,
    angle: float,
    interpolation: Any = "nearest",
    expand: bool = False,
    center: Sequence[float] | None = None,
    fill: FillValue | None = None,
) -> np.ndarray:
    """Rotate ... x H x W around the center, counterclockwise.

    Args:
        angle: degrees.
        interpolation: "nearest", "bilinear" or "bicubic".
        expand: make the result as large as the whole rotated image.
        center: (x, y) in pixels from the upper left corner; by default the middle.
        fill: beyond the border, one value or one for each channel; None is 0.

    Raises:
        TypeError, ValueError: a wrong argument.

    >>> rotate(np.array([[[1, 2], [3, 4]]]), 90)
    array([[[2, 4],
            [1, 3]]])
    """
    name = _moving("rotate", image, interpolation)
    degrees, chosen = arguments.number("rotate", "angle", angle), filter_of(name)
    around = None if center is None else arguments.pair("rotate", "center", center)
    return resample(
        image,
        name,
        lambda picture, color: picture.rotate(degrees, chosen, bool(expand), around, fillcolor=color),
        fill_of("rotate", image, fill),
    )


def inverse_matrix(
    center: Sequence[float], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> tuple[float, ...]:
    """The first two rows of M⁻¹ of :func:`affine`: from places in the result to places in the image.

    >>> inverse_matrix((0, 0), 0.0, (3, 0), 2.0, (0, 0))
    (0.5, -0.0, -1.5, -0.0, 0.5, 0.0)
    """
    turn, x, y = (math.radians(v) for v in (angle, *shear))
    rotation = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    (a, b), (c, d) = rotation @ [[1, 0], [-math.tan(y), 1]] @ [[1, -math.tan(x)], [0, 1]]
    inverse = np.array([[d, -b], [-c, a]]) / scale  # the determinant is 1
    offset = np.array(center) - inverse @ (np.array(center) + np.array(translate))
    return tuple(map(float, np.column_stack([inverse, offset]).ravel()))


def _moving(owner: str, image: np.ndarray, interpolation: Any) -> str:
    name = resampling(owner, interpolation, MOVING)
    (operand if name in NEAREST else pixels)(owner, image)
    return name
