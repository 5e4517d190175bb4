"""Transforms of transforms: one after the other, some of the time, one of several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..randomness import RandomSource, given_generator, using
from . import arguments
from .transform import Transform, drawn

AnyTransform = Callable[..., Any]


class _Container(Transform):
    """Transforms in a list; any callable may be one. It draws its random numbers from ``data.randomness.current()``."""

    def __init__(self, transforms: Sequence[AnyTransform]):
        name = type(self).__name__
        if not isinstance(transforms, Sequence) or not all(map(callable, transforms)):
            raise TypeError(f"{name}: transforms is {transforms!r}; it must be a list of transforms.")
        if not transforms:
            raise ValueError(f"{name}: transforms is empty; give at least one.")
        self.transforms = transforms

    def chosen(self, rng: np.random.Generator) -> Iterable[AnyTransform]:
        """The transforms to apply, in order."""
        return self.transforms

    def __call__(self, *inputs: Any, generator: RandomSource = None) -> Any:
        if not inputs:
            raise TypeError(f"{type(self).__name__}: there are no inputs; the first must be an image.")
        rng = given_generator(type(self).__name__, generator)
        with using(rng):
            for transform in self.chosen(rng):
                outputs = transform(*inputs)
                inputs = outputs if len(inputs) > 1 else (outputs,)
        return inputs if len(inputs) > 1 else inputs[0]

    def _dtypes(self) -> tuple[np.dtype[Any], ...]:
        return ()  # each of its transforms has its own

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self.transforms))}])"


class Compose(_Container):
    """Apply transforms one after the other.

    >>> from tinygrad_cv.data import transforms as T
    >>> both = T.Compose([T.RandomCrop(28, padding=4), T.RandomHorizontalFlip()])
    >>> both(np.zeros((1, 28, 28), np.uint8)).shape
    (1, 28, 28)
    """

    def batch(self, images: np.ndarray, generators: Sequence[np.random.Generator] | None = None) -> np.ndarray:
        """Each image of N x C x H x W, one transform after the other, each for all images at once where it can."""
        with self.drawing(images, generators) as drawing:
            for transform in self.transforms:
                if isinstance(transform, Transform):
                    images = transform.batch(images, drawing)
                else:
                    images = np.stack([drawn(transform, *pair) for pair in zip(images, drawing, strict=True)])
        return images


class RandomApply(_Container):
    """Apply all of these transforms, one after the other, with probability p; otherwise none."""

    def __init__(self, transforms: Sequence[AnyTransform], p: float = 0.5):
        super().__init__(transforms)
        self.p = arguments.probability("RandomApply", p)

    def chosen(self, rng: np.random.Generator) -> Iterable[AnyTransform]:
        """All or none."""
        return self.transforms if rng.random() < self.p else ()


class RandomChoice(_Container):
    """Apply one of these transforms.

    Args:
        p: how likely each is, in proportion; by default all are equally likely.
    """

    def __init__(self, transforms: Sequence[AnyTransform], p: Sequence[float] | None = None):
        super().__init__(transforms)
        weights = (1.0,) * len(transforms) if p is None else p
        given = np.array(arguments.numbers("RandomChoice", "p", weights, (len(transforms),)))
        if given.min() < 0 or not given.any():
            raise ValueError(f"RandomChoice: p is {p}; it must not be negative, nor 0 for all.")
        self.p = (given / given.sum()).tolist()

    def chosen(self, rng: np.random.Generator) -> Iterable[AnyTransform]:
        """One of them."""
        return (self.transforms[rng.choice(len(self.transforms), p=self.p)],)


class RandomOrder(_Container):
    """Apply all of these transforms, in an order drawn anew each time."""

    def chosen(self, rng: np.random.Generator) -> Iterable[AnyTransform]:
        """All of them, shuffled."""
        return [self.transforms[i] for i in rng.permutation(len(self.transforms))]
