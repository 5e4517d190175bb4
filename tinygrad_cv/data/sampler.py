"""Samplers: the order of an epoch's samples. Names and arguments are PyTorch's, numbers are this library's.

Iterated by a loader, a random order is a function of seed and epoch: of the loader's seed, or, with ``generator=``, of
one that is drawn from it when the sampler is made. Iterated alone it is a new one each time.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from .randomness import RandomSource, current, current_epoch, given_generator, order_generator

T_co = TypeVar("T_co", covariant=True)
CHUNK = 4096  # indices that are Python numbers at one time


class Sampler(Generic[T_co]):
    """An order of samples: a subclass defines ``__iter__``, over indices or lists of them, and perhaps ``__len__``.

    If it draws from ``data.randomness.current()``, a loader repeats its order, and resumes in the middle of it. A
    method ``set_epoch(epoch)`` is called by a loader before each epoch.
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__}: a Sampler must define __iter__().")


class SequentialSampler(Sampler[int]):
    """0, 1, ... to the number of samples.

    >>> list(SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized):
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self)))

    def __len__(self) -> int:
        return len(self.data_source)


class _Random(Sampler[int]):
    """A sampler with a generator of its own, or the loader's."""

    def __init__(self, generator: RandomSource):
        self.generator = generator
        self._name = type(self).__name__
        self._seed = None if generator is None else int(given_generator(self._name, generator).integers(2**63))

    def _rng(self) -> np.random.Generator:
        if self._seed is None:
            return current()
        epoch = current_epoch()
        if epoch is None:
            return given_generator(self._name, self.generator)
        return order_generator(self._seed, epoch)


class RandomSampler(_Random):
    """The samples in random order.

    Args:
        replacement: draw each sample from all, so that some come again and others not at all.
        num_samples: how many; by default as many as there are. If there are fewer, one order follows another.
        generator: a ``tg.Generator`` or a NumPy generator.

    Raises:
        ValueError: num_samples is not a whole number of at least 1.

    >>> sorted(RandomSampler("abc")), len(RandomSampler("abc", num_samples=7))
    ([0, 1, 2], 7)
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: RandomSource = None,
    ):
        super().__init__(generator)
        self.data_source, self.replacement = data_source, flag(self._name, "replacement", replacement)
        self._num_samples = None if num_samples is None else count(self._name, "num_samples", num_samples)

    @property
    def num_samples(self) -> int:
        """How many samples one pass gives."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        rng, size, left = self._rng(), len(self.data_source), self.num_samples
        while left and size:
            if self.replacement:
                drawn = rng.integers(0, size, min(left, CHUNK))
            else:
                drawn = rng.permutation(size)[:left]
            left -= len(drawn)
            yield from numbers(drawn)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(_Random):
    """These indices, in random order.

    >>> sorted(SubsetRandomSampler([7, 3, 5]))
    [3, 5, 7]
    """

    def __init__(self, indices: Sequence[Any], generator: RandomSource = None):
        super().__init__(generator)
        self.indices = indices

    def __iter__(self) -> Iterator[Any]:
        return (self.indices[i] for i in numbers(self._rng().permutation(len(self.indices))))

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(_Random):
    """Samples with probabilities in proportion to their weights, as for classes of different sizes.

    Args:
        weights: one for each sample, at least 0; they need not sum to 1.
        num_samples: how many are drawn.
        replacement: draw each from all. Otherwise no sample comes twice: each is drawn from those that are left.
        generator: a ``tg.Generator`` or a NumPy generator.

    Raises:
        ValueError: the weights are not a list of finite numbers of at least 0, num_samples is not a whole number of at
            least 1, or there are fewer weights above 0 than samples to draw (one, with replacement).

    >>> list(WeightedRandomSampler([0, 3, 0], 4))
    [1, 1, 1, 1]
    """

    def __init__(self, weights: ArrayLike, num_samples: int, replacement: bool = True, generator: RandomSource = None):
        super().__init__(generator)
        self.weights = np.asarray(weights, np.float64)
        self.num_samples = count(self._name, "num_samples", num_samples)
        self.replacement = flag(self._name, "replacement", replacement)
        if self.weights.ndim != 1 or not (np.isfinite(self.weights) & (self.weights >= 0)).all():
            raise ValueError(
                f"WeightedRandomSampler: weights of shape {self.weights.shape} from {self.weights.min(initial=0):g} to "
                f"{self.weights.max(initial=0):g}; they must be N finite numbers of at least 0, one for each sample."
            )
        needed, possible = 1 if self.replacement else self.num_samples, np.count_nonzero(self.weights)
        if possible < needed:
            raise ValueError(
                f"WeightedRandomSampler: {possible} of {len(self.weights)} weights are above 0; to draw "
                f"{self.num_samples} samples {'with' if self.replacement else 'without'} replacement there must be at "
                f"least {needed}."
            )

    def __iter__(self) -> Iterator[int]:
        scaled = self.weights / self.weights.max()  # first: the sum of large weights would overflow
        drawn = self._rng().choice(len(scaled), self.num_samples, self.replacement, scaled / scaled.sum())
        return numbers(drawn)

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[Any]]):
    """Lists of batch_size indices of a sampler, the last one shorter if need be, or left out with drop_last.

    Raises:
        ValueError: batch_size is not a whole number of at least 1, or drop_last is not a bool.

    >>> list(BatchSampler(SequentialSampler("abcde"), 2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool):
        self.sampler, self.batch_size = sampler, count("BatchSampler", "batch_size", batch_size)
        self.drop_last = flag("BatchSampler", "drop_last", drop_last)

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        size = len(self.sampler)  # type: ignore[arg-type]  # raises for a sampler without a length
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)

    def set_epoch(self, epoch: int) -> None:
        """Tell the sampler, if it wants to know."""
        if hasattr(self.sampler, "set_epoch"):
            self.sampler.set_epoch(epoch)


def numbers(indices: np.ndarray) -> Iterator[int]:
    """Python numbers, some at a time: all at once would take 36 bytes for each sample."""
    for start in range(0, len(indices), CHUNK):
        yield from indices[start : start + CHUNK].tolist()


def count(function: str, name: str, value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__") or operator.index(value) < 1:
        raise ValueError(f"{function}: {name} is {value!r}; it must be a whole number of at least 1.")
    return operator.index(value)


def flag(function: str, name: str, value: Any) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{function}: {name} is {value!r}; it must be True or False.")
    return bool(value)
