"""Lazily sized normalizations of channels."""

from __future__ import annotations

from types import EllipsisType
from typing import TYPE_CHECKING

from ..core.context import location
from ..core.errors import ShapeError
from .batch_norm import BatchNorm1d, BatchNorm2d, BatchNorm3d, InstanceNorm1d, InstanceNorm2d, InstanceNorm3d
from .lazy import Lazy, Shapes

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor


class _LazyNorm(Lazy):
    """What the normalizations of channels share."""

    size_name = "num_features"

    def _size_by(self, shapes: Shapes) -> int | None:
        known = [shapes[name] for name in ("weight", "running_mean") if len(shapes.get(name, ())) == 1]
        return known[0][0] if known else None


class _LazyBatchNorm(_LazyNorm):
    """The lazily sized batch normalizations; for the arguments see :class:`BatchNorm2d`."""

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


class LazyBatchNorm3d(_LazyBatchNorm, BatchNorm3d):
    """A :class:`BatchNorm3d` whose num_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyBatchNorm3d()(tg.randn(5, 3, 2, 2, 2)).shape
    (5, 3, 2, 2, 2)
    """

    layer = BatchNorm3d


class _LazyInstanceNorm(_LazyNorm):
    """The lazily sized instance normalizations.

    As PyTorch's, and unlike :class:`InstanceNorm2d`, they learn γ and β and keep running averages by default.
    """

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ):
        self._wait(1, eps, momentum, affine, track_running_stats, bias=bias)

    def _size_of(self, x: Tensor) -> int:
        dims = self.layer.dims
        if x.ndim not in (dims + 1, dims + 2):
            raise ShapeError(f"input of shape {x.shape}{location()}: it must be {self.layer.layout}.")
        return x.shape[-dims - 1]


class LazyInstanceNorm1d(_LazyInstanceNorm, InstanceNorm1d):
    """An :class:`InstanceNorm1d` whose num_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyInstanceNorm1d()(tg.randn(5, 3, 4)).shape
    (5, 3, 4)
    """

    layer = InstanceNorm1d


class LazyInstanceNorm2d(_LazyInstanceNorm, InstanceNorm2d):
    """An :class:`InstanceNorm2d` whose num_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyInstanceNorm2d()(tg.randn(5, 3, 2, 2)).shape
    (5, 3, 2, 2)
    """

    layer = InstanceNorm2d


class LazyInstanceNorm3d(_LazyInstanceNorm, InstanceNorm3d):
    """An :class:`InstanceNorm3d` whose num_features are those of its first input; see :class:`LazyConv2d`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LazyInstanceNorm3d()(tg.randn(5, 3, 2, 2, 2)).shape
    (5, 3, 2, 2, 2)
    """

    layer = InstanceNorm3d
