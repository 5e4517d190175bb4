"""Batch normalization of eight numbers, and the three paths on which a gradient comes back to each of them."""

from __future__ import annotations

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import Tensor

from .exports import Export

COUNT, EPS = 8, 1e-5
STEP = 1e-5  # of the differences: near the cube root of float64's unit


def exports() -> list[Export]:
    """All of it in float64, since differences of float32 numbers would have three digits."""
    x, number = np.zeros(COUNT), np.zeros(())
    x[0] = 1.0
    return [Export("batch_norm", tg.jit(paths), (x, x, number, number)), Export("terms", tg.jit(terms), (x, x, number))]


def paths(x: Tensor, upstream: Tensor, gamma: Tensor, beta: Tensor) -> dict[str, Tensor]:
    """The gradient of L = Σ upstream · y, whole and by paths, and what differences of L say.

    A path is found without any derivative written: the batch goes in under three names, and the gradient of each is
    what comes back through the places where it stands.
    """
    direct, through_variance, through_mean = (x.detach().requires_grad_() for _ in range(3))
    mean = through_mean.mean()
    variance = (through_variance - mean).square().mean()
    normalized = (direct - mean) / (variance + EPS).sqrt()
    y = gamma * normalized + beta
    by_path = tg.grad((upstream * y).sum(), [direct, through_variance, through_mean])
    whole = x.detach().requires_grad_()
    loss = (upstream * F.standardize(whole, 0, EPS, gamma, beta)).sum()
    (gradient,) = tg.grad(loss, [whole])
    return {
        "mean": mean,
        "variance": variance,
        "y": y,
        "direct": by_path[0],
        "through_variance": by_path[1],
        "through_mean": by_path[2],
        "gradient": gradient,
        "differences": _differences(x, upstream, gamma, beta),
    }


def terms(x: Tensor, upstream: Tensor, gamma: Tensor) -> dict[str, Tensor]:
    """What a backward written by hand may add up: three terms are right, the others are usual mistakes."""
    mean = x.mean()
    scale = 1 / ((x - mean).square().mean() + EPS).sqrt()
    normalized = (x - mean) * scale
    g = gamma * upstream
    return {
        "direct": g * scale,
        "direct_without_gamma": upstream * scale,
        "direct_squared": g * scale.square(),
        "variance": -normalized * (g * normalized).mean() * scale,
        "variance_sum": -normalized * (g * normalized).sum() * scale,
        "variance_sign": normalized * (g * normalized).mean() * scale,
        "mean": -g.mean() * scale + 0 * x,
        "mean_sum": -g.sum() * scale + 0 * x,
        "mean_sign": g.mean() * scale + 0 * x,
    }


def _differences(x: Tensor, upstream: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """(L(x + h e) - L(x - h e)) / 2h for each direction e: one row for each."""

    def losses(rows: Tensor) -> Tensor:
        return (upstream * F.standardize(rows, 1, EPS, gamma, beta)).sum(1)

    aside = STEP * tg.eye(COUNT, dtype="float64")
    return (losses(x + aside) - losses(x - aside)) / (2 * STEP)
