"""Activations, composed from elementwise primitives. Selections go by ``where``: NaN stays NaN, branches are exact."""

from __future__ import annotations

import math
from typing import Any

from ..frontend.functions import composed


@composed
def relu(x: Any) -> Any:
    """max(x, 0), with derivative 0 at 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.relu(tg.tensor([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    return x.relu()


@composed
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x above 0, negative_slope · x below (Maas, Hannun and Ng, 2013)."""
    return (x > 0).where(x, x * negative_slope)


@composed
def relu6(x: Any) -> Any:
    """min(max(x, 0), 6), with derivative 0 at both ends."""
    return ((x <= 0) | (x >= 6)).where(x.detach().clip(0, 6), x)


@composed
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x above 0, alpha (eˣ - 1) below (Clevert, Unterthiner and Hochreiter, 2016, eq. 15)."""
    return (x > 0).where(x, (x.exp() - 1.0) * alpha)


@composed
def softplus(x: Any) -> Any:
    """log(1 + eˣ), without overflow, and right to the last digits where it is small.

    What 1 + e rounds away is given back to first order; in exact arithmetic that is nothing, so it is detached.
    """
    below = x < 0
    e = below.where(x, -x).exp()  # never above 1
    w = 1.0 + e
    lost = (e.detach() - (w.detach() - 1.0)) / w.detach()
    return below.where(0.0, x) + (w.log() + lost)


@composed
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow."""
    return x.sigmoid()


@composed
def tanh(x: Any) -> Any:
    """tanh x"""
    return x.tanh()


@composed
def silu(x: Any) -> Any:
    """x · sigmoid(x) (Elfwing, Uchibe and Doya, 2018)."""
    return _gated(x, lambda z: z.sigmoid())


@composed
def gelu(x: Any, approximate: str = "none") -> Any:
    """x Φ(x), with the normal distribution function Φ (Hendrycks and Gimpel, 2016); "tanh" as given there."""
    if approximate == "tanh":
        return _gated(x, lambda z: 0.5 + 0.5 * (math.sqrt(2 / math.pi) * (z + 0.044715 * z**3)).tanh())
    if approximate != "none":
        raise ValueError(f"gelu: approximate={approximate!r}; it must be 'none' or 'tanh'.")
    return _gated(x, lambda z: 0.5 + 0.5 * (z * math.sqrt(0.5)).erf())


def _gated(x: Any, gate: Any) -> Any:
    """x · gate(x) for a gate that opens from 0 to 1, with gate(-x) = 1 - gate(x): max(x, 0) - |x| · gate(-|x|).

    So at ±∞ the product is one with a gate of 0, for which ``times`` gives 0, the limit.
    """
    below = x < 0
    z = below.where(x, -x)
    return below.where(0.0, x) + gate(z).times(z)


@composed
def softmax(x: Any, dim: int = -1) -> Any:
    """exp(x) / Σ exp(x) along an axis.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softmax(tg.tensor([1e4, 1e4])).tolist()
    [0.5, 0.5]
    """
    e = _below_the_largest(x, dim).exp()
    return e / e.sum(dim, keepdims=True)


@composed
def log_softmax(x: Any, dim: int = -1) -> Any:
    """x - log Σ exp(x) along an axis.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.log_softmax(tg.tensor([1e4, 0.0])).tolist()
    [0.0, -10000.0]
    """
    z = _below_the_largest(x, dim)
    return z - z.exp().sum(dim, keepdims=True).log()


def _below_the_largest(x: Any, dim: int) -> Any:
    """x - max x. The maximum drops out of what is made of it, exactly and at every order, so it is detached.

    Beside +∞ all else is -∞, and +∞ itself is 0: it outweighs the others however it grows. Of several, their mean is
    taken.
    """
    top = x.detach().max(dim, keepdims=True)
    if top.known_finite():
        return x - top
    infinite = x == math.inf
    count = infinite.astype(x.dtype).sum(dim, keepdims=True)
    mean = infinite.where(x / count, 0.0).sum(dim, keepdims=True)
    return (top == math.inf).where(infinite.where(0.0, x - mean), x - top)
