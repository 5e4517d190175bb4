"""Convolution layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..core.errors import ShapeError
from ..frontend.creation import zeros
from ..functional.arguments import Size, sizes
from ..functional.convolution import Padding
from . import init
from .arguments import derived, positive
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _Convolution(Module):
    """The parameters and checks that a convolution and its transpose share."""

    padding: Padding

    def __init__(
        self,
        channels: tuple[int, int],
        kernel_size: Size,
        stride: Size,
        padding: Padding,
        dilation: Size,
        groups: int,
        bias: bool,
    ):
        super().__init__()
        op = type(self).__name__
        c, o = (positive(op, name, n) for name, n in zip(("in_channels", "out_channels"), channels, strict=True))
        self.groups = positive(op, "groups", groups)
        if c % groups or o % groups:
            raise ShapeError(f"{op}: groups={groups} with {c} input and {o} output channels: groups must divide both.")
        kernel, self.stride = sizes("kernel_size", kernel_size, 2), sizes("stride", stride, 2)
        self.padding = padding if padding in ("same", "valid") else sizes("padding", padding, 2, 0)
        self.dilation = sizes("dilation", dilation, 2)
        first, second = self._axes_of_weight(c, o)
        self.weight = Parameter(zeros(first, second // groups, *kernel))
        self.bias = Parameter(zeros(o)) if bias else None
        init.default_(self.weight, self.bias)

    @derived
    def kernel_size(self) -> tuple[int, ...]:
        """(Kh, Kw)"""
        return self.weight.shape[2:]

    @derived
    def in_channels(self) -> int:
        """C"""
        return self.weight.shape[1] * self.groups

    @derived
    def out_channels(self) -> int:
        """Cout"""
        return self.weight.shape[0]

    def _axes_of_weight(self, c: int, o: int) -> tuple[int, int]:
        """The first two sizes of the weight for one group."""
        return o, c

    def extra_repr(self) -> str:
        usual = {"padding": (0, 0), "output_padding": (0, 0), "dilation": (1, 1), "groups": 1}
        own = {name: getattr(self, name, value) for name, value in usual.items()}
        rest = "".join(f", {name}={value}" for name, value in own.items() if value != usual[name])
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}{rest}"
            f"{'' if self.bias is not None else ', bias=False'}"
        )


class Conv2d(_Convolution):
    """A convolution with Cout learned filters: H' = floor((H + 2P - D(K - 1) - 1) / S) + 1.

    x: N x C x H x W to N x Cout x H' x W'. weight: Cout x C/groups x Kh x Kw; bias: Cout.

    Raises:
        ShapeError: a size below 1, or groups that do not divide both channel counts.

    >>> import tinygrad_cv as tg
    >>> conv = tg.nn.Conv2d(3, 10, 5, padding=2)
    >>> conv(tg.ones(1, 3, 32, 32)).shape, sum(p.size for p in conv.parameters())
    ((1, 10, 32, 32), 760)
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Padding = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__((in_channels, out_channels), kernel_size, stride, padding, dilation, groups, bias)

    def forward(self, x: TensorLike) -> Tensor:
        return F.conv2d(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class ConvTranspose2d(_Convolution):
    """The transpose of a convolution, with learned filters: H' = (H - 1) S - 2P + D(K - 1) + output_padding + 1.

    x: N x C x H x W to N x Cout x H' x W'. weight: C x Cout/groups x Kh x Kw; bias: Cout.

    Raises:
        ShapeError: a size below 1, or groups that do not divide both channel counts.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ConvTranspose2d(4, 2, 2, stride=2)(tg.ones(1, 4, 8, 8)).shape
    (1, 2, 16, 16)
    """

    padding: tuple[int, int]

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
    ):
        super().__init__((in_channels, out_channels), kernel_size, stride, padding, dilation, groups, bias)
        self.output_padding = sizes("output_padding", output_padding, 2, 0)

    @derived
    def in_channels(self) -> int:
        """C"""
        return self.weight.shape[0]

    @derived
    def out_channels(self) -> int:
        """Cout"""
        return self.weight.shape[1] * self.groups

    def _axes_of_weight(self, c: int, o: int) -> tuple[int, int]:
        return c, o

    def forward(self, x: TensorLike) -> Tensor:
        return F.conv_transpose2d(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.groups, self.dilation
        )
