"""Samplers for ranks that train one model together: which samples are this rank's."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any

import numpy as np

from ..distributed import get_rank, get_world_size
from .randomness import checked_seed, order_generator
from .sampler import Sampler, count, flag, numbers


class DistributedSampler(Sampler[int]):
    """Every num_replicas-th sample of one order, from number rank on.

    The order is a function of seed and epoch, and so the same on all ranks, whatever seeds their loaders have. A loader
    sets the epoch. All get equally many samples, as steps that wait for each other need: some samples come twice, or
    are left out with drop_last. An evaluation counts each once with ``pad=False``, where some ranks get one more.

    Args:
        num_replicas: the number of ranks; by default of those that train together.
        rank: of this one, from 0; by default its own.
        pad: repeat samples until all ranks have equally many. PyTorch's always does.

    Raises:
        ValueError: rank is not below num_replicas, a number is not a whole number, or pad=False contradicts drop_last.

    Names and order of arguments: PyTorch, ``torch.utils.data.DistributedSampler``; ``pad`` is this library's.

    >>> [list(DistributedSampler("abcde", 2, rank, shuffle=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3, 0]]
    >>> [list(DistributedSampler("abcde", 2, rank, shuffle=False, pad=False)) for rank in (0, 1)]
    [[0, 2, 4], [1, 3]]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
        *,
        pad: bool = True,
    ):
        name = "DistributedSampler"
        self.num_replicas, self.rank = _place(name, num_replicas, rank)
        self.dataset, self.shuffle = dataset, shuffle
        self.drop_last, self.pad = flag(name, "drop_last", drop_last), flag(name, "pad", pad)
        if self.drop_last and not self.pad:
            raise ValueError(f"{name}: pad=False beside drop_last=True; one keeps all samples, the other does not.")
        self.seed, self.epoch = checked_seed(name, seed), 0

    def set_epoch(self, epoch: int) -> None:
        """Which epoch the next order is for."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[int]:
        size = len(self.dataset)
        order = order_generator(self.seed, self.epoch).permutation(size) if self.shuffle else np.arange(size)
        if self.pad:
            order = np.resize(order, len(self) * self.num_replicas)
        return numbers(order[self.rank :: self.num_replicas])

    def __len__(self) -> int:
        size = len(self.dataset)
        if not self.pad:
            return len(range(self.rank, size, self.num_replicas))
        return size // self.num_replicas if self.drop_last else math.ceil(size / self.num_replicas)


class Share(list[Any]):
    """A rank's share of a batch: indices, and the number that the first one has in the epoch of all ranks.

    So a loader gives each sample the random numbers that one process alone would have given it.
    """

    def __init__(self, indices: Iterable[Any], first: int):
        super().__init__(indices)
        self.first = first


class DistributedBatchSampler(Sampler[Share]):
    """This rank's share of each batch of a sampler that all ranks have: neighbours, which together are the batch.

    So N ranks take the steps of one process with the same batches, each sample augmented by the same random numbers.

    Args:
        batch_sampler: the same on all ranks, such as a `BatchSampler` of a `RandomSampler`; its order is the loader's.
        num_replicas: the number of ranks; by default of those that train together.
        rank: of this one, from 0; by default its own.
        even: every batch must divide evenly, as it must where gradients are averaged. Otherwise, for an evaluation,
            the first ranks get one sample more, and a rank without any leaves the batch out.

    Raises:
        ValueError: rank is not below num_replicas, or a number is not a whole number; while iterating: a batch does not
            divide evenly.

    >>> from tinygrad_cv.data import BatchSampler
    >>> batches = BatchSampler(range(8), 4, drop_last=True)
    >>> [list(DistributedBatchSampler(batches, 2, rank)) for rank in (0, 1)]
    [[[0, 1], [4, 5]], [[2, 3], [6, 7]]]
    """

    def __init__(
        self,
        batch_sampler: Iterable[Sequence[Any]],
        num_replicas: int | None = None,
        rank: int | None = None,
        *,
        even: bool = True,
    ):
        self.num_replicas, self.rank = _place("DistributedBatchSampler", num_replicas, rank)
        self.batch_sampler, self.even = batch_sampler, flag("DistributedBatchSampler", "even", even)

    def __iter__(self) -> Iterator[Share]:
        first = 0
        for batch in self.batch_sampler:
            if self.even and len(batch) % self.num_replicas:
                raise ValueError(
                    f"DistributedBatchSampler: a batch has {len(batch)} samples, which {self.num_replicas} ranks "
                    "cannot share evenly. Take another batch_size, with drop_last=True, or even=False to evaluate."
                )
            begin, end = (-(-len(batch) * rank // self.num_replicas) for rank in (self.rank, self.rank + 1))
            if begin < end:
                yield Share(batch[begin:end], first + begin)
            first += len(batch)

    def __len__(self) -> int:
        """The number of batches, of which a rank may leave one out: the same on all ranks."""
        return len(self.batch_sampler)  # type: ignore[arg-type]  # raises for a sampler without a length

    def set_epoch(self, epoch: int) -> None:
        """Tell the sampler, if it wants to know."""
        if hasattr(self.batch_sampler, "set_epoch"):
            self.batch_sampler.set_epoch(epoch)


def _place(name: str, num_replicas: int | None, rank: int | None) -> tuple[int, int]:
    """How many ranks there are, and which one this is."""
    ranks = get_world_size() if num_replicas is None else count(name, "num_replicas", num_replicas)
    mine = get_rank() if rank is None else operator.index(rank)
    if not 0 <= mine < ranks:
        raise ValueError(f"{name}: rank is {mine}; it must be from 0 to {ranks - 1}.")
    return ranks, mine
