"""Dropout, by ``where`` on random numbers, so that the mask can be recomputed instead of stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.context import location
from ..frontend.functions import composed
from ..frontend.random import Generator, default_generator
from .pooling import images

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted


@composed
def dropout(x: Accepted, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Tensor:
    """Set each element to 0 with probability p and divide the others by 1 - p (Srivastava et al., "Dropout", 2014).

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> sorted(set(F.dropout(tg.ones(100), 0.75).tolist()))
    [0.0, 4.0]
    """
    return _drop(x, x.shape, p, training, generator)


@composed
def dropout2d(x: Accepted, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Tensor:
    """Set whole channels to 0 with probability p (Tompson et al., "Efficient object localization", 2015).

    x: N x C x H x W.
    """
    n, c, _, _ = images(x)
    return _drop(x, (n, c, 1, 1), p, training, generator)


def _drop(x: Tensor, shape: tuple[int, ...], p: float, training: bool, generator: Generator | None) -> Tensor:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout p={p}{location()}: a probability must be in [0, 1].")
    if not training or p == 0.0:
        return x
    u = (generator or default_generator).uniform(shape, x.dtype)
    return (u < p).where(0.0, x * (1.0 / (1.0 - p) if p < 1.0 else 0.0))
