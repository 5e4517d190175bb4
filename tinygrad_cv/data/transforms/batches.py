"""Transforms of whole batches, for a loader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..collate import default_collate
from ..randomness import sample_generators
from .mixing import Mixture
from .transform import Transform


class BatchTransform:
    """A ``collate_fn`` of samples (image, label, ...): `default_collate`, then transforms of the batch.

    Small images are transformed several times as fast together as one by one in a data set, and alike: each draws from
    its own sample. They must be of one size.

    Args:
        transforms: of images, each of which :meth:`Transform.batch` takes; or mixtures of images and labels.

    Raises:
        TypeError: one is neither; when called, samples are no tuples.

    >>> import numpy as np
    >>> from tinygrad_cv import data
    >>> samples = data.TensorDataset(np.zeros((4, 1, 28, 28), np.float32), np.array([0, 1, 2, 1]))
    >>> both = BatchTransform(data.transforms.RandomCrop(28, padding=2), data.transforms.MixUp(num_classes=3))
    >>> for images, labels in data.DataLoader(samples, 4, collate_fn=both):
    ...     print(images.shape, labels.shape)
    (4, 1, 28, 28) (4, 3)
    """

    def __init__(self, *transforms: Transform | Mixture):
        for transform in transforms:
            if not isinstance(transform, (Transform, Mixture)):
                raise TypeError(
                    f"BatchTransform: transforms has {transform!r}; each must be a Transform or a mixture, such as "
                    "MixUp. A function of an image: Compose([function])."
                )
        self.transforms = transforms

    def __call__(self, samples: Sequence[Any]) -> tuple[Any, ...]:
        """(images, labels, ...)"""
        batch = default_collate(samples)
        if not isinstance(batch, (tuple, list)):
            raise TypeError(
                f"BatchTransform: samples become a {type(batch).__name__}; they must be tuples, (image, label). "
                "For others write a collate_fn that calls default_collate and transform.batch(images)."
            )
        images, *others = batch
        with sample_generators(len(images) if self.transforms else 0) as drawing:
            for transform in self.transforms:
                if isinstance(transform, Mixture):
                    images, others[0] = transform(images, others[0])
                else:
                    images = transform.batch(images, drawing)
        return (images, *others)

    def __repr__(self) -> str:
        return f"BatchTransform({', '.join(map(repr, self.transforms))})"
