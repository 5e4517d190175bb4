"""Layers that are the transpose of a convolution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import functional as F
from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.creation import asarray
from ..functional.arguments import AXES, Size, sizes
from .arguments import derived
from .convolution import Filters, PaddingMode

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class ConvolutionTranspose(Filters):
    """The transposes of all dimensions; for the arguments see :class:`ConvTranspose2d`."""

    padding: tuple[int, ...]
    padding_mode = "zeros"

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
        padding_mode: PaddingMode = "zeros",
    ):
        if padding_mode != "zeros":
            raise ValueError(
                f"{type(self).__name__}: padding_mode={padding_mode!r}; padding takes elements away from the output of "
                "a transpose, so it must be 'zeros'."
            )
        padding = sizes("padding", padding, self.dims, 0)
        super().__init__((in_channels, out_channels), kernel_size, stride, padding, dilation, groups, bias)
        self.output_padding = sizes("output_padding", output_padding, self.dims, 0)

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

    def forward(self, x: TensorLike, output_size: Sequence[int] | None = None) -> Tensor:
        x = asarray(x)
        extra = self.output_padding if output_size is None else self._output_padding(x, output_size)
        convolve = getattr(F, f"conv_transpose{self.dims}d")
        return convolve(x, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)

    def _output_padding(self, x: Tensor, output_size: Sequence[int]) -> tuple[int, ...]:
        """The output padding with which the output has a size: (H', W'), or with N and C, or C, before it."""
        dims = self.dims
        if x.ndim not in (dims + 1, dims + 2):
            raise ShapeError(f"input of shape {x.shape}{location()}: it must be N x {AXES[dims]}, or {AXES[dims]}.")
        whole = isinstance(output_size, Sequence) and len(output_size) == x.ndim
        size = sizes("output_size", output_size[x.ndim - dims :] if whole else output_size, dims)
        stride, padding = sizes("stride", self.stride, dims), sizes("padding", self.padding, dims, 0)
        axes = zip(
            x.shape[-dims:], stride, padding, sizes("dilation", self.dilation, dims), self.kernel_size, strict=True
        )
        least = tuple((m - 1) * s - 2 * p + d * (k - 1) + 1 for m, s, p, d, k in axes)
        if any(not low <= n < low + s for n, low, s in zip(size, least, stride, strict=True)):
            raise ShapeError(
                f"output_size={output_size} of input {x.shape}{location()}: with this stride it must be {least} to "
                f"{tuple(low + s - 1 for low, s in zip(least, stride, strict=True))}."
            )
        return tuple(n - low for n, low in zip(size, least, strict=True))


class ConvTranspose1d(ConvolutionTranspose):
    """:class:`ConvTranspose2d` along one axis: N x C x L to N x Cout x L'. weight: C x Cout/groups x K; bias: Cout.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ConvTranspose1d(4, 2, 2, stride=2)(tg.ones(1, 4, 8)).shape
    (1, 2, 16)
    """

    dims = 1


class ConvTranspose2d(ConvolutionTranspose):
    """The transpose of a convolution, with learned filters: H' = (H - 1) S - 2P + D(K - 1) + output_padding + 1.

    x: N x C x H x W to N x Cout x H' x W'. weight: C x Cout/groups x Kh x Kw; bias: Cout. A call may give an
    ``output_size`` instead of the output padding: the size of what the convolution had made x of.

    Raises:
        ShapeError: a size below 1, or groups that do not divide both channel counts; in a call, an output size that
            the stride cannot give.
        ValueError: a padding mode other than "zeros".

    >>> import tinygrad_cv as tg
    >>> up = tg.nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)
    >>> up(tg.ones(1, 4, 8, 8)).shape, up(tg.ones(1, 4, 8, 8), output_size=(16, 15)).shape
    ((1, 2, 15, 15), (1, 2, 16, 15))
    """

    dims = 2


class ConvTranspose3d(ConvolutionTranspose):
    """:class:`ConvTranspose2d` of volumes: N x C x D x H x W to N x Cout x D' x H' x W'.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ConvTranspose3d(4, 2, 2, stride=2)(tg.ones(1, 4, 4, 4, 4)).shape
    (1, 2, 8, 8, 8)
    """

    dims = 3
