"""Pooling layers: per channel, no parameters. H' = floor((H + 2P - K) / S) + 1; the stride S is K by default."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..core.errors import ShapeError
from ..functional.arguments import Size, sizes
from ..functional.pooling import check_power
from ..functional.pooling_types import Pooled
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _Pooling(Module):
    """The arguments of pooling over windows, checked."""

    dims: int

    def __init__(self, kernel_size: Size, stride: Size | None, padding: Size, ceil_mode: bool):
        super().__init__()
        self.kernel_size = sizes("kernel_size", kernel_size, self.dims)
        self.stride = self.kernel_size if stride is None else sizes("stride", stride, self.dims)
        self.padding = sizes("padding", padding, self.dims, 0)
        self.ceil_mode = ceil_mode
        if any(2 * p > k for p, k in zip(self.padding, self.kernel_size, strict=True)):
            raise ShapeError(
                f"{type(self).__name__}: padding={padding} with kernel_size={kernel_size}: padding must be at most "
                "half of the kernel."
            )

    def extra_repr(self) -> str:
        ceil = ", ceil_mode=True" if self.ceil_mode else ""
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}{ceil}"


class _MaxPool(_Pooling):
    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ):
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.dilation = sizes("dilation", dilation, self.dims)
        self.return_indices = return_indices

    def forward(self, x: TensorLike) -> Pooled:
        return getattr(F, f"max_pool{self.dims}d")(
            x, self.kernel_size, self.stride, self.padding, self.dilation, self.ceil_mode, self.return_indices
        )


class MaxPool1d(_MaxPool):
    """:class:`MaxPool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MaxPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]])).tolist()
    [[3.0, 5.0]]
    """

    dims = 1


class MaxPool2d(_MaxPool):
    """The largest element of each window; for the arguments see :func:`functional.max_pool2d`.

    x: N x C x H x W to N x C x H' x W', or to a pair of these, maxima and places, with ``return_indices``. At a tie the
    gradient goes to the first in row-major order.

    Raises:
        ShapeError: a size below 1, or padding larger than half of the kernel.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MaxPool2d(2)(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])).tolist()
    [[[[6.0, 8.0], [3.0, 4.0]]]]
    """

    dims = 2


class MaxPool3d(_MaxPool):
    """:class:`MaxPool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.MaxPool3d(3, 2, 1)(tg.ones(1, 2, 8, 8, 8)).shape
    (1, 2, 4, 4, 4)
    """

    dims = 3


class AvgPool1d(_Pooling):
    """:class:`AvgPool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AvgPool1d(2)(tg.tensor([[1.0, 3.0, 2.0, 5.0]])).tolist()
    [[2.0, 3.5]]
    """

    dims = 1

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ):
        super().__init__(kernel_size, stride, padding, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: TensorLike) -> Tensor:
        return F.avg_pool1d(x, self.kernel_size, self.stride, self.padding, self.ceil_mode, self.count_include_pad)


class _AvgPool(_Pooling):
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
            raise ShapeError(f"{type(self).__name__}: divisor_override=0: the divisor must not be 0.")
        self.count_include_pad, self.divisor_override = count_include_pad, divisor_override

    def forward(self, x: TensorLike) -> Tensor:
        pool = F.avg_pool2d if self.dims == 2 else F.avg_pool3d
        return pool(
            x,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )


class AvgPool2d(_AvgPool):
    """The mean of each window; for the arguments see :func:`functional.avg_pool2d`.

    x: N x C x H x W to N x C x H' x W'.

    Raises:
        ShapeError: a size below 1, or padding larger than half of the kernel.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AvgPool2d(2)(tg.tensor([[[[1., 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]]])).tolist()
    [[[[3.25, 5.25], [2.0, 2.0]]]]
    """

    dims = 2


class AvgPool3d(_AvgPool):
    """:class:`AvgPool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.AvgPool3d(2)(tg.ones(1, 2, 8, 8, 8)).shape
    (1, 2, 4, 4, 4)
    """

    dims = 3


class _LPPool(Module):
    dims: int

    def __init__(self, norm_type: float, kernel_size: Size, stride: Size | None = None, ceil_mode: bool = False):
        super().__init__()
        check_power(norm_type)
        self.norm_type = norm_type
        self.kernel_size = sizes("kernel_size", kernel_size, self.dims)
        self.stride = None if stride is None else sizes("stride", stride, self.dims)
        self.ceil_mode = ceil_mode

    def forward(self, x: TensorLike) -> Tensor:
        return getattr(F, f"lp_pool{self.dims}d")(x, self.norm_type, self.kernel_size, self.stride, self.ceil_mode)

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """:class:`LPPool2d` along one axis: N x C x L to N x C x L'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LPPool1d(2, 2)(tg.tensor([[3.0, 4.0, 0.0, 2.0]])).tolist()
    [[5.0, 2.0]]
    """

    dims = 1


class LPPool2d(_LPPool):
    """y = (Σ xᵖ)^(1/p) over each window; for the arguments see :func:`functional.lp_pool2d`.

    x: N x C x H x W to N x C x H' x W'.

    Raises:
        ShapeError: a size below 1.
        ValueError: p is 0.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LPPool2d(2, 2)(tg.tensor([[[3.0, 0.0], [4.0, 0.0]]])).tolist()
    [[[5.0]]]
    """

    dims = 2


class LPPool3d(_LPPool):
    """:class:`LPPool2d` of volumes: N x C x D x H x W to N x C x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LPPool3d(1, 2)(tg.ones(1, 1, 2, 2, 2)).tolist()
    [[[[[8.0]]]]]
    """

    dims = 3
