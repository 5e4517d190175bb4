"""Convolution and its transpose."""

from __future__ import annotations

from collections.abc import Sequence

from ... import functional as F
from ...frontend.tensor import Tensor
from ...functional.arguments import Pads, bordered
from ...functional.padding import cropped
from ..errors import OnnxError
from ..registry import Integers, operator
from .windows import borders, check_kernel, each

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
TRANSPOSED = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}


@operator("Conv", since=1)
def conv(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str,
    group: int,
    dilations: Integers | None = None,
    kernel_shape: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    dims = spatial_axes(x)
    kernel = w.shape[2:]
    check_kernel(kernel_shape, kernel)
    stride, dilation = each("strides", strides, dims), each("dilations", dilations, dims)
    padding = borders(auto_pad, pads, x.shape[2:], kernel, stride, dilation)
    lows = tuple(low for low, _ in padding)
    if min(lows) < 0 or any(low != high for low, high in padding):
        x, lows = bordered(x, padding), (0,) * dims
    return CONVOLUTIONS[dims](x, w, b, stride, lows, dilation, group)


def spatial_axes(x: Tensor) -> int:
    """The number of axes after N and C."""
    dims = x.ndim - 2
    if dims not in CONVOLUTIONS:
        raise OnnxError(f"input of shape {x.shape}: it must be N x C x ..., with one to three spatial axes.")
    return dims


@operator("ConvTranspose", since=1)
def conv_transpose(
    x: Tensor,
    w: Tensor,
    b: Tensor | None = None,
    *,
    auto_pad: str,
    group: int,
    dilations: Integers | None = None,
    kernel_shape: Integers | None = None,
    output_padding: Integers | None = None,
    output_shape: Integers | None = None,
    pads: Integers | None = None,
    strides: Integers | None = None,
) -> Tensor:
    """The transpose of a convolution, cut to the padding or to a size; where that is larger, with zeros at its ends."""
    dims, kernel = spatial_axes(x), w.shape[2:]
    check_kernel(kernel_shape, kernel)
    stride, dilation = each("strides", strides, dims), each("dilations", dilations, dims)
    extra = tuple(output_padding or (0,) * dims)
    whole = tuple(
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, d, k, e in zip(x.shape[2:], stride, dilation, kernel, extra, strict=True)
    )
    if output_shape is not None:
        padding = cut_to(whole, output_shape[-dims:], auto_pad)
    elif auto_pad.startswith("SAME"):
        padding = cut_to(whole, [n * s for n, s in zip(x.shape[2:], stride, strict=True)], auto_pad)
    else:
        padding = borders(auto_pad, pads, x.shape[2:], kernel, stride, dilation)
    lows = tuple(low for low, _ in padding)
    if min(lows) >= 0 and all(low == high for low, high in padding):
        return TRANSPOSED[dims](x, w, b, stride, lows, extra, group, dilation)
    y = TRANSPOSED[dims](x, w, None, stride, 0, extra, group, dilation)
    y = cropped(y, tuple((max(low, 0), max(high, 0)) for low, high in padding))
    y = bordered(y, tuple((max(-low, 0), max(-high, 0)) for low, high in padding))
    return y if b is None else y + b.reshape(1, -1, *(1,) * dims)


def cut_to(whole: Sequence[int], wanted: Sequence[int], auto_pad: str) -> Pads:
    """What is cut off (low, high) to have sizes that are wanted; the odd element at the beginning, or at the end."""
    pads = []
    for n, m in zip(whole, wanted, strict=True):
        total = n - m
        less = abs(total) // 2 * (1 if total > 0 else -1)
        pads.append((less, total - less) if auto_pad == "SAME_UPPER" or total < 0 else (total - less, less))
    return tuple(pads)
