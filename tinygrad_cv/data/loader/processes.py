"""Batches made by processes: each has a pipe of its own, so that one that is killed cannot harm other messages."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from typing import Any

from .channel import SHARES, Channel, nameless_file
from .executor import Executor
from .failure import Failure, death
from .luggage import Luggage
from .worker import work

LOOKING = 1.0  # seconds between two looks whether the workers live, beside being told
GRACE = 1.0  # seconds for a worker to finish the batch that it is making


def default_context() -> BaseContext:
    """The start method that was set for the program; otherwise "forkserver", and "spawn" where there is none.

    Not "fork": a child that is forked has one thread, and all locks as they were. Those of this library and of OpenBLAS
    are made right again in a child; those of other libraries (OpenMP, HDF5, a progress bar's thread) may be held for
    ever by a thread that is not there. A worker of the fork server comes from a process that has no such threads.
    """
    chosen = multiprocessing.get_start_method(allow_none=True)
    if chosen is None:
        chosen = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    return multiprocessing.get_context(chosen)


class Processes(Executor):
    """Worker processes. They end with this process, however it ends."""

    def __init__(
        self,
        recipe: Callable[[Any], Any],
        init: Callable[[int], Any] | None,
        count: int,
        seed: int,
        ahead: int,
        context: BaseContext,
    ):
        self.window = count * ahead
        self._workers: list[_Worker] = []
        self._owner = os.getpid()
        self._end = weakref.finalize(self, _end, self._workers, self._owner)
        luggage = Luggage((recipe, init))
        try:
            with _interrupts_later(context):
                for number in range(count):
                    self._workers.append(_Worker(context, luggage, number, count, seed))
        except BaseException:
            self.close()
            raise
        finally:
            luggage.close()

    def submit(self, job: Any) -> Future[Any]:
        self._check()
        worker = min(self._workers, key=lambda worker: len(worker.given))
        return worker.give(job)

    def wait(self, futures: Sequence[Future[Any]], timeout: float | None) -> None:
        self._check()
        end = None if timeout is None else time.monotonic() + timeout
        while not any(future.done() for future in futures):
            left = LOOKING if end is None else min(LOOKING, end - time.monotonic())
            if left <= 0:
                raise TimeoutError
            channels: dict[Any, _Worker] = {worker.channel: worker for worker in self._workers}
            sentinels = [worker.process.sentinel for worker in self._workers]
            for ready in wait([*channels, *sentinels], left):
                if ready in channels:
                    channels[ready].receive()
            for worker in self._workers:
                if not worker.process.is_alive():
                    worker.receive_rest()

    def close(self) -> None:
        self._end()

    def _check(self) -> None:
        if not self._workers:
            raise RuntimeError("DataLoader: its workers have ended, in another iteration. Begin a new one.")
        if os.getpid() != self._owner:
            raise RuntimeError(
                "DataLoader: its workers belong to the process that this one was forked from. Iterate over a loader "
                "in the process that began to."
            )


class _Worker:
    """A process, and the jobs that it was given and has not answered."""

    def __init__(self, context: BaseContext, luggage: Luggage, number: int, count: int, seed: int):
        here, there = context.Pipe()
        self.channel = Channel(here)
        self.given: deque[tuple[Future[Any], Any]] = deque()
        self._answers = 0
        self._report: int | None = nameless_file() if SHARES else None
        self.process = context.Process(  # type: ignore[attr-defined]
            target=work,
            args=(there, luggage, number, count, seed),
            name=f"tinygrad_cv-loader-{number}",
            daemon=True,
        )
        self._name = f"worker {number}"
        try:
            self.process.start()
            there.close()
            if self._report is not None:
                self.channel.send_file(self._report)
            luggage.send_file(self.channel)
        except BaseException:
            self.end()
            raise
        self._name += f" (process {self.process.pid})"

    def give(self, job: Any) -> Future[Any]:
        """Send a job to the worker."""
        future: Future[Any] = Future()
        self.given.append((future, job))
        try:
            self.channel.send(job)
        except ConnectionError:
            self.receive_rest()
        return future

    def send_end(self) -> None:
        """Say that there are no more jobs: other processes may have been forked with a copy of this end of the pipe."""
        with contextlib.suppress(OSError):
            self.channel.send(None)

    def receive(self) -> None:
        """An answer: the result of the job that was given first."""
        try:
            answer = self.channel.receive()
        except (EOFError, ConnectionError):
            self._raise_death()
        except Exception as error:  # it cannot be unpickled here
            answer = Failure(error, "receiving it")
        self._answers += 1
        future, _ = self.given.popleft()
        if not future.set_running_or_notify_cancel():
            return  # nobody wants it any more
        if isinstance(answer, Failure):
            future.set_exception(answer.exception())
        else:
            future.set_result(answer)

    def receive_rest(self) -> None:
        """Of a worker that has ended: what it sent before, and then the error that it did."""
        while self.channel.poll():
            self.receive()
        self._raise_death()

    def _raise_death(self) -> None:
        self.process.join(GRACE)
        doing = str(self.given[0][1]) if self.given else "its start"
        raise death(self._name, self.process.exitcode, doing, self._answers > 0, self._read_report())

    def _read_report(self) -> str:
        if self._report is None:
            return ""
        return os.pread(self._report, 1 << 20, 0).decode(errors="replace")

    def end(self) -> None:
        """Forget the worker, which has ended."""
        self.channel.close()
        if self._report is not None:
            os.close(self._report)
            self._report = None


def _end(workers: list[_Worker], owner: int) -> None:
    """End all workers: by the end of their pipes, and by signals if that is not enough."""
    if os.getpid() != owner:
        return
    for worker in workers:
        worker.send_end()
    for stop in (lambda process: None, lambda process: process.terminate(), lambda process: process.kill()):
        for worker in workers:
            if worker.process.is_alive():
                stop(worker.process)
        deadline = time.monotonic() + GRACE
        for worker in workers:
            worker.process.join(max(0.0, deadline - time.monotonic()))
    for worker in workers:
        worker.end()
        with contextlib.suppress(ValueError):  # it does not die, which only the system can say why
            worker.process.close()
    workers.clear()


@contextlib.contextmanager
def _interrupts_later(context: BaseContext) -> Iterator[None]:
    """Hold Ctrl-C back while processes start, which inherit that, until they have said that they ignore it."""
    if context.get_start_method() == "forkserver" or not hasattr(signal, "pthread_sigmask"):
        yield  # its workers inherit from the server, for which this would never end
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
