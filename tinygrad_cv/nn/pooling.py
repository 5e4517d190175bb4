"""Pooling layers: per channel, no parameters. H' = floor((H + 2P - K) / S) + 1; the stride S is K by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..core.errors import ShapeError
from ..functional.arguments import Size, sizes
from ..functional.pooling import OutputSize
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _Pooling(Module):
    """The arguments of pooling over windows, checked."""

    def __init__(self, kernel_size: Size, stride: Size | None, padding: Size, ceil_mode: bool):
        super().__init__()
        self.kernel_size = sizes("kernel_size", kernel_size, 2)
        self.stride = self.kernel_size if stride is None else sizes("stride", stride, 2)
        self.padding = sizes("padding", padding, 2, 0)
        self.ceil_mode = ceil_mode
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ShapeError(
                f"{type(self).__name__}: padding={padding} with kernel_size={kernel_size}: padding must be at most "
                "half of the kernel."
            )

    def extra_repr(self) -> str:
        ceil = ", ceil_mode=True" if self.ceil_mode else ""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}{ceil}"


class MaxPool2d(_Pooling):
    """The largest element of each window; at a tie the gradient goes to the first in row-major order.

    x: N x C x H x W to N x C x H' x W'.

    Raises:
        ShapeError: a size below 1, or padding larger than half of the kernel.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MaxPool2d(2)(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])).tolist()
    [[[[6.0, 8.0], [3.0, 4.0]]]]
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        *,
        ceil_mode: bool = False,
    ):
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = sizes("dilation", dilation, 2)

    def forward(self, x: TensorLike) -> Tensor:
        return F.max_pool2d(x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode)


class AvgPool2d(_Pooling):
    """The mean of each window; for the arguments see :func:`functional.avg_pool2d`.

    x: N x C x H x W to N x C x H' x W'.

    Raises:
        ShapeError: a size below 1, or padding larger than half of the kernel.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AvgPool2d(2)(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])).tolist()
    [[[[3.25, 5.25], [2.0, 2.0]]]]
    """

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ):
        super().__init__(kernel_size, stride, padding, ceil_mode)
        if divisor_override == 0:
            raise ShapeError("AvgPool2d: divisor_override=0: the divisor must not be 0.")
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x: TensorLike) -> Tensor:
        return F.avg_pool2d(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class _AdaptivePooling(Module):
    """The output size of adaptive pooling, checked."""

    def __init__(self, output_size: OutputSize):
        super().__init__()
        for n in output_size if isinstance(output_size, (tuple, list)) else (output_size,):
            if n is not None:
                sizes("output_size", n, 2)
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool2d(_AdaptivePooling):
    """The means of H' x W' windows that tile the image; a size of None keeps that of the input.

    x: N x C x H x W to N x C x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveAvgPool2d((2, None))(tg.ones(2, 3, 7, 5)).shape
    (2, 3, 2, 5)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.adaptive_avg_pool2d(x, self.output_size)


class AdaptiveMaxPool2d(_AdaptivePooling):
    """The maxima of H' x W' windows that tile the image; a size of None keeps that of the input.

    x: N x C x H x W to N x C x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveMaxPool2d(1)(tg.ones(2, 3, 7, 5)).shape
    (2, 3, 1, 1)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.adaptive_max_pool2d(x, self.output_size)


class GlobalAvgPool2d(Module):
    """The mean of each channel: N x C x H x W to N x C (Lin, Chen and Yan, "Network in network", 2014, section 3.2).

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalAvgPool2d()(tg.ones(2, 64, 8, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_avg_pool2d(x)
