"""Layers that move elements between channels, space and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.arguments import Size, sizes
from .arguments import positive
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class PixelShuffle(Module):
    """Channels become pixels: ... x Cr² x H x W to ... x C x rH x rW; see :func:`functional.pixel_shuffle`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.PixelShuffle(2)(tg.ones(1, 12, 5, 5)).shape
    (1, 3, 10, 10)
    """

    def __init__(self, upscale_factor: int):
        super().__init__()
        self.upscale_factor = positive("PixelShuffle", "upscale_factor", upscale_factor)

    def forward(self, x: TensorLike) -> Tensor:
        return F.pixel_shuffle(x, self.upscale_factor)

    def extra_repr(self) -> str:
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Pixels become channels: ... x C x rH x rW to ... x Cr² x H x W; the inverse of :class:`PixelShuffle`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.PixelUnshuffle(2)(tg.ones(1, 3, 10, 10)).shape
    (1, 12, 5, 5)
    """

    def __init__(self, downscale_factor: int):
        super().__init__()
        self.downscale_factor = positive("PixelUnshuffle", "downscale_factor", downscale_factor)

    def forward(self, x: TensorLike) -> Tensor:
        return F.pixel_unshuffle(x, self.downscale_factor)

    def extra_repr(self) -> str:
        return f"downscale_factor={self.downscale_factor}"


class ChannelShuffle(Module):
    """The channels of groups in turns, one of each: N x C x ... to N x C x ...; see :func:`functional.channel_shuffle`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ChannelShuffle(2)(tg.arange(4).reshape(1, 4, 1, 1)).flatten().tolist()
    [0, 2, 1, 3]
    """

    def __init__(self, groups: int):
        super().__init__()
        self.groups = positive("ChannelShuffle", "groups", groups)

    def forward(self, x: TensorLike) -> Tensor:
        return F.channel_shuffle(x, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class _Columns(Module):
    """The arguments of windows of an image, as given, checked."""

    def __init__(self, kernel_size: Size, dilation: Size, padding: Size, stride: Size):
        super().__init__()
        for name, value, least in (
            ("kernel_size", kernel_size, 1),
            ("dilation", dilation, 1),
            ("padding", padding, 0),
            ("stride", stride, 1),
        ):
            sizes(name, value, 2, least)
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, dilation={self.dilation}, padding={self.padding}, stride={self.stride}"


class Unfold(_Columns):
    """Windows as columns: N x C x H x W to N x C Kh Kw x H'W'; see :func:`functional.unfold`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Unfold(3, padding=1)(tg.ones(1, 2, 5, 5)).shape
    (1, 18, 25)
    """

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1):
        super().__init__(kernel_size, dilation, padding, stride)

    def forward(self, x: TensorLike) -> Tensor:
        return F.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Columns):
    """Columns back into an image, overlaps added up: N x C Kh Kw x H'W' to N x C x H x W; see :func:`functional.fold`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Fold((5, 5), 3, padding=1)(tg.ones(1, 18, 25)).shape
    (1, 2, 5, 5)
    """

    def __init__(self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1):
        super().__init__(kernel_size, dilation, padding, stride)
        sizes("output_size", output_size, 2)
        self.output_size = output_size

    def forward(self, x: TensorLike) -> Tensor:
        return F.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, {super().extra_repr()}"
