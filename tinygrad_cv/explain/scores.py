"""What is explained: for each image the score of one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..frontend.tensor import Tensor


def classes(caller: str, scores: Any, target: int | Sequence[int] | None) -> np.ndarray:
    """The class of each image: the one that is given, or that of the highest score.

    Raises:
        ValueError: the scores are not N x classes, or there is no such class.
    """
    if not isinstance(scores, Tensor) or scores.ndim != 2:
        shape = f"of shape {scores.shape}" if isinstance(scores, Tensor) else f"a {type(scores).__name__}"
        raise ValueError(f"{caller}: the output of the model is {shape}; it must be scores N x classes.")
    n, count = scores.shape
    given = scores.detach().numpy().argmax(1) if target is None else np.asarray(target)
    if given.dtype.kind not in "ui" or given.shape not in ((), (1,), (n,)):
        raise ValueError(f"{caller}: target={target!r}; it must be a class, or one for each of {n} images.")
    if given.min() < 0 or given.max() >= count:
        raise ValueError(f"{caller}: target={target!r}; classes of the model are 0 to {count - 1}.")
    return np.broadcast_to(given, n)


def picked(scores: Tensor, chosen: np.ndarray) -> Tensor:
    """Each image's score of its class: N."""
    return scores[np.arange(len(chosen)), chosen]
