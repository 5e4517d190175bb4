"""What the ranks of one training do together; a training on one process is the only one, and does it alone.

Rank 0 alone computes figures, decides, reads and writes: what it decides, the others are told. So no file has to be
where another rank is, and no rounding can let them part.
"""

from __future__ import annotations

import platform
import statistics
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np

from ..frontend.random import Generator
from ..frontend.tensor import Tensor
from ..mpi import arrays
from ..mpi.world import Group, members
from ..nn import Module
from ..nn.parallel import DistributedDataParallel
from .metrics import Metric

T = TypeVar("T")
SLOW, NOTICED = 1.25, 0.2  # times, and seconds, that a rank takes longer than others if it is slow
ODD = 0x9E3779B97F4A7C15  # multiples of it are far apart


class Ranks:
    """The ranks that train a model: all of them if it is a `DistributedDataParallel`.

    Attributes:
        first: whether this is rank 0.
    """

    def __init__(self, function: str, model: Module):
        self.group = members(function) if isinstance(model, DistributedDataParallel) else Group()
        self.rank, self.size, self.first = self.group.rank, self.group.size, self.group.rank == 0

    def decide(self, compute: Callable[[], T]) -> T:
        """What a function gives on rank 0, which alone calls it."""
        return _decided(self.group, compute)

    def any(self, flag: bool) -> bool:
        """Whether it is so on one rank at least."""
        if self.size == 1:
            return flag
        return bool(arrays.all_reduce(self.group, np.array(flag), "max"))

    def gather(self, metrics: Iterable[Metric]) -> None:
        """Move what all ranks have added up to rank 0; the others begin again."""
        if self.size == 1:
            return
        for metric in metrics:
            for name in metric.sums:
                setattr(metric, name, arrays.all_reduce(self.group, getattr(metric, name)))
            if not self.first:
                metric.reset()

    def slow(self, seconds: float) -> str | None:
        """Which rank the others wait for, if one is slow.

        Args:
            seconds: that this rank took for its own part.
        """
        if self.size == 1:
            return None
        taken = arrays.gather_objects(self.group, (seconds, platform.node()))
        most, host = max(taken)
        rank = taken.index((most, host))
        usual = statistics.median(other for n, (other, _) in enumerate(taken) if n != rank)
        if most < SLOW * usual or most < usual + NOTICED:
            return None
        return f"rank {rank} on {host} is slow: {most:.1f} s for its part of the epoch, where others took {usual:.1f} s"

    def part(self, generator: Generator) -> None:
        """Give each rank random numbers of its own, which follow from those of rank 0."""
        if self.size > 1:
            with generator.alone():
                state = arrays.broadcast(self.group, generator.state.numpy(), 0)
                state[0] += np.uint64(self.rank * ODD % 2**64)
                generator.state.assign(Tensor(state))


def decide(function: str, compute: Callable[[], T]) -> T:
    """What a function gives on rank 0, which alone calls it, for all ranks that were started together."""
    return _decided(members(function), compute)


def _decided(group: Group, compute: Callable[[], T]) -> T:
    return arrays.broadcast_object(group, compute() if group.rank == 0 else None, 0)


def bare(model: Module) -> Module:
    """The model itself, whose parameters have the same names on any number of ranks."""
    return model.module if isinstance(model, DistributedDataParallel) else model
