"""Data augmentation: random transforms of a batch of images that keep its labels valid.

Each function here returns a transform, a callable (images, rng) -> images on N x C x H x W, for
``DataLoader(..., collate_fn=augmented(...))``. Random numbers are drawn for each image of the batch separately.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .collate import default_collate
from .randomness import current

Transform = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def random_horizontal_flip(p: float = 0.5) -> Transform:
    """Mirror each image, left to right, with probability p: y[n, c, h, w] = x[n, c, h, W - 1 - w].

    Not for images whose mirror image means something else, such as digits.

    Raises:
        ValueError: p is not in [0, 1]; when called, the images are not N x C x H x W.

    >>> flip = random_horizontal_flip(p=1)
    >>> flip(np.array([[[[1, 2, 3]]]]), np.random.default_rng(0))
    array([[[[3, 2, 1]]]])
    """
    if not 0 <= p <= 1:
        raise ValueError(f"random_horizontal_flip: p is {p}; a probability must be in [0, 1].")

    def flip(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        _check_images("random_horizontal_flip", images)
        chosen = rng.random(len(images)) < p
        return np.where(chosen[:, None, None, None], images[..., ::-1], images)

    return flip


def random_shift(pixels: int, fill: float = 0) -> Transform:
    """Move each image by up to `pixels` down or up and right or left: y[n, c, h, w] = x[n, c, h + i, w + j].

    i and j are uniform integers from -pixels to pixels; beyond the border an image is `fill`, in the images' own units
    (black is -mean / std in normalized images).

    Raises:
        ValueError: pixels is not a whole number of at least 0; when called, the images are not N x C x H x W.

    >>> shift = random_shift(1)
    >>> shift(np.ones((8, 1, 28, 28)), np.random.default_rng(0)).shape
    (8, 1, 28, 28)
    """
    if pixels != int(pixels) or pixels < 0:
        raise ValueError(f"random_shift: pixels is {pixels}; it must be a whole number of at least 0.")

    def shift(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        _check_images("random_shift", images)
        border = (pixels, pixels)
        padded = np.pad(images, ((0, 0), (0, 0), border, border), constant_values=fill)
        crops = sliding_window_view(padded, images.shape[2:], axis=(2, 3))  # n c i j h w
        i, j = rng.integers(0, 2 * pixels, size=(2, len(images)), endpoint=True)
        return crops[np.arange(len(images)), :, i, j]  # n c h w

    return shift


def compose(*transforms: Transform) -> Transform:
    """Apply transforms in order, the first one first.

    >>> both = compose(random_shift(2), random_horizontal_flip())
    >>> both(np.zeros((4, 1, 8, 8)), np.random.default_rng(0)).shape
    (4, 1, 8, 8)
    """

    def composed(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for transform in transforms:
            images = transform(images, rng)
        return images

    return composed


def augmented(transform: Transform) -> Callable[[Sequence[Any]], tuple[np.ndarray, np.ndarray]]:
    """A ``collate_fn`` for samples (image, label): `default_collate`, and a transform of the images.

    Random numbers follow from the loader's seed, the epoch and the batch.

    Raises:
        ValueError: when called, the transform changes the number of images.

    >>> import tinygrad_cv as tg
    >>> samples = tg.data.TensorDataset(np.ones((3, 1, 4, 4)), np.arange(3))
    >>> loader = tg.data.DataLoader(samples, 3, collate_fn=augmented(random_shift(1)))
    >>> [images.shape for images, labels in loader]
    [(3, 1, 4, 4)]
    """

    def collate(samples: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
        images, labels = default_collate(samples)
        made = transform(images, current())
        if len(made) != len(labels):
            raise ValueError(
                f"augmented: the transform made {len(made)} images of {len(labels)}; it must return one for each, "
                "since the labels stay. Check its return value."
            )
        return made, labels

    return collate


def _check_images(name: str, images: np.ndarray) -> None:
    if images.ndim != 4:
        raise ValueError(f"{name}: the images have shape {images.shape}; it must be N x C x H x W. Reshape them.")
