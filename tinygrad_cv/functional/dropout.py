"""Dropout: elements are chosen by a selection, so that the choice can be computed again instead of kept."""

from __future__ import annotations

from typing import Any

from ..core.context import location
from ..frontend.functions import composed
from ..frontend.random import Generator, default_generator
from .arguments import images


@composed
def dropout(x: Any, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Any:
    """Each element 0 with probability p, the others divided by 1 - p (Srivastava et al., "Dropout", 2014).

    Raises:
        ValueError: p outside [0, 1].

    >>> import tinygrad_cv as tg, tinygrad_cv.functional as F
    >>> sorted(set(F.dropout(tg.ones(100), 0.75).tolist()))
    [0.0, 4.0]
    """
    return _drop(x, x.shape, p, training, generator)


@composed
def dropout2d(x: Any, p: float = 0.5, training: bool = True, generator: Generator | None = None) -> Any:
    """Whole channels 0 with probability p (Tompson et al., "Efficient object localization", 2015). x: N x C x H x W."""
    n, c, _, _ = images(x)
    return _drop(x, (n, c, 1, 1), p, training, generator)


def _drop(x: Any, shape: tuple[int, ...], p: float, training: bool, generator: Generator | None) -> Any:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout p={p}{location()}: a probability must be in [0, 1].")
    if not training or p == 0.0:
        return x
    u = (generator or default_generator).uniform(shape, x.dtype)
    return (u < p).where(0.0, x * (1.0 / (1.0 - p) if p < 1.0 else 0.0))
