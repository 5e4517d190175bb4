"""Lazily sized convolutions, transposes and the fully connected layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.context import location
from ..core.errors import ShapeError
from ..functional.arguments import AXES, Size
from ..functional.convolution import Padding
from .arguments import positive
from .conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .convolution import Conv1d, Conv2d, Conv3d, PaddingMode
from .lazy import Lazy, Shapes
from .linear import Linear

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor


class _LazyFilters(Lazy):
    """What convolutions and their transposes share."""

    dims: int
    groups: int
    size_name = "in_channels"

    def _size_of(self, x: Tensor) -> int:
        dims = self.dims
        if x.ndim not in (dims + 1, dims + 2):
            raise ShapeError(
                f"input of shape {x.shape}{location()}: it must be N x {AXES[dims]}, or {AXES[dims]} without a batch."
            )
        return x.shape[-dims - 1]


class _LazyConvolution(_LazyFilters):
    """The lazily sized convolutions of all dimensions; for the arguments see :class:`Conv2d`."""

    def __init__(
        self,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Padding = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: PaddingMode = "zeros",
    ):
        any_size = positive(type(self).__name__, "groups", groups)
        self._wait(any_size, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode)

    def _size_by(self, shapes: Shapes) -> int | None:
        weight = shapes.get("weight", ())
        return weight[1] * self.groups if len(weight) == self.dims + 2 else None


class LazyConv1d(_LazyConvolution, Conv1d):
    """A :class:`Conv1d` whose in_channels are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyConv1d(4, 3)(tg.ones(1, 2, 8)).shape
    (1, 4, 6)
    """

    layer = Conv1d


class LazyConv2d(_LazyConvolution, Conv2d):
    """A :class:`Conv2d` whose in_channels are those of its first input.

    Its parameters are made by the first call, or to fit a state dict that is loaded; it is a Conv2d then. Before that
    nobody can ask for its parameters: an optimizer comes after an example, and so does jit.

    Raises:
        ShapeError: as for Conv2d; or the parameters are asked for too early.
        TraceError: the first call is in a jitted function.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Sequential(tg.nn.LazyConv2d(8, 3), tg.nn.ReLU(), tg.nn.Flatten(), tg.nn.LazyLinear(10))
    >>> model(tg.ones(1, 3, 6, 6)).shape
    (1, 10)
    >>> model
    Sequential(
      (0): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))
      (1): ReLU()
      (2): Flatten(start_dim=1, end_dim=-1)
      (3): Linear(in_features=128, out_features=10, bias=True)
    )
    """

    layer = Conv2d


class LazyConv3d(_LazyConvolution, Conv3d):
    """A :class:`Conv3d` whose in_channels are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyConv3d(4, 3)(tg.ones(1, 2, 8, 8, 8)).shape
    (1, 4, 6, 6, 6)
    """

    layer = Conv3d


class _LazyConvolutionTranspose(_LazyFilters):
    """The lazily sized transposes of all dimensions; for the arguments see :class:`ConvTranspose2d`."""

    def __init__(
        self,
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
        any_size = positive(type(self).__name__, "groups", groups)
        rest = padding, output_padding, groups, bias, dilation, padding_mode
        self._wait(any_size, out_channels, kernel_size, stride, *rest)

    def _size_by(self, shapes: Shapes) -> int | None:
        weight = shapes.get("weight", ())
        return weight[0] if len(weight) == self.dims + 2 else None


class LazyConvTranspose1d(_LazyConvolutionTranspose, ConvTranspose1d):
    """A :class:`ConvTranspose1d` whose in_channels are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyConvTranspose1d(4, 2, 2)(tg.ones(1, 2, 8)).shape
    (1, 4, 16)
    """

    layer = ConvTranspose1d


class LazyConvTranspose2d(_LazyConvolutionTranspose, ConvTranspose2d):
    """A :class:`ConvTranspose2d` whose in_channels are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyConvTranspose2d(4, 2, 2)(tg.ones(1, 2, 8, 8)).shape
    (1, 4, 16, 16)
    """

    layer = ConvTranspose2d


class LazyConvTranspose3d(_LazyConvolutionTranspose, ConvTranspose3d):
    """A :class:`ConvTranspose3d` whose in_channels are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyConvTranspose3d(4, 2, 2)(tg.ones(1, 2, 4, 4, 4)).shape
    (1, 4, 8, 8, 8)
    """

    layer = ConvTranspose3d


class LazyLinear(Lazy, Linear):
    """A :class:`Linear` whose in_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyLinear(4)(tg.ones(5, 3)).shape
    (5, 4)
    """

    layer, size_name = Linear, "in_features"

    def __init__(self, out_features: int, bias: bool = True):
        self._wait(1, out_features, bias)

    def _size_of(self, x: Tensor) -> int:
        if not x.ndim:
            raise ShapeError(f"input of shape (){location()}: it must be N x D, or have more axes before D.")
        return x.shape[-1]

    def _size_by(self, shapes: Shapes) -> int | None:
        weight = shapes.get("weight", ())
        return weight[1] if len(weight) == 2 else None
