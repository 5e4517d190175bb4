"""One formula over different axes: layer and group normalization, and what leaves out the mean.

There are no derivatives here: they follow from the recorded graph, at every order.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.reduction import centre, inverse_deviation
from .arguments import sizes

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted, Axis


@composed
def standardize(
    input: Accepted, axes: Axis, eps: float = 1e-5, weight: Accepted | None = None, bias: Accepted | None = None
) -> Tensor:
    """y = weight · (x - μ) / √(σ² + eps) + bias, with μ and σ² (biased) taken over ``axes``.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.standardize(tg.tensor([[1.0, 3.0]]), axes=1, eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    if input.size == 0:  # nothing to normalize, and no mean of it
        return affine(input, weight, bias)
    return with_statistics(input, axes, eps, weight, bias)[0]


def with_statistics(
    x: Tensor, axes: Axis, eps: float, weight: Tensor | None, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """The normalized x, and its statistics μ and σ²."""
    mu, d = centre(x, axes)
    d, scale, var = inverse_deviation(d, axes, eps)
    y = d * (scale if weight is None else scale * weight)
    return (y if bias is None else y + bias), mu, var


@composed
def layer_norm(
    input: Accepted,
    normalized_shape: int | Sequence[int],
    weight: Accepted | None = None,
    bias: Accepted | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalize each example over its features (Ba, Kiros and Hinton, "Layer normalization", 2016, eq. 4).

    Args:
        input: x, N x D, or any leading axes before those of ``normalized_shape``.
        normalized_shape: the sizes of the last axes, D or (C, H, W); μ and σ are taken over them.
        weight, bias: of ``normalized_shape``.

    Raises:
        ShapeError: x does not end with ``normalized_shape``.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.layer_norm(tg.tensor([[1.0, 3.0]]), 2, eps=0.0).tolist()
    [[-1.0, 1.0]]
    """
    axes = _last_axes(input, normalized_shape, weight=weight, bias=bias)
    return standardize(input, axes, eps, weight, bias)


@composed
def rms_norm(
    input: Accepted,
    normalized_shape: int | Sequence[int],
    weight: Accepted | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divide each example by the root of the mean of its squares (Zhang and Sennrich, 2019, eq. 4).

    y = weight · x / √(mean(x²) + eps). It is right for numbers whose squares overflow, where PyTorch has 0.

    Args:
        input: x, any leading axes before those of ``normalized_shape``.
        normalized_shape: the sizes of the last axes; the mean is taken over them.
        weight: of ``normalized_shape``.
        eps: None is the unit of the dtype in which it is computed: 1.2e-7 of float32 and float16, 2.2e-16 of float64.

    Raises:
        ShapeError: x does not end with ``normalized_shape``.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.rms_norm(tg.tensor([[1.0, 7.0]]), 2, eps=0.0).tolist()  # divided by 5
    [[0.20000000298023224, 1.399999976158142]]
    """
    axes = _last_axes(input, normalized_shape, weight=weight)
    if input.size == 0:
        return affine(input, weight, None)
    unit = float(np.finfo(input.dtype).eps) if eps is None and input.dtype.kind == "f" else eps or 0.0
    d, scale, _ = inverse_deviation(input, axes, unit)
    return d * (scale if weight is None else scale * weight)


@composed
def group_norm(
    input: Accepted, num_groups: int, weight: Accepted | None = None, bias: Accepted | None = None, eps: float = 1e-5
) -> Tensor:
    """Normalize groups of channels of each image (Wu and He, "Group normalization", 2018, eq. 7).

    With G = C it is instance normalization, with G = 1 layer normalization over (C, H, W).

    Args:
        input: x, N x C x H x W (or N x C x ...).
        num_groups: G, a divisor of C.
        weight, bias: γ and β, C.

    Raises:
        ShapeError: G does not divide C.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.group_norm(tg.tensor([[1.0, 3.0, 5.0, 9.0]]), 2, eps=0.0).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """
    (num_groups,) = sizes("num_groups", num_groups, 1)
    if input.ndim < 2 or input.shape[1] % num_groups:
        raise ShapeError(
            f"input of shape {input.shape}, num_groups={num_groups}{location()}: it must divide the number of channels."
        )
    check_channels(input, weight=weight, bias=bias)
    n, c, *rest = input.shape
    grouped = input.reshape(n, num_groups, c // num_groups, *rest)  # n (g c) ... -> n g c ...
    y = standardize(grouped, tuple(range(2, grouped.ndim)), eps).reshape(input.shape)
    return affine(y, along_channels(weight, input), along_channels(bias, input))


@composed
def local_response_norm(input: Accepted, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Tensor:
    """Divide by the activity of neighbouring channels (Krizhevsky, Sutskever and Hinton, 2012, section 3.3).

    y = x / (k + alpha / size · Σ x²)^beta, where the sum is over ``size`` channels around that of x, size // 2 of them
    before it; beyond the first and last channel are zeros. The paper's alpha is alpha / size here, as in PyTorch.

    Args:
        input: x, N x C x L, N x C x H x W or N x C x ....

    Raises:
        ShapeError: fewer than three axes, or a size below 1.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.local_response_norm(tg.tensor([[[1.0], [2.0]]]), 2, alpha=2.0, beta=1.0).tolist()
    [[[0.5], [0.3333333432674408]]]
    """
    (size,) = sizes("size", size, 1)
    if input.ndim < 3:
        raise ShapeError(f"input of shape {input.shape}{location()}: it must be N x C x L or N x C x H x W.")
    n, c = input.shape[:2]
    squares = input.square().reshape(n, c, -1).pad(((0, 0), (size // 2, (size - 1) // 2), (0, 0)))
    activity = squares.windows((size, 1), (1, 1), (1, 1)).sum((-2, -1)).reshape(input.shape)  # n c m u 1 -> n c m
    return input / (k + activity * (alpha / size)) ** beta


def affine(y: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    """γ y + β"""
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


def check_channels(x: Tensor, **tensors: Tensor | None) -> None:
    c = x.shape[1]
    for name, t in tensors.items():
        if t is not None and t.shape != (c,):
            raise ShapeError(
                f"{name} of shape {t.shape}, input of shape {x.shape}{location()}: it must be ({c},), "
                "one number for each channel."
            )


@overload
def along_channels(t: Tensor, x: Tensor) -> Tensor: ...
@overload
def along_channels(t: None, x: Tensor) -> None: ...
def along_channels(t: Tensor | None, x: Tensor) -> Tensor | None:
    """C -> 1 x C x 1 x ... x 1"""
    return None if t is None else t.reshape(1, x.shape[1], *(1,) * (x.ndim - 2))


def _last_axes(x: Tensor, normalized_shape: int | Sequence[int], **tensors: Tensor | None) -> tuple[int, ...]:
    """The axes of ``normalized_shape``, with which x ends, and which the other tensors have."""
    shape = _shape(normalized_shape)
    if not shape or x.shape[-len(shape) :] != shape:
        wanted = shape or repr(normalized_shape)
        raise ShapeError(f"input of shape {x.shape}{location()}: its last axes must be normalized_shape={wanted}.")
    for name, t in tensors.items():
        if t is not None and t.shape != shape:
            raise ShapeError(f"{name} of shape {t.shape}{location()}: it must be normalized_shape={shape}.")
    return tuple(range(-len(shape), 0))


def _shape(value: Any) -> tuple[int, ...]:
    """Sizes from an integer or a sequence; none from what is neither."""
    try:
        return tuple(map(operator.index, value if isinstance(value, Sequence) else (value,)))
    except TypeError:
        return ()
