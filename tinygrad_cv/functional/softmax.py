"""Softmax and its kin: scores along an axis to a distribution.

Without ``dim`` the axis is PyTorch's choice: 1 of two axes, or of four and more; 0 of one axis, or of three. It is
best to say which.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ..core.context import scoped
from ..frontend.functions import accepting, composed
from ..frontend.movement import axes_of
from ..frontend.precision import in_single
from ..frontend.random import Generator, default_generator

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted, DTypeLike


@accepting
@scoped
def softmax(input: Accepted, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """exp(x) / Σ exp(x) along an axis.

    Of scores that are +∞ the distribution is the limit as they grow together: all of it, in equal parts.

    Args:
        dim: the axis; None: see the top of this page.
        dtype: x is converted to it first.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softmax(tg.tensor([1e4, 1e4]), 0).tolist()
    [0.5, 0.5]
    """
    return _softmax(_converted(input, dtype), _axis(input, dim))


@accepting
@scoped
def softmin(input: Accepted, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """exp(-x) / Σ exp(-x) along an axis; arguments as for :func:`softmax`.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.softmin(tg.tensor([1e4, 0.0]), 0).tolist()
    [0.0, 1.0]
    """
    return _softmin(_converted(input, dtype), _axis(input, dim))


@accepting
@scoped
def log_softmax(input: Accepted, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """x - log Σ exp(x) along an axis; arguments as for :func:`softmax`.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.log_softmax(tg.tensor([1e4, 0.0]), 0).tolist()
    [0.0, -10000.0]
    """
    return _log_softmax(_converted(input, dtype), _axis(input, dim))


@composed
def gumbel_softmax(
    logits: Accepted,
    tau: float = 1.0,
    hard: bool = False,
    eps: float = 1e-10,
    dim: int = -1,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """A differentiable draw from a distribution: softmax((x + g) / tau), g = -log(-log u), u uniform in (0, 1).

    Source: Jang, Gu and Poole, "Categorical reparameterization with Gumbel-softmax", 2017, eq. 2.

    Args:
        tau: the temperature; towards 0 draws become one-hot.
        hard: return the nearest one-hot vector, with the gradient of the soft one.
        eps: accepted for compatibility with PyTorch, which ignores it too.

    Raises:
        ValueError: tau is not positive.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.gumbel_softmax(tg.tensor([[0.0, 1e4, 0.0]]), hard=True).tolist()
    [[0.0, 1.0, 0.0]]
    """
    if not tau > 0:
        raise ValueError(f"gumbel_softmax: tau={tau}; a temperature must be positive.")
    u = (generator or default_generator).uniform(logits.shape, logits.dtype)
    u = (u > 0).where(u, float(np.finfo(u.dtype).tiny))
    y = _softmax((logits - (-u.log()).log()) / tau, dim)
    if not hard:
        return y
    soft = y.detach()
    place = np.arange(y.shape[dim]).reshape(-1, *(1,) * (y.ndim - 1 - dim % y.ndim)) if y.ndim else 0
    chosen = (soft.argmax(dim, keepdims=True) == place).astype(y.dtype)
    return chosen + (y - soft)  # plus 0, which has the gradient


def _axis(x: Tensor, dim: int | None) -> int:
    """PyTorch's choice, if none is named."""
    return dim if dim is not None else 0 if x.ndim in (0, 1, 3) else 1


def _converted(x: Tensor, dtype: DTypeLike | None) -> Tensor:
    return x if dtype is None else x.astype(dtype)


@in_single
def _softmax(x: Tensor, dim: int) -> Tensor:
    e = _below_the_largest(x, dim).exp()
    return e / e.sum(dim, keepdims=True)


@in_single
def _softmin(x: Tensor, dim: int) -> Tensor:
    return _softmax(-x, dim)


@in_single
def _log_softmax(x: Tensor, dim: int) -> Tensor:
    z = _below_the_largest(x, dim)
    return z - z.exp().sum(dim, keepdims=True).log()


def _below_the_largest(x: Tensor, dim: int) -> Tensor:
    """x - max x. Softmax does not depend on the shift, exactly and at every order, so the maximum is detached.

    If there is +∞, it becomes 0 and everything else -∞: the limit as it grows. Of several +∞ the mean is subtracted.
    """
    if x.size == 0:
        axes_of("softmax", dim, x.ndim, scalar=True)
        return x
    top = x.detach().max(dim, keepdims=True)
    if top.known_finite():
        return x - top
    infinite = x == math.inf
    count = infinite.astype(x.dtype).sum(dim, keepdims=True)
    mean = infinite.where(x / count, 0.0).sum(dim, keepdims=True)
    return (top == math.inf).where(infinite.where(0.0, x - mean), x - top)
