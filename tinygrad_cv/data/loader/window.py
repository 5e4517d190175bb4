"""One pass over the jobs of an epoch: some are under way while the batch that was made before them is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from .executor import Executor
from .recipe import EndOfStream, Job


@dataclass
class Progress:
    """Which batches of an epoch were given to the loop: the first ``position``, and those in ``ahead``."""

    epoch: int
    position: int = 0
    ahead: set[int] = field(default_factory=set)
    finished: bool = False

    def __contains__(self, number: int) -> bool:
        return number < self.position or number in self.ahead

    def add(self, number: int) -> None:
        """This batch goes to the loop now."""
        self.ahead.add(number)
        while self.position in self.ahead:
            self.ahead.remove(self.position)
            self.position += 1


def batches(
    executor: Executor, jobs: Iterator[Job], progress: Progress, in_order: bool, timeout: float | None
) -> Iterator[Any]:
    """The batches of these jobs, in their order or as they are done.

    Raises:
        RuntimeError: none came within the timeout, or a worker is gone.
    """
    pending: deque[tuple[int, Future[Any]]] = deque()

    def fill(count: int) -> None:
        while len(pending) < count and (job := next(jobs, None)) is not None:
            pending.append((job.number, executor.submit(job)))

    def take() -> Any:
        """The next batch, which nothing here holds any longer; the end if there is none."""
        fill(max(executor.window, 1))
        if not pending:
            return EndOfStream.END
        wanted = [future for _, future in pending]
        try:
            executor.wait(wanted[:1] if in_order else wanted, timeout)
        except TimeoutError:
            raise RuntimeError(
                f"DataLoader: no batch came within timeout={timeout:g} s. Give more time, or look with "
                "num_workers=0 what a sample takes."
            ) from None
        done = next(n for n, future in enumerate(wanted) if future.done())
        number, future = pending[done]
        del pending[done]
        batch = future.result()
        if batch is not EndOfStream.END:
            fill(executor.window)
            progress.add(number)
        return batch

    try:
        while True:
            made = [take()]
            if made[0] is EndOfStream.END:
                return
            yield made.pop()
    finally:
        for _, future in pending:
            future.cancel()
