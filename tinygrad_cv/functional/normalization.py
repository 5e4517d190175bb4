"""One formula, four sets of axes: batch, layer, instance and group normalization.

There are no derivatives here: they follow from the recorded graph, at every order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from ..core.context import is_replaying, location, no_grad, scoped
from ..core.errors import DTypeError, ShapeError
from ..core.variable import Variable
from ..frontend.creation import asarray
from ..frontend.functions import accepting, composed
from ..frontend.given import GivenArray
from ..frontend.precision import in_single
from ..frontend.reduction import centre, inverse_deviation

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted, Axis


@composed
def standardize(
    x: Accepted, axes: Axis, eps: float = 1e-5, weight: Accepted | None = None, bias: Accepted | None = None
) -> Tensor:
    """y = weight · (x - μ) / √(σ² + eps) + bias, with μ and σ² (biased) taken over ``axes``.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.standardize(tg.tensor([[1.0, 3.0]]), axes=1, eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    return _standardize(x, axes, eps, weight, bias)[0]


def _standardize(
    x: Tensor, axes: Axis, eps: float, weight: Tensor | None, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalized x, and its statistics μ and σ²."""
    mu, d = centre(x, axes)
    d, scale, var = inverse_deviation(d, axes, eps)
    y = d * (scale if weight is None else scale * weight)
    return (y if bias is None else y + bias), mu, var


@accepting
@scoped
def batch_norm(
    x: Accepted,
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
    if x.ndim < 2:
        raise ShapeError(f"input of shape {x.shape}{location()}: it must be N x D or N x C x ...")
    running_mean, running_var = _averages(training, running_mean=running_mean, running_var=running_var)
    _check_channels(x, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    y, mean, var = _batch_norm(x, running_mean, running_var, weight, bias, training, momentum, eps, unbiased)
    if mean is not None:
        with no_grad():
            for average, new in ((running_var, var), (running_mean, mean)):
                if average is not None and new is not None:
                    average.assign(new)
    return y


@in_single
def _batch_norm(
    x: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool,
    momentum: float | Tensor,
    eps: float,
    unbiased: bool,
) -> tuple[Tensor, Tensor | None, Tensor | None]:
    """The normalized x, and the new running mean and variance; None if they do not change."""
    c = x.shape[1]
    axes = (0, *range(2, x.ndim))
    weight, bias = _along_channels(weight, x), _along_channels(bias, x)
    if not training and running_mean is not None and running_var is not None:
        scale = 1.0 / (_along_channels(running_var, x) + eps).sqrt()
        y = (x - _along_channels(running_mean, x)) * (scale if weight is None else scale * weight)
        return (y if bias is None else y + bias), None, None
    if x.size == 0:  # nothing to normalize, no statistics
        return _affine(x, weight, bias), None, None
    m = x.size // c
    if m == 1:
        raise ShapeError(
            f"input of shape {x.shape}{location()}: one value per channel has no variance, and training would "
            "only see β. Use a larger batch, or eval()."
        )
    y, mu, var = _standardize(x, axes, eps, weight, bias)
    if not training or running_mean is None or running_var is None or is_replaying():
        return y, None, None
    with no_grad():
        new_var = var * (m / (m - 1)) if unbiased else var
        mean = running_mean * (1 - momentum) + mu.reshape(c) * momentum
        return y, mean, running_var * (1 - momentum) + new_var.reshape(c) * momentum


@composed
def layer_norm(
    x: Accepted,
    normalized_shape: int | Sequence[int],
    weight: Accepted | None = None,
    bias: Accepted | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each example over its features (Ba, Kiros and Hinton, "Layer normalization", 2016, eq. 4).

    Args:
        x: N x D, or any leading axes before those of ``normalized_shape``.
        normalized_shape: the sizes of the last axes, D or (C, H, W); μ and σ are taken over them.
        weight, bias: of ``normalized_shape``.

    Raises:
        ShapeError: x does not end with ``normalized_shape``.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.layer_norm(tg.tensor([[1.0, 3.0]]), 2, eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"input of shape {x.shape}{location()}: its last axes must be normalized_shape={shape}.")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and t.shape != shape:
            raise ShapeError(f"{name} of shape {t.shape}{location()}: it must be normalized_shape={shape}.")
    return standardize(x, tuple(range(-len(shape), 0)), eps, weight, bias)


@composed
def instance_norm(
    x: Accepted, weight: Accepted | None = None, bias: Accepted | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize each channel of each image (Ulyanov, Vedaldi and Lempitsky, "Instance normalization", 2016).

    Args:
        x: N x C x H x W (or N x C x ...); μ and σ are N x C x 1 x 1.
        weight, bias: γ and β, C.

    Raises:
        ShapeError: no axis after the channels, or one value per channel.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.instance_norm(tg.tensor([[[[1.0, 3.0]]]]), eps=0.0).tolist()
    [[[[-1.0, 1.0]]]]
    """
    if x.ndim < 3:
        raise ShapeError(
            f"input of shape {x.shape}{location()}: it must be N x C x ..., with an axis to normalize over."
        )
    if math.prod(x.shape[2:]) == 1:
        raise ShapeError(f"input of shape {x.shape}{location()}: one value per channel and image has no variance.")
    _check_channels(x, weight=weight, bias=bias)
    return standardize(x, tuple(range(2, x.ndim)), eps, _along_channels(weight, x), _along_channels(bias, x))


@composed
def group_norm(
    x: Accepted, num_groups: int, weight: Accepted | None = None, bias: Accepted | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize groups of channels of each image (Wu and He, "Group normalization", 2018, eq. 7).

    With G = C it is instance normalization, with G = 1 layer normalization over (C, H, W).

    Args:
        x: N x C x H x W (or N x C x ...).
        num_groups: G, a divisor of C.
        weight, bias: γ and β, C.

    Raises:
        ShapeError: G does not divide C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.group_norm(tg.tensor([[1.0, 3.0, 5.0, 9.0]]), 2, eps=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    if x.ndim < 2 or num_groups < 1 or x.shape[1] % num_groups:
        raise ShapeError(
            f"input of shape {x.shape}, num_groups={num_groups}{location()}: it must divide the number of channels."
        )
    _check_channels(x, weight=weight, bias=bias)
    n, c, *rest = x.shape
    grouped = x.reshape(n, num_groups, c // num_groups, *rest)  # n (g c) ... -> n g c ...
    y = standardize(grouped, tuple(range(2, grouped.ndim)), eps).reshape(x.shape)
    return _affine(y, _along_channels(weight, x), _along_channels(bias, x))


def _averages(training: bool, **averages: Tensor | None) -> list[Tensor | None]:
    """The running averages as tensors. In training they must be tensors already: the caller's own are updated."""
    for name, t in averages.items():
        if training and t is not None and (not isinstance(t, Variable) or isinstance(t, GivenArray)):
            raise DTypeError(
                f"{name} is not a tensor{location()}: training updates it in place, so it must be one. "
                "Use tg.tensor(...) once, and keep it."
            )
    return [None if t is None else asarray(t) for t in averages.values()]


def _affine(y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """γ y + β"""
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def _check_channels(x: Tensor, **tensors: Tensor | None) -> None:
    c = x.shape[1]
    for name, t in tensors.items():
        if t is not None and t.shape != (c,):
            raise ShapeError(
                f"{name} of shape {t.shape}, input of shape {x.shape}{location()}: it must be ({c},), "
                "one number for each channel."
            )


@overload
def _along_channels(t: Tensor, x: Tensor) -> Tensor: ...
@overload
def _along_channels(t: None, x: Tensor) -> None: ...
def _along_channels(t: Tensor | None, x: Tensor) -> Tensor | None:
    """C -> 1 x C x 1 x ... x 1"""
    return None if t is None else t.reshape(1, x.shape[1], *(1,) * (x.ndim - 2))
