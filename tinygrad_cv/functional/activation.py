"""Activations, composed from elementwise primitives. ``where`` selects branches, so NaN stays NaN and each is exact."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from ..frontend.functions import composed

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@composed
def relu(x: Accepted) -> Tensor:
    """max(x, 0), with derivative 0 at 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.relu(tg.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return x.relu()


@composed
def leaky_relu(x: Accepted, negative_slope: float = 0.01) -> Tensor:
    """x above 0, negative_slope · x below (Maas, Hannun and Ng, 2013)."""
    return (x > 0).where(x, x * negative_slope)


@composed
def relu6(x: Accepted) -> Tensor:
    """min(max(x, 0), 6), with derivative 0 at both ends."""
    return ((x <= 0) | (x >= 6)).where(x.detach().clip(0, 6), x)


@composed
def elu(x: Accepted, alpha: float = 1.0) -> Tensor:
    """x above 0, alpha (eˣ - 1) below (Clevert, Unterthiner and Hochreiter, 2016, eq. 15)."""
    return (x > 0).where(x, (x.exp() - 1.0) * alpha)


@composed
def softplus(x: Accepted) -> Tensor:
    """log(1 + eˣ), without overflow, and accurate to the last digits where it is small.

    The rounding error of 1 + e is added back to first order. In exact arithmetic it is 0, so it is detached.
    """
    below = x < 0
    e = below.where(x, -x).exp()  # never above 1
    w = 1.0 + e
    lost = (e.detach() - (w.detach() - 1.0)) / w.detach()
    return below.where(0.0, x) + (w.log() + lost)


@composed
def sigmoid(x: Accepted) -> Tensor:
    """1 / (1 + exp(-x)), without overflow."""
    return x.sigmoid()


@composed
def tanh(x: Accepted) -> Tensor:
    """tanh x"""
    return x.tanh()


@composed
def silu(x: Accepted) -> Tensor:
    """x · sigmoid(x) (Elfwing, Uchibe and Doya, 2018)."""
    return _gated(x, lambda z: z.sigmoid())


@composed
def gelu(x: Accepted, approximate: Literal["none", "tanh"] = "none") -> Tensor:
    """x Φ(x), where Φ is the normal distribution function, or an approximation by tanh (Hendrycks and Gimpel, 2016)."""
    if approximate == "tanh":
        return _gated(x, lambda z: 0.5 + 0.5 * (math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)).tanh())
    if approximate != "none":
        raise ValueError(f"gelu: approximate={approximate!r}; it must be 'none' or 'tanh'.")
    return _gated(x, lambda z: 0.5 + 0.5 * (z * math.sqrt(0.5)).erf())


def _gated(x: Tensor, gate: Callable[[Tensor], Tensor]) -> Tensor:
    """x · gate(x), for a gate rising from 0 to 1 with gate(-x) = 1 - gate(x), as max(x, 0) - |x| · gate(-|x|).

    At ±∞ the gate in this form is 0, and ``times`` makes its product with ∞ the limit, 0.
    """
    below = x < 0
    z = below.where(x, -x)
    return below.where(0.0, x) + gate(z).times(z)


@composed
def softmax(x: Accepted, dim: int = -1) -> Tensor:
    """exp(x) / Σ exp(x) along an axis.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softmax(tg.tensor([1e4, 1e4])).tolist()
    [0.5, 0.5]
    """
    e = _below_the_largest(x, dim).exp()
    return e / e.sum(dim, keepdims=True)


@composed
def log_softmax(x: Accepted, dim: int = -1) -> Tensor:
    """x - log Σ exp(x) along an axis.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.log_softmax(tg.tensor([1e4, 0.0])).tolist()
    [0.0, -10000.0]
    """
    z = _below_the_largest(x, dim)
    return z - z.exp().sum(dim, keepdims=True).log()


def _below_the_largest(x: Tensor, dim: int) -> Tensor:
    """x - max x. Softmax does not depend on the shift, exactly and at every order, so the maximum is detached.

    If there is +∞, it becomes 0 and everything else -∞: the limit as it grows. Of several +∞ the mean is subtracted.
    """
    top = x.detach().max(dim, keepdims=True)
    if top.known_finite():
        return x - top
    infinite = x == math.inf
    count = infinite.astype(x.dtype).sum(dim, keepdims=True)
    mean = infinite.where(x / count, 0.0).sum(dim, keepdims=True)
    return (top == math.inf).where(infinite.where(0.0, x - mean), x - top)
