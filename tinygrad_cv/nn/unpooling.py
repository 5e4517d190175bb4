"""Layers that put maxima back to their places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.arguments import Size, sizes
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _MaxUnpool(Module):
    dims: int

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0):
        super().__init__()
        self.kernel_size = sizes("kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else sizes("stride", stride, self.dims)
        self.padding = sizes("padding", padding, self.dims, 0)

    def forward(self, input: TensorLike, indices: TensorLike, output_size: Sequence[int] | None = None) -> Tensor:
        unpool = getattr(F, f"max_unpool{self.dims}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """:class:`MaxUnpool2d` along one axis: N x C x L' to N x C x L.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MaxUnpool1d(2)(tg.tensor([[3.0, 5.0]]), tg.tensor([[1, 3]])).tolist()
    [[0.0, 3.0, 0.0, 5.0]]
    """

    dims = 1


class MaxUnpool2d(_MaxUnpool):
    """Maxima at the places that a :class:`MaxPool2d` with ``return_indices`` found them at; 0 elsewhere.

    x: N x C x H' x W' and places of the same shape to N x C x H x W; see :func:`functional.max_unpool2d`.

    >>> import tinygrad_cv as tg
    >>> y, places = tg.nn.MaxPool2d(2, return_indices=True)(tg.tensor([[[[1.0, 2.0], [4.0, 3.0]]]]))
    >>> tg.nn.MaxUnpool2d(2)(y, places).tolist()
    [[[[0.0, 0.0], [4.0, 0.0]]]]
    """

    dims = 2


class MaxUnpool3d(_MaxUnpool):
    """:class:`MaxUnpool2d` of volumes: N x C x D' x H' x W' to N x C x D x H x W.

    >>> import tinygrad_cv as tg
    >>> y, places = tg.nn.MaxPool3d(2, return_indices=True)(tg.ones(1, 2, 4, 4, 4))
    >>> tg.nn.MaxUnpool3d(2)(y, places).shape
    (1, 2, 4, 4, 4)
    """

    dims = 3
