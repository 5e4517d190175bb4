"""Images read at any positions, and regions of them."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from ... import functional as F
from ...frontend.indexing import looked_up
from ...frontend.movement import concatenate
from ...frontend.tensor import Tensor
from ...functional.arguments import output_size
from ..call import numbers, tensor_of
from ..errors import OnnxError
from ..registry import Integers, Numbers, operator
from .arrangement import integers
from .windows import borders, check_kernel, each

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


@operator("DeformConv", since=19)
def deform_conv(
    x: Tensor,
    w: Tensor,
    offset: Tensor,
    b: Tensor | None = None,
    mask: Tensor | None = None,
    *,
    group: int,
    offset_group: int,
    dilations: Integers | None = None,
    kernel_shape: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """A convolution whose taps are read beside their places (Dai et al., "Deformable convolutional networks", 2017).

    The offsets (y, x) of each tap, and its factor in the mask, are those of the output's pixel.
    """
    if x.ndim != 4:
        raise OnnxError(f"input of shape {x.shape}: it must be N x C x H x W.")
    (n, c, *size), (o, _, *kernel) = x.shape, w.shape
    check_kernel(kernel_shape, kernel)
    stride, dilation = each("strides", strides, 2), each("dilations", dilations, 2)
    padding = borders("NOTSET", pads, size, kernel, stride, dilation)
    out = output_size(size, kernel, stride, padding, dilation)
    taps = kernel[0] * kernel[1]
    moved = offset.reshape(n, offset_group, taps, 2, *out)  # n (g k 2) i j -> n g k 2 i j
    coordinates: list[Tensor] = []
    for axis, (s, d, (low, _)) in enumerate(zip(stride, dilation, padding, strict=True)):
        along = np.indices(kernel)[axis].reshape(taps, 1, 1) * d + np.indices(out)[axis] * s - low  # k i j
        place = moved[:, :, :, axis] + x._new(along.astype(x.dtype))
        coordinates.append(place.reshape(n * offset_group, taps, *out))
    image = x.reshape(n * offset_group, c // offset_group, *size)  # n (g c) h w -> (n g) c h w
    read = bilinear(image, *coordinates).reshape(n, offset_group, c // offset_group, taps, *out)
    if mask is not None:
        read = read * mask.reshape(n, offset_group, 1, taps, *out)
    windows = read.reshape(n, group, c // group, taps, *out)
    weight = w.reshape(group, o // group, c // group, taps)
    y = windows.contract(weight, "ngckij,gock->ngoij").reshape(n, o, *out)
    return y if b is None else y + b.reshape(1, o, 1, 1)


def bilinear(image: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """N images C x H x W read at places, N x K x ..., between their pixels; beyond them they are 0. N x C x K x ..."""
    n, c, h, w = image.shape
    rows = image.permute(0, 2, 3, 1).reshape(n * h * w, c)  # n c h w -> (n h w) c
    first = np.arange(n, dtype=np.int64).reshape(n, *(1,) * (y.ndim - 1)) * (h * w)
    total = None
    for down in (0, 1):
        for right in (0, 1):
            row, column = y.detach().floor() + down, x.detach().floor() + right
            inside = (row >= 0) & (row < h) & (column >= 0) & (column < w)
            share = (1.0 - abs(y - row)) * (1.0 - abs(x - column))
            place = inside.where(row * w + column, 0.0).astype(np.int64) + image._new(first)
            part = inside.where(share, 0.0).expand_dims(-1) * looked_up(rows, place)
            total = part if total is None else total + part
    assert total is not None
    return total.moveaxis(-1, 1)
