"""What a data set can ask about the worker that it is in."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WorkerInfo:
    """A worker of a loader.

    Attributes:
        id: its number, from 0.
        num_workers: how many there are; of a stream, which one worker reads, 1.
        seed: the loader's seed plus id.
        dataset: the data set, which in a process is a copy of the loader's.
    """

    id: int
    num_workers: int
    seed: int
    dataset: Any


class _Here(threading.local):
    info: WorkerInfo | None = None


_thread = _Here()
_process: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The worker that runs this code; None outside of workers.

    >>> get_worker_info() is None
    True
    """
    return _thread.info or _process


def set_thread_info(info: WorkerInfo) -> None:
    """This thread is a worker."""
    _thread.info = info


def set_process_info(info: WorkerInfo) -> None:
    """This process is a worker, with all of its threads."""
    global _process
    _process = info
