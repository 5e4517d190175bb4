"""Layers that add borders to signals, images and volumes, or crop them, as :func:`functional.pad` does.

Each takes one width for all sides, or (left, right), (left, right, top, bottom) or (left, right, top, bottom, front,
back); a negative width crops.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import functional as F
from ..core.errors import ShapeError
from ..functional.arguments import Size
from ..functional.padding import Mode, pairs
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _Pad(Module):
    """The widths for the last ``dims`` axes, and the mode."""

    dims: int
    mode: Mode

    def __init__(self, padding: Size):
        super().__init__()
        count = 2 * self.dims
        given = tuple(padding) if isinstance(padding, Sequence) else (padding,)
        self.padding = given * count if len(given) == 1 else given
        if len(self.padding) != count or isinstance(padding, (str, float)):
            raise ShapeError(f"{type(self).__name__}: padding={padding!r}; it must be an integer or {count} integers.")
        pairs("padding", self.padding)

    def forward(self, x: TensorLike) -> Tensor:
        return F.pad(x, self.padding, self.mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    mode = "constant"

    def __init__(self, padding: Size, value: float):
        super().__init__(padding)
        self.value = value

    def forward(self, x: TensorLike) -> Tensor:
        return F.pad(x, self.padding, self.mode, self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class _ZeroPad(_ConstantPad):
    def __init__(self, padding: Size):
        super().__init__(padding, 0.0)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ReflectionPad(_Pad):
    mode = "reflect"


class _ReplicationPad(_Pad):
    mode = "replicate"


class _CircularPad(_Pad):
    mode = "circular"


class ConstantPad1d(_ConstantPad):
    """A border of ``value``, N x C x L.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ConstantPad1d(1, 9.0)(tg.tensor([[1.0, 2.0]])).tolist()
    [[9.0, 1.0, 2.0, 9.0]]
    """

    dims = 1


class ConstantPad2d(_ConstantPad):
    """A border of ``value``, N x C x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ConstantPad2d(1, 9.0)(tg.ones(1, 2, 3, 4)).shape
    (1, 2, 5, 6)
    """

    dims = 2


class ConstantPad3d(_ConstantPad):
    """A border of ``value``, N x C x D x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ConstantPad3d(1, 9.0)(tg.ones(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    dims = 3


class ZeroPad1d(_ZeroPad):
    """A border of zeros, N x C x L.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ZeroPad1d(1)(tg.tensor([[1.0, 2.0]])).tolist()
    [[0.0, 1.0, 2.0, 0.0]]
    """

    dims = 1


class ZeroPad2d(_ZeroPad):
    """A border of zeros, N x C x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ZeroPad2d(1)(tg.ones(1, 2, 3, 4)).shape
    (1, 2, 5, 6)
    """

    dims = 2


class ZeroPad3d(_ZeroPad):
    """A border of zeros, N x C x D x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ZeroPad3d(1)(tg.ones(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    dims = 3


class ReflectionPad1d(_ReflectionPad):
    """A border that mirrors the image, its edge not repeated, N x C x L.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReflectionPad1d(1)(tg.tensor([[1.0, 2.0]])).tolist()
    [[2.0, 1.0, 2.0, 1.0]]
    """

    dims = 1


class ReflectionPad2d(_ReflectionPad):
    """A border that mirrors the image, its edge not repeated, N x C x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReflectionPad2d(1)(tg.ones(1, 2, 3, 4)).shape
    (1, 2, 5, 6)
    """

    dims = 2


class ReflectionPad3d(_ReflectionPad):
    """A border that mirrors the image, its edge not repeated, N x C x D x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReflectionPad3d(1)(tg.ones(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    dims = 3


class ReplicationPad1d(_ReplicationPad):
    """A border that repeats the edge of the image, N x C x L.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReplicationPad1d(1)(tg.tensor([[1.0, 2.0]])).tolist()
    [[1.0, 1.0, 2.0, 2.0]]
    """

    dims = 1


class ReplicationPad2d(_ReplicationPad):
    """A border that repeats the edge of the image, N x C x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReplicationPad2d(1)(tg.ones(1, 2, 3, 4)).shape
    (1, 2, 5, 6)
    """

    dims = 2


class ReplicationPad3d(_ReplicationPad):
    """A border that repeats the edge of the image, N x C x D x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReplicationPad3d(1)(tg.ones(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    dims = 3


class CircularPad1d(_CircularPad):
    """A border from the other end of the image, N x C x L.

    >>> import tinygrad_cv as tg
    >>> tg.nn.CircularPad1d(1)(tg.tensor([[1.0, 2.0]])).tolist()
    [[2.0, 1.0, 2.0, 1.0]]
    """

    dims = 1


class CircularPad2d(_CircularPad):
    """A border from the other end of the image, N x C x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.CircularPad2d(1)(tg.ones(1, 2, 3, 4)).shape
    (1, 2, 5, 6)
    """

    dims = 2


class CircularPad3d(_CircularPad):
    """A border from the other end of the image, N x C x D x H x W.

    >>> import tinygrad_cv as tg
    >>> tg.nn.CircularPad3d(1)(tg.ones(1, 2, 3, 4, 5)).shape
    (1, 2, 5, 6, 7)
    """

    dims = 3
