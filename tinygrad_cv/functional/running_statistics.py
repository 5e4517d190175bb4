"""Batch and instance normalization, which can keep running averages of their statistics for evaluation.

There are no derivatives here: they follow from the recorded graph, at every order.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..core.context import is_replaying, location, no_grad, scoped
from ..core.errors import ShapeError
from ..frontend.creation import asarray
from ..frontend.functions import accepting
from ..frontend.precision import in_single
from .arguments import changeable
from .normalization import affine, along_channels, check_channels, with_statistics

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@accepting
@scoped
def batch_norm(
    input: Accepted,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Accepted | None = None,
    bias: Accepted | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    unbiased: bool = True,
) -> Tensor:
    """Normalize each channel over the batch (Ioffe and Szegedy, "Batch normalization", 2015, algorithm 1).

    y = γ (x - μ) / √(σ² + eps) + β, with μ, σ² over N (fully connected, x: N x D) or over N, H, W (x: N x C x H x W).

    Args:
        running_mean, running_var: C; running averages, used in evaluation. In training they are updated in place:
            running = (1 - momentum) · running + momentum · new. The new variance is divided by N - 1, or by N if
            ``unbiased`` is false.
        weight, bias: γ and β, C.
        training: use batch statistics; otherwise the running averages, if there are any.

    Raises:
        ShapeError: one value per channel in training (its deviation from the mean is always 0), or sizes that differ.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.batch_norm(tg.tensor([[1.0], [3.0]]), training=True, eps=0.0).tolist()
    [[-1.0], [1.0]]
    """
    if input.ndim < 2:
        raise ShapeError(f"input of shape {input.shape}{location()}: it must be N x D or N x C x ...")
    mean, var = _averages(training, running_mean=running_mean, running_var=running_var)
    check_channels(input, running_mean=mean, running_var=var, weight=weight, bias=bias)
    if not training and mean is not None and var is not None:
        return _by_averages(input, mean, var, weight, bias, eps)
    if input.size and input.size == input.shape[1]:
        raise ShapeError(
            f"input of shape {input.shape}{location()}: one value per channel has no variance, and training would "
            "only see β. Use a larger batch, or eval()."
        )
    axes = (0, *range(2, input.ndim))
    updated = (mean, var) if training else (None, None)
    return _by_own_statistics(input, axes, updated, weight, bias, momentum, eps, unbiased)


@accepting
@scoped
def instance_norm(
    input: Accepted,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Accepted | None = None,
    bias: Accepted | None = None,
    use_input_stats: bool = True,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each channel of each image (Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016).

    Args:
        input: x, N x C x H x W (or N x C x ...); μ and σ are N x C x 1 x 1.
        running_mean, running_var: C; running averages of the images' μ and unbiased σ². They are updated in place with
            ``use_input_stats``, as by :func:`batch_norm`, and normalize without it.
        weight, bias: γ and β, C.

    Raises:
        ShapeError: no axis after the channels, or one value per channel.
        ValueError: neither the input's statistics are used nor are there running averages.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.instance_norm(tg.tensor([[[[1.0, 3.0]]]]), eps=0.0).tolist()
    [[[[-1.0, 1.0]]]]
    """
    if input.ndim < 3:
        raise ShapeError(
            f"input of shape {input.shape}{location()}: it must be N x C x ..., with an axis to normalize over."
        )
    mean, var = _averages(use_input_stats, running_mean=running_mean, running_var=running_var)
    check_channels(input, running_mean=mean, running_var=var, weight=weight, bias=bias)
    if not use_input_stats:
        if mean is None or var is None:
            raise ValueError(
                f"use_input_stats=False without running_mean and running_var{location()}: one of the two must be "
                "there to normalize by."
            )
        return _by_averages(input, mean, var, weight, bias, eps)
    if math.prod(input.shape[2:]) == 1:
        raise ShapeError(f"input of shape {input.shape}{location()}: one value per channel and image has no variance.")
    axes = tuple(range(2, input.ndim))
    return _by_own_statistics(input, axes, (mean, var), weight, bias, momentum, eps, True)


@in_single
def _by_averages(
    x: Tensor, mean: Tensor, var: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float
) -> Tensor:
    """The normalization of evaluation, which is affine."""
    scale = 1.0 / (along_channels(var, x) + eps).sqrt()
    weight, bias = along_channels(weight, x), along_channels(bias, x)
    y = (x - along_channels(mean, x)) * (scale if weight is None else scale * weight)
    return y if bias is None else y + bias


def _by_own_statistics(
    x: Tensor,
    axes: tuple[int, ...],
    averages: tuple[Tensor | None, Tensor | None],
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float | Tensor,
    eps: float,
    unbiased: bool,
) -> Tensor:
    """x normalized by its own statistics over axes; of these the averages take a share, where there are both."""
    mean, var = (None, None) if None in averages or is_replaying() else averages
    y, *new = _normalized(x, axes, mean, var, weight, bias, momentum, eps, unbiased)
    with no_grad():
        for average, value in zip((mean, var), new, strict=True):
            if average is not None and value is not None:
                average.assign(value)
    return y


@in_single
def _normalized(
    x: Tensor,
    axes: tuple[int, ...],
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float | Tensor,
    eps: float,
    unbiased: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The normalized x, and the new running mean and variance; None if they do not change."""
    weight, bias = along_channels(weight, x), along_channels(bias, x)
    if x.size == 0:  # nothing to normalize, no statistics
        return affine(x, weight, bias), None, None
    y, mu, var = with_statistics(x, axes, eps, weight, bias)
    if running_mean is None or running_var is None:
        return y, None, None
    m = math.prod(x.shape[i] for i in axes)
    with no_grad():
        var = var * (m / (m - 1)) if unbiased else var
        mu, var = (t.mean([i for i in range(x.ndim) if i != 1]) for t in (mu, var))  # over images, or as it is
        return y, running_mean * (1 - momentum) + mu * momentum, running_var * (1 - momentum) + var * momentum


def _averages(training: bool, **averages: Tensor | None) -> list[Tensor | None]:
    """The running averages as tensors. In training they must be tensors already: the caller's own are updated."""
    for name, t in averages.items():
        if training and t is not None:
            changeable(name, t, "training updates it in place")
    return [None if t is None else asarray(t) for t in averages.values()]
