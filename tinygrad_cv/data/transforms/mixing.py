"""Mixtures of the images of a batch, and of their labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..randomness import RandomSource, given_generator
from . import arguments
from .transform import Params, below

SMALLEST = 1e-3  # alpha: below, numbers of Beta(alpha, alpha) are 0 or 1


class Mixture:
    """Of each image of a batch and the one before it: ``mixture(images, labels)`` is the pair of both mixed.

    For a loader: ``collate_fn=BatchTransform(mixture)``.
    """

    def __init__(self, *, alpha: float = 1.0, num_classes: int | None = None):
        name = type(self).__name__
        self.alpha = arguments.number(name, "alpha", alpha, SMALLEST)
        self.num_classes = None if num_classes is None else arguments.whole(name, "num_classes", num_classes, 1)

    def make_params(self, images: np.ndarray, rng: np.random.Generator) -> Params:
        """Everything that is random, for a batch."""
        raise NotImplementedError

    def mix(self, images: np.ndarray, params: Params) -> tuple[np.ndarray, float]:
        """The mixed images, and the share of each one's own label."""
        raise NotImplementedError

    def __call__(self, images: np.ndarray, labels: Any, *, generator: RandomSource = None) -> Any:
        """Both mixed: images N x C x H x W, and labels as probabilities N x K, float32 where they were numbers.

        Args:
            labels: N class numbers, or N x K probabilities.

        Raises:
            TypeError, ValueError: not a batch, or labels that do not fit it.
        """
        name = type(self).__name__
        if not isinstance(images, np.ndarray) or images.ndim != 4 or images.size == 0:
            found = f"of shape {images.shape}" if isinstance(images, np.ndarray) else f"a {type(images).__name__}"
            raise ValueError(f"{name}: images are {found}; they must be an array N x C x H x W, a batch.")
        probabilities = self._probabilities(labels, len(images))
        mixed, share = self.mix(images, self.make_params(images, given_generator(name, generator)))
        return mixed, _mean(probabilities, share)

    def _probabilities(self, labels: Any, n: int) -> np.ndarray:
        name = type(self).__name__
        given = arguments.array(name, "labels", labels)
        if given.shape[:1] != (n,) or given.ndim > 2:
            raise ValueError(
                f"{name}: labels have shape {given.shape} and dtype {given.dtype}; for {n} images they must be {n} "
                f"class numbers, or {n} x K probabilities."
            )
        if given.ndim == 2:
            if self.num_classes not in (None, given.shape[1]):
                raise ValueError(f"{name}: labels are of {given.shape[1]} classes, num_classes is {self.num_classes}.")
            return given if given.dtype.kind == "f" else given.astype(np.float32)
        if self.num_classes is None or given.dtype.kind not in "ui":
            raise ValueError(
                f"{name}: labels are one {given.dtype} each, num_classes is {self.num_classes}; class numbers must be "
                "integers, and the number of classes must be given."
            )
        if given.min() < 0 or given.max() >= self.num_classes:
            raise ValueError(
                f"{name}: labels are {given.min()} to {given.max()}, num_classes is {self.num_classes}; they must be 0 "
                f"to {self.num_classes - 1}."
            )
        return np.eye(self.num_classes, dtype=np.float32)[given]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(alpha={self.alpha}, num_classes={self.num_classes})"


class MixUp(Mixture):
    """λ x_n + (1 - λ) x_{n-1}, labels alike; λ is drawn from Beta(alpha, alpha) for the batch (Zhang et al., 2018).

    Args:
        alpha: above 0.
        num_classes: K; needed where labels are class numbers.

    >>> mixed, labels = MixUp(num_classes=2)(np.zeros((4, 1, 2, 2), np.float32), np.array([0, 1, 1, 0]))
    >>> mixed.shape, labels.shape
    ((4, 1, 2, 2), (4, 2))
    """

    def make_params(self, images: np.ndarray, rng: np.random.Generator) -> Params:
        """λ."""
        return {"lam": float(rng.beta(self.alpha, self.alpha))}

    def mix(self, images: np.ndarray, params: Params) -> tuple[np.ndarray, float]:
        """The means of both images, weighted."""
        if images.dtype.kind != "f":
            raise TypeError(
                f"MixUp: images are {images.dtype}; they must be floats. Use ToDtype(np.float32, scale=True)."
            )
        return _mean(images, params["lam"]), params["lam"]


class CutMix(Mixture):
    """Set a rectangle of each image to that of the one before; labels are mixed by the areas (Yun et al., 2019).

    The rectangle has H sqrt(1 - λ) x W sqrt(1 - λ), around a pixel anywhere, cut off at the border; λ is drawn from
    Beta(alpha, alpha) for the batch. Images may be of any dtype.

    Args:
        alpha: above 0.
        num_classes: K; needed where labels are class numbers.
    """

    def make_params(self, images: np.ndarray, rng: np.random.Generator) -> Params:
        """The rectangle (left, top, right, bottom), and the part of the area that is outside."""
        h, w = images.shape[-2:]
        half = 0.5 * math.sqrt(1 - rng.beta(self.alpha, self.alpha))
        across, down = int(half * w), int(half * h)
        x, y = below(w, rng), below(h, rng)
        left, right, top, bottom = max(x - across, 0), min(x + across, w), max(y - down, 0), min(y + down, h)
        outside = 1 - (bottom - top) * (right - left) / (h * w)
        return {"box": (left, top, right, bottom), "lam_adjusted": outside}

    def mix(self, images: np.ndarray, params: Params) -> tuple[np.ndarray, float]:
        """The images with their rectangles."""
        left, top, right, bottom = params["box"]
        mixed = images.copy()
        mixed[..., top:bottom, left:right] = np.roll(images[..., top:bottom, left:right], 1, 0)
        return mixed, params["lam_adjusted"]


def _mean(values: np.ndarray, share: float) -> np.ndarray:
    """Of each one's own and of the one before."""
    kind = values.dtype.type
    return values * kind(share) + np.roll(values, 1, 0) * kind(1 - share)
