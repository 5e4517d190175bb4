"""Batches for training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from .augment import Transform


class DataLoader:
    """Iterate over images and labels in batches; each pass over it is one epoch.

    An epoch gives ceil(N / batch_size) batches, the last one smaller if need be; with `drop_last`,
    floor(N / batch_size), all full. Order and augmentation depend on (seed, epoch) alone, so a run is reproducible
    (with the same version of NumPy); to resume one, set `epoch` to the number of epochs already done.

    Args:
        images: N x C x H x W, or any array of N entries.
        labels: N.
        batch_size: images per batch.
        shuffle: take the images in a new random order each epoch.
        drop_last: leave out the last batch if it is not full.
        seed: for the order and the transform's random numbers, at least 0.
        transform: a callable (images, rng) -> images for each batch, such as ``random_shift(2)``.

    Raises:
        ValueError: images and labels differ in number, batch_size is not a whole number of at least 1,
            or seed is not a whole number of at least 0; while iterating, the transform changes the number of images.

    Argument names: PyTorch, ``torch.utils.data.DataLoader``.

    >>> loader = DataLoader(np.arange(5), np.arange(5), batch_size=2)
    >>> for images, labels in loader:
    ...     print(images, labels)
    [0 1] [0 1]
    [2 3] [2 3]
    [4] [4]
    >>> len(loader), loader.epoch
    (3, 1)
    """

    def __init__(
        self,
        images: ArrayLike,
        labels: ArrayLike,
        batch_size: int = 64,
        shuffle: bool = False,
        drop_last: bool = False,
        seed: int = 0,
        transform: Transform | None = None,
    ) -> None:
        self.images, self.labels = np.asarray(images), np.asarray(labels)
        if not (self.images.ndim and self.labels.ndim and len(self.images) == len(self.labels)):
            raise ValueError(
                f"DataLoader: images have shape {self.images.shape} and labels {self.labels.shape}; "
                "the first dimension of both must be N. Give one label for each image."
            )
        if batch_size != int(batch_size) or batch_size < 1:
            raise ValueError(
                f"DataLoader: batch_size is {batch_size}; it must be a whole number of at least 1 "
                f"(for one batch per epoch: {len(self.images)})."
            )
        if seed != int(seed) or seed < 0:
            raise ValueError(f"DataLoader: seed is {seed}; it must be a whole number of at least 0.")
        self.batch_size, self.shuffle, self.drop_last = int(batch_size), shuffle, drop_last
        self.seed, self.transform = int(seed), transform
        self.epoch = 0

    def __len__(self) -> int:
        full, rest = divmod(len(self.images), self.batch_size)
        return full + (rest > 0 and not self.drop_last)

    def __iter__(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        rng = np.random.default_rng([self.seed, self.epoch])
        self.epoch += 1
        return self._batches(rng)

    def _batches(self, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        count = len(self.images)
        order = rng.permutation(count) if self.shuffle else np.arange(count)
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            chosen = order[start : start + self.batch_size]
            images = self.images[chosen]
            if self.transform is not None:
                images = self.transform(images, rng)
                if len(images) != len(chosen):
                    raise ValueError(
                        f"DataLoader: the transform made {len(images)} images of {len(chosen)}; "
                        "it must return one for each, since the labels stay. Check its return value."
                    )
            yield images, self.labels[chosen]
