"""What a worker process does: it makes one batch after another, until its parent wants no more, or is gone."""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from typing import Any

import numpy as np

from ... import compiler
from ...frontend.random import manual_seed
from ..randomness import worker_generator
from .channel import SHARES, Channel
from .failure import Failure
from .luggage import Luggage
from .recipe import Job
from .worker_info import WorkerInfo, set_process_info

LOOKING = 1.0  # seconds between two looks whether the parent still lives, beside being told


def work(connection: Connection, luggage: Luggage, number: int, num_workers: int, seed: int) -> None:
    """Receive jobs, send batches. Every job is answered, in order, by a batch or a Failure."""
    _take_signals()
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    channel = Channel(connection)
    failed: BaseException | None = None
    recipe: Any = None
    try:
        if SHARES:
            faulthandler.enable(channel.receive_file())
        recipe, init = luggage.open(channel)
        _begin(WorkerInfo(number, num_workers, seed + number, recipe.dataset), init)
    except (EOFError, ConnectionError):
        return
    except BaseException as error:
        failed = error
    while True:
        try:
            job = channel.receive()
        except (EOFError, ConnectionError):
            return
        if job is None:
            return
        try:
            if failed is not None:
                raise failed
            if isinstance(job, Job):
                _seed_everything(job)
            made = recipe(job)
        except BaseException as error:
            made = Failure(error, "its start" if failed is not None else str(job))
        try:
            _send(channel, made, job)
        except ConnectionError:
            return
        del made  # or it would be in memory beside the next one


def _send(channel: Channel, made: Any, job: Job) -> None:
    try:
        channel.send(made)
    except ConnectionError:
        raise
    except Exception as error:  # it cannot be pickled, or there is no memory
        channel.send(Failure(error, f"sending {job}"))


def _begin(info: WorkerInfo, init: Callable[[int], Any] | None) -> None:
    if compiler.available():
        compiler.set_num_threads(1)  # there is a worker for each core
    set_process_info(info)
    if init is not None:
        init(info.id)


def _take_signals() -> None:
    """Ctrl-C goes to all processes of a terminal; the parent decides. A handler of the parent's is not for here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_parent(parent: int) -> None:
    """End this process, whatever it is doing, when the one that started it is gone."""
    process = multiprocessing.parent_process()
    assert process is not None
    while not wait([process.sentinel], LOOKING) and os.getppid() == parent:
        pass
    os._exit(1)


def _seed_everything(job: Job) -> None:
    """Generators that know nothing of samples, for data sets that draw from them: otherwise all workers draw alike."""
    words = worker_generator(job.seed, job.epoch, job.number).integers(2**32, size=3).tolist()
    random.seed(words[0])
    np.random.seed(words[1])
    manual_seed(words[2])
