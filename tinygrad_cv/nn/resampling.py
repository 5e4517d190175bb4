"""Layers that resize signals, images and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import functional as F
from ..functional.arguments import Size
from ..functional.resampling import Mode, Scale, check_mode
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Upsample(Module):
    """Resizes to a size, or by a factor, along the spatial axes; for the modes see :func:`functional.interpolate`.

    x: N x C x L, N x C x H x W or N x C x D x H x W.

    Raises:
        ValueError: another mode, or not one of size and scale_factor.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Upsample(scale_factor=2, mode="bilinear")(tg.ones(1, 3, 8, 8)).shape
    (1, 3, 16, 16)
    """

    def __init__(
        self,
        size: Size | None = None,
        scale_factor: Scale | None = None,
        mode: Mode = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ):
        super().__init__()
        check_mode(mode)
        if (size is None) == (scale_factor is None):
            raise ValueError(f"{type(self).__name__}: size={size}, scale_factor={scale_factor}; give one of the two.")
        self.size, self.mode, self.align_corners = size, mode, align_corners
        self.scale_factor = tuple(scale_factor) if isinstance(scale_factor, Sequence) else scale_factor
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, x: TensorLike) -> Tensor:
        return F.interpolate(
            x, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        size = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{size}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """:class:`Upsample` to the nearest pixel.

    >>> import tinygrad_cv as tg
    >>> tg.nn.UpsamplingNearest2d(scale_factor=2)(tg.tensor([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]
    """

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None):
        super().__init__(size, scale_factor, "nearest")


class UpsamplingBilinear2d(Upsample):
    """:class:`Upsample` by bilinear interpolation with aligned corners.

    >>> import tinygrad_cv as tg
    >>> tg.nn.UpsamplingBilinear2d((1, 3))(tg.tensor([[[[1.0, 2.0]]]])).tolist()
    [[[[1.0, 1.5, 2.0]]]]
    """

    def __init__(self, size: Size | None = None, scale_factor: Scale | None = None):
        super().__init__(size, scale_factor, "bilinear", True)
