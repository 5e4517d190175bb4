"""Losses of distributions: Kullback and Leibler's divergence, likelihoods of counts and of numbers with a variance."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from ...core.context import location
from ...core.errors import ShapeError
from ...frontend.functions import composed
from .reduction import Reduction, check_equal, loss, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted


@loss
def kl_div(
    input: Accepted,
    target: Accepted,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: Reduction | Literal["batchmean"] = "mean",
    log_target: bool = False,
) -> Tensor:
    """t (log t - x), the divergence of a distribution from log-probabilities (Kullback and Leibler, 1951).

    Args:
        input: x, log-probabilities of any shape, a row for each distribution.
        target: t, probabilities of the same shape; a t of 0 has loss 0.
        size_average, reduce: PyTorch's older forms of ``reduction``.
        reduction: "batchmean" divides the sum by N, as the divergence is defined; "mean" by the number of elements.
        log_target: the target is log t.

    Raises:
        ShapeError: the shapes differ; PyTorch broadcasts them.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> p, q = tg.tensor([[0.5, 0.5]]), tg.tensor([[0.25, 0.75]])
    >>> round(F.kl_div(q.log(), p, reduction="batchmean").item(), 4)
    0.1438
    """
    check_equal(input=input.shape, target=target.shape)
    losses = _divergence_of_logs(target, input) if log_target else _times_its_log(target) - target.times(input)
    if reduction != "batchmean":
        return reduced(losses, reduction)
    if losses.size == 0:
        raise ShapeError(f"mean loss over nothing{location()}: the batch is empty (shape {losses.shape}).")
    return losses.sum() * (1.0 / losses.shape[0] if losses.ndim else 1.0)


def _times_its_log(t: Tensor) -> Tensor:
    """t log t as 2 r² log r with r = √t, of which 1 / r is finite for every t but 0.

    At 0 it is -r: the value is 0, and the derivatives are -∞ and ∞ as well.
    """
    r, zero = t.sqrt(), t == 0
    inside = zero.where(1.0, r)
    return zero.where(-r, 2.0 * inside.square() * inside.log())


def _divergence_of_logs(log_t: Tensor, x: Tensor) -> Tensor:
    """t (log t - x) of log t; where t is 0, so are the value and all derivatives."""
    t = log_t.exp()
    zero = t == 0
    return zero.where(0.0, t * (zero.where(0.0, log_t) - x))


@loss
def poisson_nll_loss(
    input: Accepted,
    target: Accepted,
    log_input: bool = True,
    full: bool = False,
    size_average: bool | None = None,
    eps: float = 1e-8,
    reduce: bool | None = None,
    reduction: Reduction = "mean",
) -> Tensor:
    """eˣ - t x: -log of a count's Poisson probability, without log t!, which the input does not change.

    Args:
        input: x, the logarithm of the expected count, of any shape.
        target: t, the count, of the same shape.
        log_input: False: the input is the expected count itself, and the loss x - t log(x + eps).
        full: add Stirling's approximation of log t!, t log t - t + log(2πt) / 2, where t is above 1.
        size_average, reduce: PyTorch's older forms of ``reduction``.
        eps: keeps the logarithm finite.

    Raises:
        ShapeError: the shapes differ; PyTorch broadcasts them.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.poisson_nll_loss(tg.tensor([0.0]), tg.tensor([3.0])).item()
    1.0
    """
    check_equal(input=input.shape, target=target.shape)
    mean = input.exp() if log_input else input
    gain = target.times(input if log_input else (input + eps).log())
    losses = ((mean == math.inf) & (gain == math.inf)).where(mean, mean - gain)  # the mean grows faster
    if full:
        counts = target > 1
        t = counts.where(target, 1.0)
        losses = losses + counts.where(t * t.log() - t + 0.5 * (2.0 * math.pi * t).log(), 0.0)
    return reduced(losses, reduction)


@composed
def gaussian_nll_loss(
    input: Accepted,
    target: Accepted,
    var: Accepted,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Reduction = "mean",
) -> Tensor:
    """[log v + (input - target)² / v] / 2: -log of a normal density with variance v (Nix and Weigend, 1994).

    Args:
        input, target: means and observations, of one shape.
        var: v, variances of the input's shape; or without its last axis; or with one axis of size 1; or one number.
        full: add the constant log(2π) / 2.
        eps: smaller variances count as this one. For derivatives they are what they were, so that they can grow back.

    Raises:
        ShapeError: shapes that do not match.
        ValueError: a variance below 0, or an eps not above 0.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.gaussian_nll_loss(tg.tensor([0.0]), tg.tensor([2.0]), tg.tensor([1.0])).item()
    2.0
    """
    check_equal(input=input.shape, target=target.shape)
    if not 0.0 < eps < math.inf:
        raise ValueError(f"eps={eps}{location()}: it must be a number above 0.")
    if not (var >= 0).holds():
        raise ValueError(f"var of shape {var.shape}{location()}: a variance must not be below 0.")
    v = _variances(var, input.shape)
    v = (v < eps).where(eps + (v - v.detach()), v)
    d = input - target
    losses = 0.5 * (v.log() + d * (d / v))
    return reduced(losses + 0.5 * math.log(2.0 * math.pi) if full else losses, reduction)


def _variances(var: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The variances in a shape that broadcasts to that of the input."""
    if var.ndim == 0 or var.shape == shape:
        return var
    if var.shape == shape[:-1]:
        return var.expand_dims(-1)
    unequal = [n for n, wanted in zip(var.shape, shape, strict=False) if n != wanted]
    if var.ndim == len(shape) and unequal == [1]:
        return var
    raise ShapeError(
        f"var of shape {var.shape}, input of shape {shape}{location()}: it must be {shape}, {shape[:-1]}, or {shape} "
        "with one axis of size 1."
    )
