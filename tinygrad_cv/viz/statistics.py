"""Statistics of arrays, for the nodes of a drawing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BINS = 24
UNIT_AXIS = 1  # N x C x H x W, N x D: a unit is a channel, or a feature


@dataclass(frozen=True)
class Statistics:
    """Statistics of the finite elements of an array.

    Attributes:
        deviation: the standard deviation.
        zeros: the share of exact zeros among all elements.
        nan, infinite: how many elements are NaN, and how many infinite.
        dead: the share of units (channels of N x C x ..., features of N x D) that are 0 for every sample.
        histogram: counts in bins of equal width between the edges.
    """

    mean: float
    deviation: float
    norm: float
    minimum: float
    maximum: float
    zeros: float
    nan: int
    infinite: int
    dead: float
    histogram: tuple[int, ...]
    edges: tuple[float, float]


def statistics(x: np.ndarray) -> Statistics | None:
    """The statistics of an array; None if it is empty or not of floats."""
    if x.dtype.kind != "f" or not x.size:
        return None
    finite = np.isfinite(x)
    whole = bool(finite.all())
    values = (x if whole else x[finite]).astype(np.float64).ravel()
    nan = 0 if whole else int(np.isnan(x).sum())
    if not values.size:
        none = float("nan")
        return Statistics(none, none, none, none, none, 0.0, nan, x.size - nan, 0.0, (), (none, none))
    low, high = float(values.min()), float(values.max())
    counts = np.histogram(values, BINS, (low, high))[0] if high > low else np.array([values.size])
    return Statistics(
        mean=float(values.mean()),
        deviation=float(values.std()),
        norm=float(np.linalg.norm(values)),
        minimum=low,
        maximum=high,
        zeros=float((values == 0).sum() / x.size),
        nan=nan,
        infinite=0 if whole else x.size - nan - values.size,
        dead=_dead(x),
        histogram=tuple(int(n) for n in counts),
        edges=(low, high),
    )


def _dead(x: np.ndarray) -> float:
    if x.ndim <= UNIT_AXIS:
        return 0.0
    others = tuple(axis for axis in range(x.ndim) if axis != UNIT_AXIS)
    return float((x == 0).all(axis=others).mean())
