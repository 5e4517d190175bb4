"""The fully connected layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..frontend.creation import zeros
from . import init
from .arguments import derived, positive
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Linear(Module):
    """y = x Wᵀ + b.

    x: N x D (or more leading axes) to N x D'. weight: D' x D; bias: D'.

    Raises:
        ShapeError: a size below 1; in a call, the wrong number of features; the message has the path and the right one.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Linear(3, 4)(tg.ones(5, 3)).shape
    (5, 4)
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True):
        super().__init__()
        columns, rows = positive("Linear", "in_features", in_features), positive("Linear", "out_features", out_features)
        self.weight = Parameter(zeros(rows, columns))
        self.bias = Parameter(zeros(out_features)) if bias else None
        init.default_(self.weight, self.bias)

    @derived
    def in_features(self) -> int:
        """D"""
        return self.weight.shape[1]

    @derived
    def out_features(self) -> int:
        """D'"""
        return self.weight.shape[0]

    def forward(self, x: TensorLike) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
