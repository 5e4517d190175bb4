"""Random numbers of a data set: what is drawn for a sample depends on the seed, the epoch and the sample, nothing else.

So a run repeats whatever the number of workers, and resumes in the middle of an epoch. A loader sets the place
(``sampling``), and code that makes a sample, such as a transform, draws from :func:`current`.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeAlias

import numpy as np

from ..frontend.random import Generator, default_generator

RandomSource: TypeAlias = "np.random.Generator | Generator | None"

ORDER, SAMPLE, BATCH, WORKER = range(4)  # what is drawn: numbers for one never meet those for another


class _Place:
    """What is being made, and its generator once that was asked for."""

    def __init__(
        self,
        purpose: int,
        seed: int,
        epoch: int,
        index: int,
        first: int | None = None,
        made: np.random.Generator | None = None,
    ):
        self.purpose, self.seed, self.epoch, self.index = purpose, seed, epoch, index
        self.first = first  # of a batch: the index of its first sample
        self._made = made

    def generator(self) -> np.random.Generator:
        if self._made is None:
            self._made = _generator(self.purpose, self.seed, self.epoch, self.index)
        return self._made


_spare: list[np.random.Generator] = []  # those of sample_generators that are not in use
_place: ContextVar[_Place | None] = ContextVar("tinygrad_cv.data.place", default=None)


def current() -> np.random.Generator:
    """The generator of the sample that is being made.

    Outside of a loader it is a new one at each call, seeded from the generator that ``tg.manual_seed`` restarts.

    >>> with sampling(seed=0, epoch=2, index=7):
    ...     a = current().random()
    >>> a == sample_generator(0, 2, 7).random()
    True
    """
    place = _place.get()
    return _numpy_generator(default_generator) if place is None else place.generator()


def sample_generator(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator of one sample: of any two that differ in one of the three, neither repeats the other.

    Args:
        seed: from 0 to 2**64 - 1.
        epoch: from 0.
        index: the number of the sample in its epoch, from 0; so an image that is drawn twice is augmented in two ways.

    Source: Philox, a bijection of a counter, which holds epoch and index (J. K. Salmon et al., "Parallel Random
    Numbers: As Easy as 1, 2, 3", 2011).
    """
    return _generator(SAMPLE, checked_seed("sample_generator", seed), epoch, index)


@contextmanager
def sampling(seed: int, epoch: int, index: int) -> Iterator[None]:
    """Within the block, :func:`current` is the generator of this sample, as of :func:`sample_generator`."""
    with _at(_Place(SAMPLE, checked_seed("sampling", seed), epoch, index)):
        yield


def ordering(seed: int, epoch: int) -> Context:
    """A context for the code that makes an epoch's order, in which :func:`current` is the generator of that."""
    context = copy_context()
    context.run(_place.set, _Place(ORDER, seed, epoch, 0))
    return context


def worker_generator(seed: int, epoch: int, batch: int) -> np.random.Generator:
    """What a process seeds other generators from before it makes a batch."""
    return _generator(WORKER, seed, epoch, batch)


def order_generator(seed: int, epoch: int) -> np.random.Generator:
    """The generator of an epoch's order."""
    return _generator(ORDER, seed, epoch, 0)


def current_epoch() -> int | None:
    """The epoch of what is being made; None outside of a loader."""
    place = _place.get()
    return None if place is None else place.epoch


def batching(seed: int, epoch: int, index: int, first: int) -> AbstractContextManager[None]:
    """Within the block, :func:`current` is the generator of a batch, and :func:`nth_sample` knows its samples.

    Args:
        index: the number of the batch in its epoch.
        first: the number of its first sample in its epoch.
    """
    return _at(_Place(BATCH, seed, epoch, index, first))


def nth_sample(n: int) -> AbstractContextManager[None]:
    """Within the block, :func:`current` is the generator of the batch's sample n; outside of a batch, no change."""
    batch = _place.get()
    if batch is None or batch.first is None:
        return nullcontext()
    return _at(_Place(SAMPLE, batch.seed, batch.epoch, batch.first + n))


@contextmanager
def sample_generators(count: int) -> Iterator[list[np.random.Generator]]:
    """The generators of the first samples of the batch that is being made, for the block only; elsewhere new ones.

    Generators are used again, since making one takes ten times as long as what is drawn from it.
    """
    batch = _place.get()
    if batch is None or batch.first is None:
        yield [current() for _ in range(count)]
        return
    taken: list[np.random.Generator] = []
    key, counter = np.array([batch.seed, SAMPLE], np.uint64), np.array([0, 0, batch.epoch, 0], np.uint64)
    start: dict[str, Any] = {
        "bit_generator": "Philox",
        "state": {"key": key, "counter": counter},
        "buffer": np.zeros(4, np.uint64),
    }
    start |= {"buffer_pos": 4, "has_uint32": 0, "uinteger": 0}  # nothing is left of an earlier use
    try:
        for index in range(batch.first, batch.first + count):
            try:
                generator = _spare.pop()
            except IndexError:
                generator = np.random.Generator(np.random.Philox(key=0))
            taken.append(generator)
            counter[3] = index
            generator.bit_generator.state = start
        yield taken
    finally:
        _spare.extend(taken)


@contextmanager
def using(generator: np.random.Generator) -> Iterator[None]:
    """Within the block, :func:`current` is this generator."""
    here = _place.get() or _Place(SAMPLE, 0, 0, 0)
    with _at(_Place(SAMPLE, here.seed, here.epoch, here.index, made=generator)):
        yield


def given_generator(function: str, generator: RandomSource) -> np.random.Generator:
    """A generator argument as NumPy's generator; :func:`current` if there is none.

    Raises:
        TypeError: it is something else.
    """
    if generator is None:
        return current()
    if isinstance(generator, Generator):
        return _numpy_generator(generator)
    if isinstance(generator, np.random.Generator):
        return generator
    raise TypeError(
        f"{function}: generator is a {type(generator).__module__}.{type(generator).__name__}; it must be a "
        "tinygrad_cv.Generator or a numpy.random.Generator. Give tg.Generator(seed)."
    )


def checked_seed(function: str, seed: Any) -> int:
    """A seed as an int.

    Raises:
        ValueError: it is not a whole number from 0 to 2**64 - 1.
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**64:
        raise ValueError(f"{function}: seed is {seed!r}; it must be a whole number from 0 to 2**64 - 1.")
    return number


@contextmanager
def _at(place: _Place) -> Iterator[None]:
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def _generator(purpose: int, seed: int, epoch: int, index: int) -> np.random.Generator:
    key, counter = np.array([seed, purpose], np.uint64), np.array([0, 0, epoch, index], np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def _numpy_generator(generator: Generator) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=generator.bits((2,), 64).numpy()))
