"""Smooth activation layers. ``inplace`` is accepted for compatibility with PyTorch; no layer works in place.

For formulas and sources see the functions of the same names in :mod:`tinygrad_cv.functional`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from .. import functional as F
from .arguments import one_of
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


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


class CELU(Module):
    """x above 0, alpha (exp(x / alpha) - 1) below, with slope 1 on both sides of 0.

    Raises:
        ValueError: alpha is 0.

    >>> import tinygrad_cv as tg
    >>> tg.nn.CELU(2.0)(tg.tensor([-1000.0, 2.0])).tolist()
    [-2.0, 2.0]
    """

    def __init__(self, alpha: float = 1.0, inplace: bool = False):
        super().__init__()
        if alpha == 0:
            raise ValueError(f"CELU: alpha={alpha}; it divides, so it must not be 0.")
        self.alpha = alpha

    def forward(self, x: TensorLike) -> Tensor:
        return F.celu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"alpha={self.alpha}"


class SELU(Module):
    """An ELU scaled so that of normal numbers it keeps mean 0 and variance 1.

    >>> import tinygrad_cv as tg
    >>> tg.nn.SELU()(tg.tensor([-1000.0, 2.0]))
    tensor([-1.7581,  2.1014], shape=(2,), dtype=float32)
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.selu(x)


class Softplus(Module):
    """log(1 + exp(beta x)) / beta, without overflow at any x; for ``threshold`` see :func:`functional.softplus`.

    Raises:
        ValueError: beta is 0.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softplus()(tg.tensor([-1000.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, beta: float = 1.0, threshold: float = 20.0):
        super().__init__()
        if beta == 0:
            raise ValueError(f"Softplus: beta={beta}; it divides, so it must not be 0.")
        self.beta, self.threshold = beta, threshold

    def forward(self, x: TensorLike) -> Tensor:
        return F.softplus(x, self.beta, self.threshold)

    def extra_repr(self) -> str:
        return f"beta={self.beta}, threshold={self.threshold}"


class LogSigmoid(Module):
    """log(1 / (1 + exp(-x))), without overflow.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LogSigmoid()(tg.tensor([-1000.0, 1000.0])).tolist()
    [-1000.0, -0.0]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.logsigmoid(x)


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


class Tanhshrink(Module):
    """x - tanh x

    >>> import tinygrad_cv as tg
    >>> tg.nn.Tanhshrink()(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 999.0]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.tanhshrink(x)


class Softsign(Module):
    """x / (1 + abs(x))

    >>> import tinygrad_cv as tg
    >>> tg.nn.Softsign()(tg.tensor([-1.0, 3.0])).tolist()
    [-0.5, 0.75]
    """

    def forward(self, x: TensorLike) -> Tensor:
        return F.softsign(x)


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


class Mish(Module):
    """x · tanh(log(1 + eˣ))

    >>> import tinygrad_cv as tg
    >>> tg.nn.Mish()(tg.tensor([0.0, 1000.0])).tolist()
    [0.0, 1000.0]
    """

    def __init__(self, inplace: bool = False):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return F.mish(x)


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


class GLU(Module):
    """a · sigmoid(b), where a and b are the halves of x along an axis (Dauphin et al., 2017, eq. 1).

    Raises:
        ShapeError: in a call, the axis has an odd size.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GLU()(tg.tensor([1.0, 2.0, 1000.0, -1000.0])).tolist()
    [1.0, 0.0]
    """

    def __init__(self, dim: int = -1):
        super().__init__()
        self.dim = dim

    def forward(self, x: TensorLike) -> Tensor:
        return F.glu(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"
