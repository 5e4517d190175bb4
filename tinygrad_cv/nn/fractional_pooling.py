"""Layers of max pooling with windows at random places."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.arguments import Ratio, Size, sizes
from ..functional.fractional_pooling import ratios
from ..functional.pooling_types import Pooled
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _FractionalMaxPool(Module):
    dims: int
    _random_samples: Tensor | None

    def __init__(
        self,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        return_indices: bool = False,
        _random_samples: TensorLike | None = None,
    ):
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{type(self).__name__}: output_size={output_size}, output_ratio={output_ratio}: give one of the two, "
                "and not both."
            )
        self.kernel_size = sizes("kernel_size", kernel_size, self.dims)
        self.output_size = None if output_size is None else sizes("output_size", output_size, self.dims)
        self.output_ratio = None if output_ratio is None else ratios(output_ratio, self.dims)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)

    def forward(self, x: TensorLike) -> Pooled:
        pool = F.fractional_max_pool2d if self.dims == 2 else F.fractional_max_pool3d
        return pool(x, self.kernel_size, self.output_size, self.output_ratio, self.return_indices, self._random_samples)

    def extra_repr(self) -> str:
        wanted = f"output_ratio={self.output_ratio}" if self.output_size is None else f"output_size={self.output_size}"
        return f"kernel_size={self.kernel_size}, {wanted}"


class FractionalMaxPool2d(_FractionalMaxPool):
    """The maxima of windows at random places, in evaluation as in training; see
    :func:`functional.fractional_max_pool2d`.

    x: N x C x H x W to N x C x H' x W', where H' is ``output_size`` or ``output_ratio`` of H.

    Raises:
        ShapeError: a size below 1.
        ValueError: both a size and a ratio, or neither.

    >>> import tinygrad_cv as tg
    >>> tg.nn.FractionalMaxPool2d(2, output_ratio=0.7)(tg.ones(1, 2, 9, 7)).shape
    (1, 2, 6, 4)
    """

    dims = 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """:class:`FractionalMaxPool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.FractionalMaxPool3d(2, 4)(tg.ones(1, 2, 9, 7, 8)).shape
    (1, 2, 4, 4, 4)
    """

    dims = 3
