"""The loader: batches of a data set, epoch by epoch."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing.context import BaseContext
from typing import Any, Generic, TypeVar

from ..collate import default_collate, default_convert
from ..dataset import Dataset, IterableDataset
from ..distributed import Share
from ..randomness import RandomSource, checked_seed, given_generator, ordering
from ..sampler import BatchSampler, RandomSampler, SequentialSampler
from .arguments import check_batches, check_callable, check_dataset, check_order, check_workers, count, start_method
from .executor import Executor, Inline
from .processes import Processes
from .recipe import Abandon, ByIndex, ByReading, Collate, Job
from .threads import Threads
from .window import Progress, batches
from .worker_info import WorkerInfo

T_co = TypeVar("T_co", covariant=True)
PREFETCH_FACTOR = 2
END = object()


class DataLoader(Generic[T_co]):
    """Iterate over a data set in batches, which are NumPy arrays; each pass over it is one epoch.

    Order and random numbers are a function of (seed, epoch), for any number and kind of workers. An epoch that is left
    early is an epoch. To go on where a run stopped, also in the middle of an epoch, save ``state_dict()`` and give it
    to ``load_state_dict`` of a loader that is made in the same way; to begin at another epoch set ``epoch``.

    Worker processes are started at the beginning of each epoch, or once with ``persistent_workers``. Each gets a copy
    of the data set, whose arrays are in memory once. They are started by "forkserver" where the program has not chosen
    otherwise, so a script needs ``if __name__ == "__main__":``. In processes, and there alone, the generators of
    ``random``, ``numpy.random`` and ``tg`` are seeded for each batch, by seed, epoch and batch.

    Args:
        dataset: samples by index (`Dataset`, or anything with ``__getitem__`` and ``__len__``), or an
            `IterableDataset`, which one worker reads.
        batch_size: samples in a batch; None gives samples, not batches.
        shuffle: take the samples in a new random order each epoch.
        sampler: the order, instead of shuffle: a `Sampler` or another iterable of indices.
        batch_sampler: lists of indices, instead of batch_size, shuffle, sampler and drop_last.
        num_workers: how many processes or threads make batches; 0: the loop does.
        collate_fn: makes a batch of a list of samples; `default_collate`, or without batches `default_convert`.
        pin_memory, pin_memory_device: accepted, and mean nothing: there is no device to copy to.
        drop_last: leave out the last batch if it is not full.
        timeout: seconds to wait for a batch of workers; 0: no limit.
        worker_init_fn: called in each worker with its number. `get_worker_info` tells it more.
        multiprocessing_context: how processes start, "fork", "spawn" or "forkserver".
        generator: where the seed is drawn from, once, if it is not given.
        prefetch_factor: batches for each worker that are under way or waiting; 2.
        persistent_workers: keep the workers from one epoch to the next.
        in_order: False gives batches as they are done.
        seed: for the order and for what samples draw from ``data.randomness.current()``.
        workers: "processes" or "threads".

    Raises:
        ValueError, TypeError: an argument has another value, or they contradict each other.
        RuntimeError: while iterating: a worker was killed, or a batch came too late. What a data set raises in a worker
            is raised in the loop, with the traceback of the worker.

    Names and order of arguments: PyTorch, ``torch.utils.data.DataLoader``.

    >>> import numpy as np
    >>> from tinygrad_cv.data import TensorDataset
    >>> loader = DataLoader(TensorDataset(np.arange(5), np.arange(5)), batch_size=2)
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
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Any] | None = None,
        num_workers: int = 0,
        collate_fn: Collate | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: str | BaseContext | None = None,
        generator: RandomSource = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
        seed: int = 0,
        workers: str = "processes",
    ):
        check_order(shuffle, drop_last, sampler, batch_sampler)
        check_dataset(dataset, shuffle, sampler, batch_sampler)
        self.batch_size = check_batches(batch_size, shuffle, sampler, batch_sampler, drop_last)
        check_workers(num_workers, workers, timeout, multiprocessing_context, prefetch_factor, persistent_workers)
        check_callable("collate_fn", collate_fn)
        check_callable("worker_init_fn", worker_init_fn)
        self.seed = checked_seed("DataLoader", seed)
        if generator is not None:
            if seed:
                raise ValueError("DataLoader: seed is given beside generator, which decides it. Leave one out.")
            self.seed = int(given_generator("DataLoader", generator).integers(2**63))
        if num_workers and workers == "processes":
            self._context = start_method(multiprocessing_context)
        self.dataset, self.generator, self.drop_last = dataset, generator, drop_last
        self._reads = isinstance(dataset, IterableDataset)
        if sampler is None and batch_sampler is None and not self._reads:
            sampler = RandomSampler(dataset) if shuffle else SequentialSampler(dataset)  # type: ignore[arg-type]
        if sampler is not None and self.batch_size is not None:
            batch_sampler = BatchSampler(sampler, self.batch_size, bool(drop_last))
        self.sampler, self.batch_sampler = sampler, batch_sampler
        self._batched = self.batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if self._batched else default_convert)
        self.num_workers, self.workers = num_workers, workers
        self.prefetch_factor, self.persistent_workers = prefetch_factor, persistent_workers
        self.worker_init_fn, self.multiprocessing_context = worker_init_fn, multiprocessing_context
        self.timeout, self.in_order = timeout, in_order
        self.pin_memory, self.pin_memory_device = pin_memory, pin_memory_device
        self.epoch = 0
        self._progress: Progress | None = None  # of the pass that was begun last
        self._loaded: Progress | None = None
        self._runs = itertools.count()
        self._executor: Executor | None = None
        self._made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name[0] != "_" and name not in ("epoch", "seed") and "_made" in vars(self):
            raise AttributeError(f"DataLoader: {name} cannot be set any more. Make another loader.")
        super().__setattr__(name, value)

    def __len__(self) -> int:
        if not self._reads:
            return len(self.batch_sampler if self._batched else self.sampler)  # type: ignore[arg-type]
        size, each = len(self.dataset), self.batch_size or 1  # type: ignore[arg-type]
        return size // each if self.drop_last else -(-size // each)

    def __iter__(self) -> Iterator[Any]:
        resumes = self._loaded and self._loaded.epoch == self.epoch
        progress = self._progress = (self._loaded if resumes else None) or Progress(self.epoch)
        self._loaded = None
        self.epoch += 1
        return self._pass(progress)

    def state_dict(self) -> dict[str, Any]:
        """Where the loop is: the next batch to come is the first one after a resumption."""
        progress = self._where()
        place = {"epoch": progress.epoch, "position": progress.position, "ahead": sorted(progress.ahead)}
        return {"seed": self.seed, **place, **self._kind()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where a loader was that gave this state.

        Raises:
            ValueError: it was another kind of loader, whose batches are not these; nothing changes then.
        """
        expected = self.state_dict()
        if state.keys() != expected.keys():
            raise ValueError(
                f"DataLoader.load_state_dict: the state has {', '.join(state) or 'nothing'}; it must have "
                f"{', '.join(expected)}. Give what state_dict() returned."
            )
        for name, mine in self._kind().items():
            if state[name] != mine:
                raise ValueError(
                    f"DataLoader.load_state_dict: {name} is {state[name]} in the state and {mine} here; its position "
                    f"would be another. Make the loader with the same {name}."
                )
        seed = checked_seed("DataLoader.load_state_dict", state["seed"])
        progress = Progress(count("epoch", state["epoch"], 0), count("position", state["position"], 0))
        progress.ahead.update(count("ahead", index, progress.position) for index in state["ahead"])
        self.seed, self.epoch, self._loaded = seed, progress.epoch, progress

    def _where(self) -> Progress:
        """The pass that is under way, or the one that would begin now."""
        if self._loaded and self._loaded.epoch == self.epoch:
            return self._loaded
        begun = self._progress
        return begun if begun and not begun.finished and begun.epoch == self.epoch - 1 else Progress(self.epoch)

    def _kind(self) -> dict[str, Any]:
        """What a position depends on, as far as it is known."""
        try:
            length = len(self)
        except TypeError:
            length = None
        return {"batch_size": self.batch_size, "length": length}

    def _pass(self, progress: Progress) -> Iterator[Any]:
        run, keep = next(self._runs), False
        executor = self._executor or self._make_executor()
        if self.persistent_workers:
            self._executor = executor
        try:
            jobs = self._jobs(self.seed, progress, run)
            yield from batches(executor, jobs, progress, self.in_order, self.timeout or None)
            progress.finished = True
            keep = self.persistent_workers
        except GeneratorExit:
            keep = self.persistent_workers
            raise
        finally:
            if not keep:
                self._executor = None
                executor.close()
            elif self._reads:
                executor.submit(Abandon(run))

    def _jobs(self, seed: int, progress: Progress, run: int) -> Iterator[Job]:
        """The jobs of an epoch that are left to do."""
        order: Any = itertools.repeat(self.batch_size or 1)
        if not self._reads:
            order = self.batch_sampler if self._batched else self.sampler
            if hasattr(order, "set_epoch"):
                order.set_epoch(progress.epoch)
        context = ordering(seed, progress.epoch)
        indices = context.run(iter, order)
        first = 0
        for number in itertools.count():
            wanted: Any = context.run(next, indices, END)
            if wanted is END:
                return
            if number not in progress:
                start = wanted.first if isinstance(wanted, Share) else first
                yield Job(seed, progress.epoch, number, start, wanted, run)
            first += wanted if self._reads else len(wanted) if self._batched else 1

    def _make_executor(self) -> Executor:
        recipe: ByIndex | ByReading = ByIndex(self.dataset, self.collate_fn, self._batched)
        if self._reads:
            recipe = ByReading(self.dataset, self.collate_fn, self._batched, self.drop_last)
        if not self.num_workers:
            return Inline(recipe)
        number, ahead = 1 if self._reads else self.num_workers, self.prefetch_factor or PREFETCH_FACTOR
        if self.workers == "threads":
            infos = [WorkerInfo(i, number, self.seed + i, self.dataset) for i in range(number)]
            return Threads(recipe, infos, ahead, self.worker_init_fn)
        return Processes(recipe, self.worker_init_fn, number, self.seed, ahead, self._context)
