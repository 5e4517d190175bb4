"""Layers that learn the size of their input from their first call, or from a state dict, and are usual ones then."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import EllipsisType
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.context import current, location
from ..core.errors import ShapeError, TraceError
from ..frontend.creation import asarray
from ..frontend.random import default_generator
from ..functional.arguments import AXES, Size
from ..functional.convolution import Padding
from .arguments import derived, positive
from .batch_norm import BatchNorm1d, BatchNorm2d
from .conv_transpose import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from .convolution import Conv1d, Conv2d, Conv3d, PaddingMode
from .linear import Linear
from .module import Module
from .parameter import Parameter, UninitializedParameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

Shapes = Mapping[str, tuple[int, ...]]  # of a layer's parameters and buffers


class _Lazy(Module):
    """A call of the constructor of ``layer`` that waits for its first argument, the size of the input.

    Until that is known, an :class:`UninitializedParameter` stands for each parameter and buffer.
    """

    layer: ClassVar[Any]  # the class that the module becomes
    size_name: ClassVar[str]  # the first argument of its constructor
    _arguments: tuple[Any, ...]  # the others
    _options: dict[str, Any]  # those that are passed by name

    def _wait(self, any_size: int, *arguments: Any, **options: Any) -> None:
        """Check the arguments by making the layer for any size; keep all of it but its parameters and buffers."""
        with default_generator.rewound():
            self.layer.__init__(self, any_size, *arguments, **options)
        self._arguments, self._options = arguments, options
        for name, value in vars(self).items():
            if isinstance(value, Parameter) or (name in self._buffers and value is not None):
                vars(self)[name] = UninitializedParameter()

    def _size_of(self, x: Tensor) -> int:
        """The size, by an input."""
        raise NotImplementedError

    def _size_by(self, shapes: Shapes) -> int | None:
        """The size, by the shapes of a state dict; None if they do not say it."""
        raise NotImplementedError

    def forward(self, x: Any, *arguments: Any, **options: Any) -> Any:
        """Make the layer for this input and call it; if all goes well, be that layer from now on."""
        x = asarray(x)
        if current().trace is not None:
            raise TraceError(
                f"{type(self).__name__}{location()}: its parameters are made at its first call, which jit cannot "
                "record. Call the model once with an example before a jitted function calls it, or load a state dict."
            )
        made = self._made(self._size_of(x))
        y = made.forward(x, *arguments, **options)
        self._become(made)
        return y

    def make_parameters(self, shapes: Shapes) -> None:
        size = self._size_by(shapes)
        if size is not None:
            self._become(self._made(size))

    def _made(self, size: int) -> Module:
        """The layer for a size, with the attributes that this module has now."""
        fresh = vars(self.layer(size, *self._arguments, **self._options))
        attributes = {name: value for name, value in vars(self).items() if name not in ("_arguments", "_options")}
        dtypes: set[np.dtype] = set()
        for name, value in attributes.items():
            if isinstance(value, UninitializedParameter):
                dtypes.update(() if value.dtype is None else (value.dtype,))
                attributes[name] = fresh[name]
            elif name == self.size_name:
                attributes[name] = fresh[name]
        made: Module = object.__new__(self.layer)
        vars(made).update(attributes)
        for dtype in dtypes:
            made.to(dtype)
        return made

    def _become(self, made: Module) -> None:
        """Be the layer that was made."""
        vars(self).clear()
        vars(self).update(vars(made))
        self.__class__ = self.layer

    def __getattr__(self, name: str) -> Any:
        if isinstance(getattr(type(self), name, None), derived):
            raise AttributeError(
                f"{type(self).__name__}.{name} is not known yet: call the model once with an example.",
                name=name,
                obj=self,
            )
        return super().__getattr__(name)

    def extra_repr(self) -> str:
        """The arguments that differ from their defaults."""
        parameters = list(inspect.signature(type(self)).parameters.values())
        given = zip(parameters, (*self._arguments, *self._options.values()), strict=True)
        return ", ".join(
            f"{value}" if p.default is p.empty else f"{p.name}={value}" for p, value in given if value != p.default
        )


class _LazyFilters(_Lazy):
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


class LazyLinear(_Lazy, Linear):
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


class _LazyBatchNorm(_Lazy):
    """The lazily sized batch normalizations; for the arguments see :class:`BatchNorm2d`."""

    size_name = "num_features"

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | EllipsisType | None = ...,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ):
        self._wait(1, eps, momentum, affine, track_running_stats, bias=bias)

    def _size_of(self, x: Tensor) -> int:
        if x.ndim not in self.layer.ranks:
            raise ShapeError(f"input of shape {x.shape}{location()}: it must be {self.layer.layout}.")
        return x.shape[1]

    def _size_by(self, shapes: Shapes) -> int | None:
        known = [shapes[name] for name in ("weight", "running_mean") if len(shapes.get(name, ())) == 1]
        return known[0][0] if known else None


class LazyBatchNorm1d(_LazyBatchNorm, BatchNorm1d):
    """A :class:`BatchNorm1d` whose num_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyBatchNorm1d()(tg.randn(5, 3)).shape
    (5, 3)
    """

    layer = BatchNorm1d


class LazyBatchNorm2d(_LazyBatchNorm, BatchNorm2d):
    """A :class:`BatchNorm2d` whose num_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyBatchNorm2d()(tg.randn(5, 3, 2, 2)).shape
    (5, 3, 2, 2)
    """

    layer = BatchNorm2d
