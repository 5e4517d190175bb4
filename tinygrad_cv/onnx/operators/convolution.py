"""Convolution."""

from __future__ import annotations

from ... import functional as F
from ...frontend.tensor import Tensor
from ...functional.arguments import bordered
from ..errors import OnnxError
from ..registry import Integers, operator
from .windows import borders, check_kernel, each

CONVOLUTIONS = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}


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
