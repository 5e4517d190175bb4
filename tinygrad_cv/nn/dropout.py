"""Dropout layers, active in training mode only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from .arguments import probability
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Dropout(Module):
    """In training sets each element to 0 with probability p and divides the others by 1 - p; in evaluation returns x.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg
    >>> drop = tg.nn.Dropout(0.75)
    >>> sorted(set(drop(tg.ones(100)).tolist())), drop.eval()(tg.ones(2)).tolist()
    ([0.0, 4.0], [1.0, 1.0])
    """

    def __init__(self, p: float = 0.5, inplace: bool = False):
        super().__init__()
        self.p = probability(type(self).__name__, p)

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class Dropout2d(Dropout):
    """In training sets whole channels of x, N x C x H x W, to 0 with probability p and divides the others by 1 - p.

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015, section 3.2.

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg
    >>> tg.nn.Dropout2d(1.0)(tg.ones(1, 2, 1, 2)).tolist()
    [[[[0.0, 0.0]], [[0.0, 0.0]]]]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.dropout2d(x, self.p, self.training)
