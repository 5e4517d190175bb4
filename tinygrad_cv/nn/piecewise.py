"""Activation layers of straight lines. ``inplace`` is accepted for compatibility with PyTorch; no layer works in place.

For formulas and sources see the functions of the same names in :mod:`tinygrad_cv.functional`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from ..frontend.creation import full
from ..functional.piecewise import interval
from .arguments import derived, positive
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class ReLU(Module):
    """max(x, 0), with derivative 0 at 0.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReLU()(tg.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.relu(x)


class Hardtanh(Module):
    """x limited to [min_val, max_val], with derivative 0 at both ends.

    Raises:
        ValueError: min_val is above max_val.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Hardtanh()(tg.tensor([-3.0, 0.5, 3.0])).tolist()
    [-1.0, 0.5, 1.0]
    """

    def __init__(self, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False):
        super().__init__()
        self.min_val, self.max_val = interval(type(self).__name__, min_val=min_val, max_val=max_val)

    def forward(self, x: TensorLike) -> Tensor:
        return F.hardtanh(x, self.min_val, self.max_val)

    def extra_repr(self) -> str:
        return f"min_val={self.min_val}, max_val={self.max_val}"


class ReLU6(Module):
    """min(max(x, 0), 6), with derivative 0 at both ends.

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReLU6()(tg.tensor([-1.0, 2.0, 7.0])).tolist()
    [0.0, 2.0, 6.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.relu6(x)


class Hardsigmoid(Module):
    """min(max(x + 3, 0), 6) / 6, with derivative 0 at both ends.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Hardsigmoid()(tg.tensor([-4.0, 0.0, 4.0])).tolist()
    [0.0, 0.5, 1.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.hardsigmoid(x)


class Hardswish(Module):
    """x · hardsigmoid(x)

    >>> import tinygrad_cv as tg
    >>> tg.nn.Hardswish()(tg.tensor([-1.5, 0.0, 4.0])).tolist()
    [-0.375, 0.0, 4.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.hardswish(x)


class LeakyReLU(Module):
    """x above 0, negative_slope · x below (Maas, Hannun and Ng, 2013).

    >>> import tinygrad_cv as tg
    >>> tg.nn.LeakyReLU(0.5)(tg.tensor([-1.0, 2.0])).tolist()
    [-0.5, 2.0]
    """

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False):
        super().__init__()
        self.negative_slope = negative_slope

    def forward(self, x: TensorLike) -> Tensor:
        return F.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}"


class PReLU(Module):
    """x above 0, a x below, with a learned a for each channel, or one for all (He et al., 2015, eq. 1).

    x: N x C x ...; weight: num_parameters, which is C or 1. Weight decay would pull a to 0: leave it out of that.

    >>> import tinygrad_cv as tg
    >>> tg.nn.PReLU()(tg.tensor([[-4.0, 2.0]])).tolist()
    [[-1.0, 2.0]]
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25):
        super().__init__()
        self.weight = Parameter(full(positive("PReLU", "num_parameters", num_parameters), init, "float32"))

    @derived
    def num_parameters(self) -> int:
        """C, or 1"""
        return self.weight.size

    def forward(self, x: TensorLike) -> Tensor:
        return F.prelu(x, self.weight)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"


class RReLU(Module):
    """x above 0, a x below, with a drawn for each element in training, and the mean (lower + upper) / 2 in evaluation.

    Raises:
        ValueError: lower is above upper.

    >>> import tinygrad_cv as tg
    >>> tg.nn.RReLU(0.0, 0.5).eval()(tg.tensor([-4.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False):
        super().__init__()
        self.lower, self.upper = interval("RReLU", lower=lower, upper=upper)

    def forward(self, x: TensorLike) -> Tensor:
        return F.rrelu(x, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"


class Threshold(Module):
    """x above the threshold, otherwise ``value``.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Threshold(1.0, -1.0)(tg.tensor([0.5, 1.0, 2.0])).tolist()
    [-1.0, -1.0, 2.0]
    """

    def __init__(self, threshold: float, value: float, inplace: bool = False):
        super().__init__()
        self.threshold, self.value = threshold, value

    def forward(self, x: TensorLike) -> Tensor:
        return F.threshold(x, self.threshold, self.value)

    def extra_repr(self) -> str:
        return f"threshold={self.threshold}, value={self.value}"


class Hardshrink(Module):
    """x where abs(x) is above lambd, otherwise 0.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Hardshrink()(tg.tensor([-2.0, 0.5, 2.0])).tolist()
    [-2.0, 0.0, 2.0]
    """

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        self.lambd = lambd

    def forward(self, x: TensorLike) -> Tensor:
        return F.hardshrink(x, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"


class Softshrink(Module):
    """x moved towards 0 by lambd, and 0 on the way.

    Raises:
        ValueError: lambd is negative.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softshrink()(tg.tensor([-2.0, 0.5, 2.0])).tolist()
    [-1.5, 0.0, 1.5]
    """

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        if not lambd >= 0:
            raise ValueError(f"Softshrink: lambd={lambd}; it must not be negative.")
        self.lambd = lambd

    def forward(self, x: TensorLike) -> Tensor:
        return F.softshrink(x, self.lambd)

    def extra_repr(self) -> str:
        return f"{self.lambd}"
