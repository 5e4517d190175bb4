"""Images read at any positions, and regions of them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ... import functional as F
from ...frontend.indexing import looked_up
from ...frontend.movement import concatenate
from ...frontend.tensor import Tensor
from ..call import numbers, tensor_of
from ..errors import OnnxError
from ..registry import Numbers, operator
from .arrangement import integers

MODES = {"linear": "bilinear", "cubic": "bicubic"}  # the names of opset 20, and those of before


@operator("GridSample", since=16)
def grid_sample(x: Tensor, grid: Tensor, *, align_corners: bool, mode: str, padding_mode: str) -> Tensor:
    kernel = cast(Any, MODES.get(mode, mode))
    return F.grid_sample(x, grid, kernel, cast(Any, padding_mode), align_corners)


@operator("AffineGrid", since=20)
def affine_grid(theta: Tensor, size: Numbers, *, align_corners: bool) -> Tensor:
    return F.affine_grid(theta, integers(size) or (), align_corners)


@operator("RoiAlign", since=10)
def roi_align(
    x: Tensor,
    rois: Any,
    batch_indices: Any,
    *,
    mode: str,
    output_height: int,
    output_width: int,
    sampling_ratio: int,
    spatial_scale: float,
    coordinate_transformation_mode: str = "output_half_pixel",
) -> Tensor:
    """The means of samples in bins of boxes; or, of boxes that are known, the largest of their weighted pixels."""
    if coordinate_transformation_mode not in ("half_pixel", "output_half_pixel"):
        raise OnnxError(
            f"coordinate_transformation_mode={coordinate_transformation_mode!r}: half_pixel or output_half_pixel."
        )
    aligned, size = coordinate_transformation_mode == "half_pixel", (output_height, output_width)
    if mode == "avg":
        boxes = concatenate([tensor_of(batch_indices.astype(rois.dtype)).reshape(-1, 1), tensor_of(rois)], 1)
        return F.roi_align(x, boxes, size, spatial_scale, sampling_ratio, aligned)
    if mode != "max":
        raise OnnxError(f"mode={mode!r}: it must be 'avg' or 'max'.")
    edges = numbers(rois, 1).astype(np.float64) * spatial_scale - (0.5 if aligned else 0.0)
    regions = [
        _largest(x[image], box, size, sampling_ratio, aligned)
        for image, box in zip(numbers(batch_indices, 2), edges, strict=True)
    ]
    return concatenate(regions, 0) if regions else x[:0, :, :output_height, :output_width]


def _largest(image: Tensor, box: np.ndarray, size: tuple[int, int], ratio: int, aligned: bool) -> Tensor:
    """The largest weighted pixel of each bin, 1 x C x H' x W', of an image C x H x W."""
    places, weights = [], []
    for low, high, bins, n in ((box[1], box[3], size[0], image.shape[1]), (box[0], box[2], size[1], image.shape[2])):
        step = (high - low if aligned else max(high - low, 1.0)) / bins
        count = ratio if ratio > 0 else max(int(np.ceil(step)), 1)
        place = low + np.arange(bins)[:, None] * step + (np.arange(count) + 0.5) * step / count  # i t
        seen = (place >= -1) & (place <= n)
        place = np.clip(place, 0, n - 1)
        below = np.floor(place).astype(int)
        share = place - below
        places.append(np.concatenate([below, np.minimum(below + 1, n - 1)], 1))
        weights.append(np.concatenate([(1 - share) * seen, share * seen], 1))
    pixels = places[0][:, None, :, None] * image.shape[2] + places[1][None, :, None, :]  # i j t s
    shares = weights[0][:, None, :, None] * weights[1][None, :, None, :]
    rows = looked_up(image.reshape(image.shape[0], -1).T, image._new(pixels.reshape(*size, -1)))  # i j (t s) c
    weighted = rows * image._new(shares.reshape(*size, -1, 1).astype(image.dtype))
    return weighted.max(2, ties="first").permute(2, 0, 1).expand_dims(0)  # i j c -> 1 c i j
