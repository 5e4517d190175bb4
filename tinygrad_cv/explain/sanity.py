"""The sanity check of an explanation: with other weights it must be another one."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from ..core.annotations import explaining
from ..frontend.creation import asarray
from ..nn import Module

if TYPE_CHECKING:
    from ..frontend.typing import TensorLike


@explaining
def randomized(model: Module, seed: int = 0) -> Module:
    """A copy of a model that has learned nothing: the numbers of each parameter are in another, random order.

    Their mean and deviation stay, so that the copy's activations have about the model's size.

    Source: J. Adebayo et al., "Sanity Checks for Saliency Maps", 2018, section 3.

    >>> import tinygrad_cv as tg
    >>> model = tg.nn.Linear(100, 100)
    >>> other = randomized(model)
    >>> bool((other.weight.numpy() != model.weight.numpy()).mean() > 0.9)
    True
    """
    rng, other = np.random.default_rng(seed), copy.deepcopy(model)
    arrays = {name: parameter.detach().numpy() for name, parameter in other.named_parameters()}
    mixed = {name: rng.permutation(array.reshape(-1)).reshape(array.shape) for name, array in arrays.items()}
    other.load_state_dict(mixed, strict=False)
    return other


@explaining
def rank_correlation(a: TensorLike, b: TensorLike) -> float:
    """Spearman's: the correlation of the orders in which two maps have their values, from -1 to 1.

    Of an explanation and the same of a :func:`randomized` model it should be near 0: otherwise the explanation shows
    the image, whatever the weights are. Values that are equal have the mean of their ranks; a map without any
    difference has correlation 0.

    Raises:
        ValueError: maps of different shapes.

    >>> rank_correlation([[1.0, 2.0], [3.0, 4.0]], [[10.0, 20.0], [40.0, 30.0]])
    0.8
    """
    first, second = asarray(a).detach().numpy(), asarray(b).detach().numpy()
    if first.shape != second.shape:
        raise ValueError(
            f"rank_correlation: a of shape {first.shape}, b of shape {second.shape}; they must be the same."
        )
    x, y = _ranks(first), _ranks(second)
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt((x @ x) * (y @ y))
    return round(float(x @ y / scale), 12) if scale else 0.0


def _ranks(values: np.ndarray) -> np.ndarray:
    _, place, count = np.unique(values.reshape(-1), return_inverse=True, return_counts=True)
    means: np.ndarray = count.cumsum() - (count - 1) / 2
    return means[place.reshape(-1)]
