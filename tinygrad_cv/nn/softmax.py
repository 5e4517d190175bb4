"""Softmax and its kin as layers. For training use :class:`CrossEntropyLoss` on scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.creation import asarray
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class _AlongAnAxis(Module):
    """One axis, or None: then 1 of two axes, or of four and more; 0 of one axis, or of three."""

    def __init__(self, dim: int | None = None):
        super().__init__()
        self.dim = dim

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongAnAxis):
    """exp(x) / Σ exp(x) along an axis; without one PyTorch's choice, see :func:`functional.softmax`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softmax(1)(tg.tensor([[1e4, 1e4]])).tolist()
    [[0.5, 0.5]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.softmax(x, self.dim)


class Softmin(_AlongAnAxis):
    """exp(-x) / Σ exp(-x) along an axis; without one PyTorch's choice, see :func:`functional.softmax`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softmin(1)(tg.tensor([[1e4, 0.0]])).tolist()
    [[0.0, 1.0]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.softmin(x, self.dim)


class LogSoftmax(_AlongAnAxis):
    """x - log Σ exp(x) along an axis; without one PyTorch's choice, see :func:`functional.softmax`.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LogSoftmax(1)(tg.tensor([[1e4, 0.0]])).tolist()
    [[0.0, -10000.0]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.log_softmax(x, self.dim)


class Softmax2d(Module):
    """Softmax over the channels at each place of N x C x H x W, or of C x H x W.

    Raises:
        ShapeError: in a call, another number of axes.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softmax2d()(tg.zeros(4, 1, 2)).tolist()[0]
    [[0.25, 0.25]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        x = asarray(x)
        if x.ndim not in (3, 4):
            raise ShapeError(
                f"input of shape {x.shape}{location()}: it must be N x C x H x W, or C x H x W without a batch."
            )
        return F.softmax(x, -3)
