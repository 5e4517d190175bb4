"""How a batch is made, wherever that happens: a recipe is called with one job after another."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from ..collate import UnequalShapes
from ..dataset import fetch
from ..randomness import batching, nth_sample

Collate: TypeAlias = Callable[[Any], Any]


class Job(NamedTuple):
    """A batch that is to be made.

    Attributes:
        seed, epoch: of the loader.
        number: of the batch in its epoch.
        first: the number of its first sample in its epoch.
        wanted: the indices of its samples; without batches the index; of a stream the number of samples.
        run: the pass over the loader; each has a stream of its own.
    """

    seed: int
    epoch: int
    number: int
    first: int
    wanted: Any
    run: int

    def __str__(self) -> str:
        text = str(self.wanted)
        samples = text if len(text) < 80 else f"{text[:76]} ..."
        return f"batch {self.number} of epoch {self.epoch} (samples {samples})"


class EndOfStream(enum.Enum):
    """What a stream that is empty gives instead of a batch."""

    END = enum.auto()


class Abandon(NamedTuple):
    """That a pass over a stream is over before its end."""

    run: int


@dataclass(frozen=True)
class ByIndex:
    """Batches of a data set whose samples have indices."""

    dataset: Any
    collate: Collate
    batched: bool

    def __call__(self, job: Job) -> Any:
        with batching(job.seed, job.epoch, job.number, job.first):
            if not self.batched:
                with nth_sample(0):
                    return self.collate(self.dataset[job.wanted])
            return _collated(self.collate, fetch(self.dataset, job.wanted), job.wanted)


@dataclass(frozen=True)
class ByReading:
    """Batches of a stream; jobs of one run come in the order of their numbers."""

    dataset: Any
    collate: Collate
    batched: bool
    drop_last: bool
    streams: dict[int, _Stream] = field(default_factory=dict)

    def __call__(self, job: Job | Abandon) -> Any:
        if isinstance(job, Abandon):
            return self.streams.pop(job.run, None)
        with batching(job.seed, job.epoch, job.number, job.first):
            if job.run not in self.streams:
                self.streams[job.run] = _Stream(iter(self.dataset))
            stream = self.streams[job.run]
            while stream.count < job.first and not stream.ended:  # a run that was resumed
                stream.read(job.first)
            samples: list[Any] = []
            while len(samples) < job.wanted and not stream.ended:
                samples += stream.read(job.first)
            if not samples or (self.drop_last and len(samples) < job.wanted):
                return EndOfStream.END
            if not self.batched:
                with nth_sample(0):
                    return self.collate(samples[0])
            return _collated(self.collate, samples, range(job.first, job.first + len(samples)))


class _Stream:
    """An iterator, and how much of it was read."""

    def __init__(self, samples: Iterator[Any]):
        self.samples, self.count, self.ended = samples, 0, False

    def read(self, first: int) -> list[Any]:
        """The next sample, or none; ``first`` is the number of the batch's first sample."""
        with nth_sample(self.count - first):
            for sample in self.samples:
                self.count += 1
                return [sample]
        self.ended = True
        return []


def _collated(collate: Collate, samples: Any, indices: Any) -> Any:
    try:
        return collate(samples)
    except UnequalShapes as error:
        raise ValueError(error.told(lambda position: f"sample {indices[position]}")) from None
