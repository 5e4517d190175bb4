"""Convolution layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from .. import functional as F
from ..core.errors import ShapeError
from ..frontend.creation import asarray, zeros
from ..functional.arguments import Size, sizes
from ..functional.convolution import Padding, paddings
from ..functional.padding import extended
from . import init
from .arguments import derived, one_of, positive
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]


class Filters(Module):
    """The parameters and checks that a convolution and its transpose share; ``dims`` is the number of spatial axes."""

    dims: int
    padding: Padding
    padding_mode: PaddingMode

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
        kernel, self.stride = sizes("kernel_size", kernel_size, self.dims), sizes("stride", stride, self.dims)
        self.padding = padding if padding in ("same", "valid") else sizes("padding", padding, self.dims, 0)
        self.dilation = sizes("dilation", dilation, self.dims)
        first, second = self._axes_of_weight(c, o)
        self.weight = Parameter(zeros(first, second // groups, *kernel))
        self.bias = Parameter(zeros(o)) if bias else None
        init.default_(self.weight, self.bias)

    @derived
    def kernel_size(self) -> tuple[int, ...]:
        """(Kh, Kw), one number for each axis"""
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
        none, ones = (0,) * self.dims, (1,) * self.dims
        usual = {"padding": none, "output_padding": none, "dilation": ones, "groups": 1}
        own = {name: getattr(self, name, value) for name, value in usual.items()}
        rest = "".join(f", {name}={value}" for name, value in own.items() if value != usual[name])
        rest += ", bias=False" if self.bias is None else ""
        rest += f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else ""
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}{rest}"


class Convolution(Filters):
    """The convolution layers of all dimensions; for the arguments see :class:`Conv2d`."""

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
        padding_mode: PaddingMode = "zeros",
    ):
        super().__init__((in_channels, out_channels), kernel_size, stride, padding, dilation, groups, bias)
        self.padding_mode = one_of(type(self).__name__, "padding_mode", padding_mode, get_args(PaddingMode))

    def forward(self, x: TensorLike) -> Tensor:
        padding, weight = self.padding, self.weight
        if self.padding_mode != "zeros":
            x, padding = self._bordered(asarray(x), weight.shape[2:]), 0
        convolve = getattr(F, f"conv{self.dims}d")
        return convolve(x, weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def _bordered(self, x: Tensor, kernel_size: tuple[int, ...]) -> Tensor:
        """x with the border of the padding mode; an input of too few axes as it is, for the convolution to refuse."""
        if x.ndim <= self.dims or self.padding_mode == "zeros":
            return x
        size = x.shape[-self.dims :]
        pads = paddings(self.padding, size, kernel_size, self.stride, self.dilation)
        return extended(x, pads, self.padding_mode)


class Conv1d(Convolution):
    """:class:`Conv2d` along one axis: N x C x L to N x Cout x L'. weight: Cout x C/groups x K; bias: Cout.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Conv1d(2, 4, 3, padding="same", padding_mode="circular")(tg.ones(1, 2, 8)).shape
    (1, 4, 8)
    """

    dims = 1


class Conv2d(Convolution):
    """A convolution with Cout learned filters: H' = floor((H + 2P - D(K - 1) - 1) / S) + 1.

    x: N x C x H x W to N x Cout x H' x W'. weight: Cout x C/groups x Kh x Kw; bias: Cout.

    Args:
        padding: P, "same" for H' = ceil(H / S), or "valid" for none.
        padding_mode: what the border is made of: "zeros", or elements of the image, that "reflect", "replicate" or
            "circular" say.

    Raises:
        ShapeError: a size below 1, or groups that do not divide both channel counts.
        ValueError: another padding mode.

    >>> import tinygrad_cv as tg
    >>> conv = tg.nn.Conv2d(3, 10, 5, padding=2)
    >>> conv(tg.ones(1, 3, 32, 32)).shape, sum(p.size for p in conv.parameters())
    ((1, 10, 32, 32), 760)
    """

    dims = 2


class Conv3d(Convolution):
    """:class:`Conv2d` of volumes: N x C x D x H x W to N x Cout x D' x H' x W'. weight: Cout x C/groups x Kd x Kh x Kw.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Conv3d(2, 4, 3, stride=2, padding=1)(tg.ones(1, 2, 8, 8, 8)).shape
    (1, 4, 4, 4, 4)
    """

    dims = 3
