"""Activation layers. ``inplace`` is accepted for compatibility with PyTorch and ignored: no layer works in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .. import functional as F
from ..frontend.creation import asarray
from .arguments import one_of
from .module import Module

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


class ReLU6(Module):
    """min(max(x, 0), 6).

    >>> import tinygrad_cv as tg
    >>> tg.nn.ReLU6()(tg.tensor([-1.0, 2.0, 7.0])).tolist()
    [0.0, 2.0, 6.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.relu6(x)


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


class ELU(Module):
    """x above 0, alpha (eˣ - 1) below (Clevert, Unterthiner and Hochreiter, 2016, eq. 15).

    >>> import tinygrad_cv as tg
    >>> tg.nn.ELU()(tg.tensor([-1000.0, 2.0])).tolist()
    [-1.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__()
        self.alpha = alpha

    def forward(self, x: TensorLike) -> Tensor:
        return F.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class Softplus(Module):
    """1/beta · log(1 + exp(beta x)), without overflow at any x.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softplus()(tg.tensor([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, beta: float = 1.0):
        super().__init__()
        if not beta > 0:
            raise ValueError(f"Softplus: beta={beta}; it must be positive.")
        self.beta = beta

    def forward(self, x: TensorLike) -> Tensor:
        return F.softplus(x) if self.beta == 1 else F.softplus(asarray(x) * self.beta) / self.beta

    def extra_repr(self) -> str:
        return f"beta={self.beta}"


class Sigmoid(Module):
    """1 / (1 + exp(-x)), without overflow.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Sigmoid()(tg.tensor([-1000.0, 0.0])).tolist()
    [0.0, 0.5]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.sigmoid(x)


class Tanh(Module):
    """tanh x

    >>> import tinygrad_cv as tg
    >>> tg.nn.Tanh()(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 1.0]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.tanh(x)


class SiLU(Module):
    """x · sigmoid(x) (Elfwing, Uchibe and Doya, 2018).

    >>> import tinygrad_cv as tg
    >>> tg.nn.SiLU()(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.silu(x)


class GELU(Module):
    """x Φ(x), where Φ is the normal distribution function, or an approximation by tanh (Hendrycks and Gimpel, 2016).

    Raises:
        ValueError: approximate is neither "none" nor "tanh".

    >>> import tinygrad_cv as tg
    >>> tg.nn.GELU()(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, approximate: Literal["none", "tanh"] = "none"):
        super().__init__()
        self.approximate = one_of("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, x: TensorLike) -> Tensor:
        return F.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class Softmax(Module):
    """exp(x) / Σ exp(x) along an axis, the last by default. For training use :class:`CrossEntropyLoss` on scores.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softmax()(tg.tensor([[1e4, 1e4]])).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, x: TensorLike) -> Tensor:
        return F.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Module):
    """x - log Σ exp(x) along an axis, the last by default.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LogSoftmax()(tg.tensor([[1e4, 0.0]])).tolist()
    [[0.0, -10000.0]]
    """

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, x: TensorLike) -> Tensor:
        return F.log_softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
