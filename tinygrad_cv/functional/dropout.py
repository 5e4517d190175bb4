"""Dropout, by ``where`` on random numbers, so that the mask can be recomputed instead of stored.

A probability of 0, and evaluation, return the input and draw nothing; a probability of 1 returns zeros, of NaN and
infinity too. ``inplace`` is accepted for compatibility with PyTorch; nothing works in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.functions import composed
from ..frontend.random import Generator, default_generator
from .activation import ALPHA, SCALE

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Mode = Literal["batch", "row"]
FLOOR = -SCALE * ALPHA  # the limit of SELU at -∞, which alpha dropout sets elements to


@composed
def dropout(
    input: Accepted, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set each element to 0 with probability p and divide the others by 1 - p (Srivastava et al., "Dropout", 2014).

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> sorted(set(F.dropout(tg.ones(100), 0.75).tolist()))
    [0.0, 4.0]
    """
    return _drop(input, input.shape, p, training, generator)


@composed
def dropout1d(
    input: Accepted, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """:func:`dropout2d` of sequences: N x C x L, or C x L without a batch.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.dropout1d(tg.ones(2, 2), 1.0).tolist()
    [[0.0, 0.0], [0.0, 0.0]]
    """
    return _drop(input, _channels(input, {3: 2, 2: 1}, "N x C x L, or C x L"), p, training, generator)


@composed
def dropout2d(
    input: Accepted, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """Set whole channels to 0 with probability p and divide the others by 1 - p.

    Source: Tompson et al., "Efficient object localization using convolutional networks", 2015, section 3.2.

    Args:
        input: N x C x H x W; what has three axes is N x C x L, as in PyTorch.

    Raises:
        ValueError: p outside [0, 1].
        ShapeError: another number of axes.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.dropout2d(tg.ones(1, 2, 1, 2), 1.0).tolist()
    [[[[0.0, 0.0]], [[0.0, 0.0]]]]
    """
    return _drop(input, _channels(input, {4: 2, 3: 2}, "N x C x H x W, or N x C x L"), p, training, generator)


@composed
def dropout3d(
    input: Accepted, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Generator | None = None
) -> Tensor:
    """:func:`dropout2d` of volumes: N x C x D x H x W, or C x D x H x W without a batch.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.dropout3d(tg.ones(2, 1, 1, 1), 1.0).tolist()
    [[[[0.0]]], [[[0.0]]]]
    """
    return _drop(input, _channels(input, {5: 2, 4: 1}, "N x C x D x H x W, or C x D x H x W"), p, training, generator)


@composed
def alpha_dropout(
    input: Accepted,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Set each element to SELU's limit at -∞ with probability p, then map all so that mean 0 and variance 1 stay.

    a · (x or -λα) + b, with a = ((1 - p) (1 + p (λα)²))^-½ and b = a p λα (Klambauer et al., "Self-normalizing neural
    networks", 2017, section 2).

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> F.alpha_dropout(tg.ones(2), 1.0, training=True).tolist()
    [0.0, 0.0]
    """
    return _drop(input, input.shape, p, training, generator, FLOOR)


@composed
def feature_alpha_dropout(
    input: Accepted,
    p: float = 0.5,
    training: bool = False,
    inplace: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """:func:`alpha_dropout` of whole channels of N x C x ....

    Raises:
        ValueError: p outside [0, 1].
        ShapeError: fewer than two axes.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> len(set(F.feature_alpha_dropout(tg.ones(1, 1, 50), training=True).tolist()[0][0]))
    1
    """
    if input.ndim < 2:
        raise ShapeError(f"input of shape {input.shape}{location()}: it must be N x C x ....")
    shape = (*input.shape[:2], *(1,) * (input.ndim - 2))
    return _drop(input, shape, p, training, generator, FLOOR)


@composed
def stochastic_depth(
    input: Accepted, p: float, mode: Mode, training: bool = True, *, generator: Generator | None = None
) -> Tensor:
    """Drop the branch of a residual block, input, with probability p, and divide it by 1 - p where it is kept.

    Source: Huang et al., "Deep networks with stochastic depth", 2016; arguments are torchvision's.

    Args:
        mode: "batch", all images or none; or "row", each image of N x ... by itself.

    Raises:
        ValueError: p outside [0, 1], or another mode.

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> len(set(F.stochastic_depth(tg.ones(20), 0.5, "batch").tolist()))
    1
    """
    if mode not in ("batch", "row"):
        raise ValueError(f"mode={mode!r}{location()}: it must be 'batch' or 'row'.")
    if mode == "row" and not input.ndim:
        raise ShapeError(f"input of shape (){location()}: it must be N x ....")
    shape = (len(input) if mode == "row" else 1, *(1,) * (input.ndim - 1)) if input.ndim else ()
    return _drop(input, shape, p, training, generator)


def _channels(x: Tensor, kept: dict[int, int], layout: str) -> tuple[int, ...]:
    """The shape of a mask that is the same for a whole channel; ``kept``: by rank, how many axes it has of x.

    Raises:
        ShapeError: another rank.
    """
    if x.ndim not in kept:
        raise ShapeError(f"input of shape {x.shape}{location()}: it must be {layout}.")
    axes = kept[x.ndim]
    return (*x.shape[:axes], *(1,) * (x.ndim - axes))


def _drop(
    x: Tensor,
    shape: Sequence[int],
    p: float,
    training: bool,
    generator: Generator | None,
    low: float = 0.0,
) -> Tensor:
    """Set to ``low`` with probability p, by a mask of a shape, and mapped so that the mean stays.

    If ``low`` is not 0, the variance of normal numbers stays as well.
    """
    if not isinstance(p, (int, float)) or not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout p={p!r}{location()}: a probability must be in [0, 1].")
    if not training or p == 0.0:
        return x
    dropped = (generator or default_generator).uniform(tuple(shape), x.dtype) < p
    if p == 1.0:
        return dropped.where(0.0, x * 0.0)
    if not low:
        return dropped.where(0.0, x * (1.0 / (1.0 - p)))
    a = 1.0 / math.sqrt((1.0 - p) * (1.0 + p * low * low))
    b = -a * p * low
    return dropped.where(a * low + b, x * a + b)
