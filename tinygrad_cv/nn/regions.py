"""Layers of regions of interest and of pyramids: outputs of one size from inputs of any."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from .. import functional as F
from ..functional.arguments import Size, sizes
from .arguments import one_of
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class RoIAlign(Module):
    """The means of samples in the bins of each box; for the arguments see :func:`functional.roi_align`.

    x: N x C x H x W, and boxes, K x 5 or a list of L x 4, to K x C x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.RoIAlign(7, 1 / 16, 2)(tg.ones(1, 64, 14, 14), [[[0.0, 0.0, 100.0, 50.0]]]).shape
    (1, 64, 7, 7)
    """

    def __init__(self, output_size: Size, spatial_scale: float = 1.0, sampling_ratio: int = -1, aligned: bool = False):
        super().__init__()
        self.output_size = sizes("output_size", output_size, 2)
        self.spatial_scale, self.sampling_ratio, self.aligned = spatial_scale, sampling_ratio, aligned

    def forward(self, input: TensorLike, rois: TensorLike | Sequence[TensorLike]) -> Tensor:
        return F.roi_align(input, rois, self.output_size, self.spatial_scale, self.sampling_ratio, self.aligned)

    def extra_repr(self) -> str:
        return (
            f"output_size={self.output_size}, spatial_scale={self.spatial_scale}, "
            f"sampling_ratio={self.sampling_ratio}, aligned={self.aligned}"
        )


class RoIPool(Module):
    """The maxima in the bins of each box; for the arguments see :func:`functional.roi_pool`.

    x: N x C x H x W, and boxes, K x 5 or a list of L x 4, to K x C x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.RoIPool(7, 1 / 16)(tg.ones(1, 64, 14, 14), [[[0.0, 0.0, 100.0, 50.0]]]).shape
    (1, 64, 7, 7)
    """

    def __init__(self, output_size: Size, spatial_scale: float = 1.0):
        super().__init__()
        self.output_size = sizes("output_size", output_size, 2)
        self.spatial_scale = spatial_scale

    def forward(self, input: TensorLike, rois: TensorLike | Sequence[TensorLike]) -> Tensor:
        return F.roi_pool(input, rois, self.output_size, self.spatial_scale)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}, spatial_scale={self.spatial_scale}"


class SpatialPyramidPool2d(Module):
    """Pooling to grids of several sizes, joined; for the arguments see :func:`functional.spatial_pyramid_pool2d`.

    x: N x C x H x W to N x C Σ n², whatever H and W are.

    >>> import tinygrad_cv as tg
    >>> tg.nn.SpatialPyramidPool2d()(tg.ones(2, 16, 13, 13)).shape
    (2, 336)
    """

    def __init__(self, levels: Sequence[Size] = (1, 2, 4), mode: Literal["max", "avg"] = "max"):
        super().__init__()
        self.levels = tuple(sizes("levels", level, 2) for level in levels)
        self.mode = one_of(type(self).__name__, "mode", mode, ("max", "avg"))

    def forward(self, x: TensorLike) -> Tensor:
        return F.spatial_pyramid_pool2d(x, self.levels, self.mode)

    def extra_repr(self) -> str:
        return f"levels={self.levels}, mode={self.mode!r}"
