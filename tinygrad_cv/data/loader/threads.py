"""Batches made by threads of this process."""

from __future__ import annotations

import concurrent.futures
import contextvars
import itertools
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from .executor import Executor
from .worker_info import WorkerInfo, set_thread_info


class Threads(Executor):
    """Workers that share memory with the loop. Code that holds Python's lock, as pure Python does, gains nothing."""

    def __init__(
        self, recipe: Callable[[Any], Any], infos: Sequence[WorkerInfo], ahead: int, init: Callable[[int], Any] | None
    ):
        self.window = len(infos) * ahead
        self._recipe, self._infos, self._init = recipe, infos, init
        self._numbers = itertools.count()
        self._here = threading.local()
        self._pool = ThreadPoolExecutor(len(infos), "tinygrad_cv-loader")

    def submit(self, job: Any) -> Future[Any]:
        return self._pool.submit(contextvars.copy_context().run, self._work, job)

    def _work(self, job: Any) -> Any:
        if not hasattr(self._here, "begun"):
            info = self._infos[next(self._numbers)]
            set_thread_info(info)
            if self._init is not None:
                self._init(info.id)
            self._here.begun = True
        return self._recipe(job)

    def wait(self, futures: Sequence[Future[Any]], timeout: float | None) -> None:
        if not concurrent.futures.wait(futures, timeout, concurrent.futures.FIRST_COMPLETED).done:
            raise TimeoutError

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
