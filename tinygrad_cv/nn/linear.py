"""The fully connected layer."""

from __future__ import annotations

from typing import Any

from .. import functional as F
from ..frontend.creation import zeros
from . import init
from .arguments import derived, positive
from .module import Module
from .parameter import Parameter


class Linear(Module):
    """y = x Wᵀ + b.

    x: N x D (or more leading axes) to N x D'. weight: D' x D; bias: D'.

    Raises:
        ShapeError: a size below 1; in a call, the wrong number of features, with the layer's path and the right number.

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

    in_features = derived(lambda self: self.weight.shape[1])
    out_features = derived(lambda self: self.weight.shape[0])

    def forward(self, x: Any) -> Any:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
