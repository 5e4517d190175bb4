"""Where batches are made: an executor takes jobs and gives futures. This one makes each batch when it is waited for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any


class Executor(ABC):
    """Makes batches.

    Attributes:
        window: how many jobs it can have at one time, beyond the one that is waited for.
    """

    window: int

    @abstractmethod
    def submit(self, job: Any) -> Future[Any]:
        """Take a job."""

    @abstractmethod
    def wait(self, futures: Sequence[Future[Any]], timeout: float | None) -> None:
        """Return when one of the futures is done.

        Raises:
            TimeoutError: none was within this many seconds.
            RuntimeError: a worker is gone; this executor is of no more use.
        """

    @abstractmethod
    def close(self) -> None:
        """Let workers go. Nothing is waited for but their end."""


class Inline(Executor):
    """Batches are made here, one at a time, by whoever waits for them."""

    window = 0

    def __init__(self, recipe: Callable[[Any], Any]):
        self._recipe = recipe
        self._jobs: dict[Future[Any], Any] = {}

    def submit(self, job: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._jobs[future] = job
        return future

    def wait(self, futures: Sequence[Future[Any]], timeout: float | None) -> None:
        if not any(future.done() for future in futures):
            futures[0].set_result(self._recipe(self._jobs.pop(futures[0])))

    def close(self) -> None:
        self._jobs.clear()
