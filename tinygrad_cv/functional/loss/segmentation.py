"""Losses of maps and images: overlap, and roughness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...core.context import location
from ...core.errors import DTypeError, ShapeError
from ...frontend.functions import composed
from ...frontend.indexing import iota
from ...frontend.promotion import cast
from .classification import check_labels
from .reduction import Reduction, check_equal, reduced

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor
    from ...frontend.typing import Accepted


@composed
def dice_loss(
    input: Accepted, target: Accepted, smooth: float = 1e-5, p: int = 1, reduction: Reduction = "mean"
) -> Tensor:
    """1 - (2 Σ x t + smooth) / (Σ xᵖ + Σ tᵖ + smooth): what two regions lack of overlapping, for each image and class.

    For p = 2 and smooth = 0 it is Dice's coefficient of Milletari, Navab and Ahmadi ("V-Net", 2016, section 3), which
    that of regions (p = 1) equals for x and t of 0 and 1.

    Args:
        input: probabilities x, N x C x d1 x ...: softmax or sigmoid of scores.
        target: t, in the input's shape; or class numbers N x d1 x ..., integers.
        smooth: at least 0. Two empty regions overlap wholly: their loss is 0, with smooth = 0 too.
        p: 1 or 2.
        reduction: of the N x C losses.

    Raises:
        ShapeError: shapes that do not match.
        IndexError: a class number out of range.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> x, t = tg.tensor([[[1.0, 1.0, 0.0, 0.0]]]), tg.tensor([[[1.0, 0.0, 0.0, 0.0]]])
    >>> round(F.dice_loss(x, t).item(), 4)  # 2 · 1 of 2 + 1
    0.3333
    """
    if input.ndim < 3:
        raise ShapeError(f"input of shape {input.shape}{location()}: maps must be N x C x d1 x ...")
    if p not in (1, 2):
        raise ValueError(f"p={p}{location()}: it must be 1 or 2.")
    if not smooth >= 0.0:
        raise ValueError(f"smooth={smooth}{location()}: it must be at least 0.")
    x, axes = input, tuple(range(2, input.ndim))
    if target.ndim == x.ndim:
        check_equal(input=x.shape, target=target.shape)
        t = cast(target, x.dtype) if target.dtype.kind != "f" else target
    else:
        numbers = check_labels(x, 1, target).expand_dims(1).expand(x.shape)
        t = (iota(x, x.shape, (1,), np.int64) == numbers).astype(x.dtype)
    overlap = 2.0 * (x * t).sum(axes) + smooth
    sizes = (x + t if p == 1 else x.square() + t.square()).sum(axes) + smooth
    empty = sizes == 0
    return reduced(empty.where(0.0, 1.0 - overlap / empty.where(1.0, sizes)), reduction)


@composed
def total_variation(input: Accepted, reduction: Reduction = "mean") -> Tensor:
    """Σ |x[i + 1] - x[i]| over all neighbours along spatial axes: how rough each image is.

    It is the total variation of Rudin, Osher and Fatemi (1992) with |dx| + |dy| for √(dx² + dy²).

    Args:
        input: x, N x C x H x W; or with one or three spatial axes.
        reduction: of the N sums. PyTorch has no such function; other libraries differ in what they divide by.

    Raises:
        ShapeError: fewer than three axes.
        DTypeError: elements that are not floats.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.total_variation(tg.tensor([[[[0.0, 1.0], [0.0, 3.0]]]])).item()
    6.0
    """
    if input.ndim < 3:
        raise ShapeError(f"input of shape {input.shape}{location()}: images must be N x C x H x W, or N x C x L.")
    if input.dtype.kind != "f":
        raise DTypeError(f"input of dtype {input.dtype}{location()}: images must be floats. Use .astype('float32').")
    others = tuple(range(1, input.ndim))
    first, *rest = (abs(_differences(input, axis)).sum(others) for axis in range(2, input.ndim))
    return reduced(sum(rest, start=first), reduction)


def _differences(x: Tensor, axis: int) -> Tensor:
    lead = (slice(None),) * axis
    return x[(*lead, slice(1, None))] - x[(*lead, slice(None, -1))]
