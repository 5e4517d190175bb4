"""Layers of adaptive and global pooling: the size of the output is given, or is one number for each channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.arguments import OutputSize, sizes
from ..functional.pooling_types import Pooled
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _AdaptivePooling(Module):
    """The output size of adaptive pooling, checked."""

    dims: int

    def __init__(self, output_size: OutputSize):
        super().__init__()
        given = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
        sizes("output_size", tuple(1 if n is None else n for n in given), self.dims)
        self.output_size = output_size

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class _AdaptiveAvgPool(_AdaptivePooling):
    def forward(self, x: TensorLike) -> Tensor:
        return getattr(F, f"adaptive_avg_pool{self.dims}d")(x, self.output_size)


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """:class:`AdaptiveAvgPool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveAvgPool1d(2)(tg.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[1.5, 2.5]]
    """

    dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of H' x W' windows that tile the image; a size of None keeps that of the input.

    x: N x C x H x W to N x C x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveAvgPool2d((2, None))(tg.ones(2, 3, 7, 5)).shape
    (2, 3, 2, 5)
    """

    dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """:class:`AdaptiveAvgPool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveAvgPool3d((2, None, 1))(tg.ones(2, 3, 7, 5, 4)).shape
    (2, 3, 2, 5, 1)
    """

    dims = 3


class _AdaptiveMaxPool(_AdaptivePooling):
    def __init__(self, output_size: OutputSize, return_indices: bool = False):
        super().__init__(output_size)
        self.return_indices = return_indices

    def forward(self, x: TensorLike) -> Pooled:
        return getattr(F, f"adaptive_max_pool{self.dims}d")(x, self.output_size, self.return_indices)


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """:class:`AdaptiveMaxPool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveMaxPool1d(2)(tg.tensor([[1.0, 2.0, 3.0]])).tolist()
    [[2.0, 3.0]]
    """

    dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maxima of H' x W' windows that tile the image; a size of None keeps that of the input.

    x: N x C x H x W to N x C x H' x W', or to a pair of these, maxima and places, with ``return_indices``.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveMaxPool2d(1)(tg.ones(2, 3, 7, 5)).shape
    (2, 3, 1, 1)
    """

    dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """:class:`AdaptiveMaxPool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AdaptiveMaxPool3d(2)(tg.ones(2, 3, 7, 5, 4)).shape
    (2, 3, 2, 2, 2)
    """

    dims = 3


class GlobalAvgPool1d(Module):
    """The mean of each channel: N x C x L to N x C.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalAvgPool1d()(tg.ones(2, 64, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_avg_pool1d(x)


class GlobalAvgPool2d(Module):
    """The mean of each channel: N x C x H x W to N x C (Lin, Chen and Yan, "Network in network", 2014, section 3.2).

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalAvgPool2d()(tg.ones(2, 64, 8, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_avg_pool2d(x)


class GlobalAvgPool3d(Module):
    """The mean of each channel: N x C x D x H x W to N x C.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalAvgPool3d()(tg.ones(2, 64, 4, 8, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_avg_pool3d(x)


class GlobalMaxPool1d(Module):
    """The maximum of each channel: N x C x L to N x C.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalMaxPool1d()(tg.ones(2, 64, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_max_pool1d(x)


class GlobalMaxPool2d(Module):
    """The maximum of each channel: N x C x H x W to N x C.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalMaxPool2d()(tg.ones(2, 64, 8, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_max_pool2d(x)


class GlobalMaxPool3d(Module):
    """The maximum of each channel: N x C x D x H x W to N x C.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GlobalMaxPool3d()(tg.ones(2, 64, 4, 8, 8)).shape
    (2, 64)
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.global_max_pool3d(x)
