"""What every transform is: a callable on an image and what belongs to it, with random numbers of the sample's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..randomness import RandomSource, given_generator, sample_generators, using
from .arguments import probability, reporting
from .functional.operands import PIXELS

Params = dict[str, Any]


class Transform:
    """A transform of an image C x H x W, uint8 (0 to 255), float32 or float64 (0 to 1), and of what belongs to it.

    ``transform(image)`` is an image. ``transform(image, mask, label)`` is a tuple: further arrays with two or more axes
    are masks ... x H x W of any dtype, moved as the image is, by nearest pixels, and not recoloured; anything else
    stays as it is. Inputs are not changed; a result may be a view of one.

    Random numbers come from the sample that a loader is making (:func:`tinygrad_cv.data.randomness.current`), or from
    ``generator=``. A subclass draws in :meth:`make_params`, and does the rest in :meth:`transform`.
    """

    def make_params(self, image: np.ndarray, rng: np.random.Generator) -> Params:
        """Everything that is random, for one image and its masks."""
        return {}

    def transform(self, image: np.ndarray, params: Params) -> np.ndarray:
        """The image with these parameters."""
        raise NotImplementedError(f"{type(self).__name__} must define transform(image, params).")

    def transform_mask(self, mask: np.ndarray, params: Params) -> np.ndarray:
        """A mask with these parameters."""
        return mask

    def __call__(self, *inputs: Any, generator: RandomSource = None) -> Any:
        """An image, or a tuple of as many as there are inputs.

        Raises:
            TypeError, ValueError: an input is of the wrong kind or shape.
        """
        name = type(self).__name__
        image = check_inputs(name, inputs, self._dtypes())
        params = self._drawn(image, given_generator(name, generator))
        if params is None:
            return inputs if len(inputs) > 1 else image
        with reporting(name):
            outputs = [
                self.transform(image, params),
                *(self.transform_mask(x, params) if is_mask(x) else x for x in inputs[1:]),
            ]
        return tuple(outputs) if len(inputs) > 1 else outputs[0]

    def batch(self, images: np.ndarray, generators: Sequence[np.random.Generator] | None = None) -> np.ndarray:
        """Each image of N x C x H x W with random numbers of its own: what calling it on each one would give.

        Args:
            generators: one for each image; by default those of the samples of the batch that a loader is making.
        """
        with self.drawing(images, generators) as drawing:
            return np.stack([drawn(self, image, generator) for image, generator in zip(images, drawing, strict=True)])

    @contextmanager
    def drawing(
        self, images: np.ndarray, generators: Sequence[np.random.Generator] | None
    ) -> Iterator[Sequence[np.random.Generator]]:
        """The generators of a batch, after it is checked."""
        self.check_batch(images, generators)
        if generators is None:
            with sample_generators(len(images)) as made:
                yield made
        else:
            yield generators

    def check_batch(self, images: np.ndarray, generators: Sequence[np.random.Generator] | None) -> None:
        """Check the arguments of :meth:`batch`.

        Raises:
            TypeError, ValueError: not N x C x H x W, or another number of generators.
        """
        name = type(self).__name__
        if not isinstance(images, np.ndarray) or images.ndim != 4 or len(images) == 0:
            found = f"of shape {images.shape}" if isinstance(images, np.ndarray) else f"a {type(images).__name__}"
            raise ValueError(f"{name}.batch: images are {found}; they must be an array N x C x H x W, N at least 1.")
        check_inputs(f"{name}.batch", (images[0],), self._dtypes())
        if generators is not None and len(generators) != len(images):
            raise ValueError(
                f"{name}.batch: generators are {len(generators)} for {len(images)} images; give one for each."
            )

    def _drawn(self, image: np.ndarray, rng: np.random.Generator) -> Params | None:
        """The parameters, or None where the image stays as it is."""
        return self.make_params(image, rng)

    def _dtypes(self) -> tuple[np.dtype[Any], ...]:
        """The dtypes of images that it takes; none for all numbers."""
        return PIXELS

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name[0] != "_")
        return f"{type(self).__name__}({shown})"


class RandomApplyTransform(Transform):
    """A transform that is applied with probability p."""

    def __init__(self, p: float = 0.5):
        self.p = probability(type(self).__name__, p)

    def _drawn(self, image: np.ndarray, rng: np.random.Generator) -> Params | None:
        return self.make_params(image, rng) if rng.random() < self.p else None


def between(rng: np.random.Generator, ends: Sequence[float]) -> float:
    """A number uniform between the first two of ends."""
    return float(rng.uniform(ends[0], ends[1]))


def drawn(transform: Callable[[np.ndarray], np.ndarray], image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The transformed image, for which a generator takes the place of the sample's."""
    with using(rng):
        return transform(image)


def below(n: int, rng: np.random.Generator) -> int:
    """An integer from 0 to n - 1: all as likely to within n / 2^53, in a tenth of the time of ``rng.integers``."""
    return int(n * rng.random())


def is_mask(value: Any) -> bool:
    """Whether an input that comes with an image is moved with it."""
    return isinstance(value, np.ndarray) and value.ndim > 1


def check_inputs(name: str, inputs: tuple[Any, ...], dtypes: tuple[np.dtype[Any], ...]) -> np.ndarray:
    """The image of a transform's inputs, after they are checked.

    Raises:
        TypeError: there is none, or it is of another type.
        ValueError: it is not C x H x W, or a mask is of another size.
    """
    if not inputs:
        raise TypeError(f"{name}: there are no inputs; the first must be an image, an array C x H x W.")
    image = inputs[0]
    if not isinstance(image, np.ndarray) or image.dtype.kind not in "buif":
        found = f"an array of {image.dtype}" if isinstance(image, np.ndarray) else type(image).__name__
        raise TypeError(f"{name}: image is {found}; it must be an array C x H x W. An image of Pillow's: ToImage().")
    if dtypes and image.dtype not in dtypes:
        raise TypeError(
            f"{name}: image is {image.dtype}; it must be uint8 (0 to 255), float32 or float64 (0 to 1). "
            "Use ToDtype(np.float32, scale=True) first."
        )
    if image.ndim != 3 or image.size == 0:
        advice = " Of a batch: .batch(images)." if image.ndim == 4 else " A grey image: image[np.newaxis]."
        raise ValueError(f"{name}: image has shape {image.shape}; it must be C x H x W, at least one pixel.{advice}")
    for mask in filter(is_mask, inputs[1:]):
        if mask.shape[-2:] != image.shape[-2:]:
            raise ValueError(
                f"{name}: mask has shape {mask.shape} and image {image.shape}; H x W, the last axes, must be the same."
            )
        if mask.dtype.kind not in "buif":
            raise TypeError(f"{name}: mask is an array of {mask.dtype}; it must be one of numbers.")
    return image
