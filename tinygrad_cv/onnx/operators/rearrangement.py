"""Blocks of pixels as channels, and back; windows added up; triangles."""

from __future__ import annotations

import math

from ...frontend.tensor import Tensor
from ...functional.padding import cropped
from ..errors import OnnxError
from ..registry import Integers, Numbers, operator
from .arrangement import integers, padded
from .windows import borders, each


def _check_image(x: Tensor, blocksize: int) -> None:
    if x.ndim != 4 or blocksize < 1:
        raise OnnxError(f"input of shape {x.shape}, blocksize={blocksize}: it must be N x C x H x W, and at least 1.")


@operator("DepthToSpace", since=1)
def depth_to_space(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Channels become blocks of pixels: the first of them (DCR) or the last (CRD) count within a block."""
    _check_image(x, blocksize)
    n, c, h, w = x.shape
    b, rest = blocksize, c // blocksize**2
    if mode == "DCR":
        y = x.reshape(n, b, b, rest, h, w).permute(0, 3, 4, 1, 5, 2)  # n u v c h w -> n c h u w v
    elif mode == "CRD":
        y = x.reshape(n, rest, b, b, h, w).permute(0, 1, 4, 2, 5, 3)  # n c u v h w -> n c h u w v
    else:
        raise OnnxError(f"mode={mode!r}: it must be 'DCR' or 'CRD'.")
    return y.reshape(n, rest, h * b, w * b)


@operator("SpaceToDepth", since=1)
def space_to_depth(x: Tensor, *, blocksize: int, mode: str = "DCR") -> Tensor:
    """Blocks of pixels become channels: the inverse."""
    _check_image(x, blocksize)
    n, c, h, w = x.shape
    b = blocksize
    y = x.reshape(n, c, h // b, b, w // b, b)  # n c (h u) (w v) -> n c h u w v
    if mode == "DCR":
        y = y.permute(0, 3, 5, 1, 2, 4)  # n c h u w v -> n u v c h w
    elif mode == "CRD":
        y = y.permute(0, 1, 3, 5, 2, 4)  # n c h u w v -> n c u v h w
    else:
        raise OnnxError(f"mode={mode!r}: it must be 'DCR' or 'CRD'.")
    return y.reshape(n, c * b * b, h // b, w // b)


@operator("Col2Im", since=18)
def col2im(
    x: Tensor,
    image_shape: Numbers,
    block_shape: Numbers,
    *,
    dilations: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """Windows as columns, N x (C blocks) x windows, added up to images."""
    size, block = integers(image_shape) or (), integers(block_shape) or ()
    dims = len(size)
    stride, dilation = each("strides", strides, dims), each("dilations", dilations, dims)
    padding = borders("NOTSET", pads, size, block, stride, dilation)
    whole = [n + low + high for n, (low, high) in zip(size, padding, strict=True)]
    counts = [(n - d * (k - 1) - 1) // s + 1 for n, d, k, s in zip(whole, dilation, block, stride, strict=True)]
    n, channels = x.shape[0], x.shape[1] // math.prod(block)
    windows = x.reshape(n, channels, *block, *counts)  # n (c u v) (i j) -> n c u v i j
    at, taps = range(2 + dims, 2 + 2 * dims), range(2, 2 + dims)
    return cropped(windows.permute(0, 1, *at, *taps).fold(stride, dilation, whole), padding)


@operator("Trilu", since=14)
def triangle(x: Tensor, k: Numbers | None = None, *, upper: bool) -> Tensor:
    offset = 0 if k is None else int(k.reshape(()))
    y = x.triu(offset) if upper else x.tril(offset)
    return y.astype(x.dtype)


@operator("CenterCropPad", since=18)
def center_crop_pad(x: Tensor, shape: Numbers, *, axes: Integers | None = None) -> Tensor:
    """The middle of x, or x in the middle of zeros; the odd element is at the end."""
    axes = tuple(range(x.ndim)) if axes is None else axes
    wanted = integers(shape) or ()
    if len(wanted) != len(axes):
        raise OnnxError(f"shape {wanted}, axes={axes}: there must be one size for each axis.")
    pads = [0] * 2 * len(axes)
    for place, (axis, m) in enumerate(zip(axes, wanted, strict=True)):
        more = m - x.shape[axis]
        low = more // 2 if more > 0 else -(-more // 2)
        pads[place], pads[place + len(axes)] = low, more - low
    return padded(x, pads, "constant", 0, axes)
