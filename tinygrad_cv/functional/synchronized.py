"""Batch normalization by the statistics of all processes' batches.

There are no derivatives here: they follow from the recorded graph, at every order, on all processes together.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from ..core.context import current, is_replaying, location, no_grad, scoped
from ..core.errors import ShapeError
from ..frontend.creation import full, zeros
from ..frontend.functions import concatenate
from ..frontend.precision import in_single
from ..frontend.reduction import centre_apart
from ..mpi.world import members
from .arguments import changeable
from .normalization import affine, along_channels, check_channels

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor


@scoped
def sync_batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float | Tensor,
    eps: float,
    unbiased: bool,
    group: tuple[int, ...],
) -> Tensor:
    """Normalize each channel over the batches of all processes, as training does; see ``nn.SyncBatchNorm``.

    y = γ (x - μ) / √(σ² + eps) + β, with μ, σ² merged from each process's count, mean and sum of squares (Chan, Golub
    and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979). What is merged are
    distances from one of the means, so large means cost no digits. A batch may be empty.
    """
    for name, t in (("running_mean", running_mean), ("running_var", running_var)):
        if t is not None:
            changeable(name, t, "training updates it in place")
    check_channels(x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    mean, var = (None, None) if is_replaying() else (running_mean, running_var)
    y, *new = _normalized(x, mean, var, weight, bias, momentum, eps, unbiased, group)
    with no_grad():
        for average, value in zip((mean, var), new, strict=True):
            if average is not None and value is not None:
                average.assign(value)
    return y


@in_single
def _normalized(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    momentum: float | Tensor,
    eps: float,
    unbiased: bool,
    group: tuple[int, ...],
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The normalized x, and the new running mean and variance; None if there are none."""
    count, mean, squares, d = _moments(x, group)
    if current().trace is None and count.item() == 1:
        raise ShapeError(
            f"input of shape {x.shape}{location()}: with those of all processes it is one value per channel, which has "
            "no variance, and training would only see β. Use larger batches, or eval()."
        )
    scale = 1.0 / (along_channels(squares / count, x) + eps).sqrt()
    weight, bias = along_channels(weight, x), along_channels(bias, x)
    y = affine(d * (scale if weight is None else scale * weight), None, bias)
    if running_mean is None or running_var is None:
        return y, None, None
    with no_grad():
        var = squares / ((count - 1.0).maximum(1.0) if unbiased else count)
        news = zip((running_mean, running_var), (mean, var), strict=True)
        mixed = [(count > 0.0).where(old * (1 - momentum) + new * momentum, old) for old, new in news]
        return y, mixed[0], mixed[1]


class Moments(NamedTuple):
    """Of all processes' values in each channel: how many, their mean, their sum of squares; and where x is from it."""

    n: Tensor
    mean: Tensor
    squares: Tensor
    distance: Tensor


def _moments(x: Tensor, group: tuple[int, ...]) -> Moments:
    """One exchange: each process's count, mean and sum of squares, its mean as a sum of two numbers."""
    c, axes = x.shape[1], (0, *range(2, x.ndim))
    if x.size:
        mu, rest, d = centre_apart(x, axes)
    else:  # part of the graph even so: all processes go backward through the exchange
        mu, rest, d = x.sum(axes), zeros(c, dtype=x.dtype), x
    mu, rest = mu.reshape(c), rest.reshape(c)
    n = full((1,), math.prod(x.shape[i] for i in axes), x.dtype)
    table = _gathered(concatenate([n, mu, rest, d.square().sum(axes)]), group)  # r (1 c c c)
    ns, means, rests, squares = table.split((1, 1 + c, 1 + 2 * c), 1)
    count, present = ns.sum(), ns > 0.0
    origin = present.where(means, -math.inf).max(0).detach()  # one of the means, the same on all processes
    distances = present.where(means - origin + rests, 0.0)  # r c
    shift = (distances * ns).sum(0) / count  # of the mean from the origin
    total = (squares + ns * (distances - shift).square()).sum(0)
    own = mu - origin + rest - shift
    return Moments(count, origin + shift, total, d + along_channels(own, x))


def _gathered(row: Tensor, group: tuple[int, ...]) -> Tensor:
    """Everybody's rows, in the order of the processes: a sum to which each adds zeros in the others' places."""
    here = members("SyncBatchNorm", group)
    table = row.expand_dims(0).pad(((here.rank, here.size - 1 - here.rank), (0, 0)))
    return table.all_reduce(group)
