"""Programs on all cores: steps run in order, the parts of a step in parallel, all in one native call.

    program = Program([KernelCall(kernel, args, parts), ...])
    program.run()                       # on get_num_threads() threads
    program.run(threads=1)              # on the calling thread alone: for little work
    program.seconds()                   # runs it too, and returns how long each step took

A kernel is native code, ``void kernel(ptr args, i64 part, i64 parts)``, that does part number ``part`` of ``parts``.
The parts of a step must be independent; a step begins when all parts of the step before are done. ``parts=1`` makes a
step serial. What a program computes depends on ``parts``, never on the number of threads.

Threads take parts; no part is assigned to a thread. So a thread that the system delays does not hold up the others:
they do its parts. Each begins with the parts that it had in the step before, whose data is in its core's cache. On an
idle machine as many parts as threads are enough; on a busy one, where the speed of cores varies, parts of 100 µs made
steps of 6 to 160 ms 4 to 8 % faster.

Between runs the workers sleep. During a run, a thread that has to wait spins for some microseconds, then yields its
core, then sleeps. The calling thread works too; if a second Python thread calls meanwhile, it runs its program alone.
A child of ``os.fork`` starts new workers. Without POSIX threads the calling thread does everything.

If the caller and its workers are as many as the cores, each worker is pinned to a core, and the calling thread is moved
away from the workers' cores but not pinned. (Otherwise, on a virtual machine, a worker and its caller shared one of two
cores in half of the runs, which then took twice the time.)

Measured there: 4 µs for a program that does nothing, 0.1 to 0.5 µs between two steps, about 50 µs until a sleeping
worker takes its first part. A program of less work than that is faster on one thread.
"""

from __future__ import annotations

import atexit
import ctypes
import operator
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from ...core.locks import lock
from .cores import cores, current_core, move, pin
from .driver import CONDITIONS, MAX_PARTS, MUTEX, POOL_BYTES, alone, pool_functions

POSIX = os.name == "posix"
MAX_THREADS = 1024


class KernelCall(NamedTuple):
    """One step of a program: a kernel and its arguments."""

    kernel: int  # its address
    args: int  # the address that is passed to it
    parts: int  # 1 to MAX_PARTS


class Program:
    """Steps that run one after another, each in parallel.

    Args:
        steps: the kernels and their arguments; what they point to must live as long as the program.
        keep_alive: anything that must live as long as the program.

    Raises:
        ValueError: a step without a kernel, or with fewer parts than 1 or more than :data:`MAX_PARTS`.
    """

    def __init__(self, steps: Iterable[KernelCall | tuple[int, int, int]], keep_alive: Any = None):
        self.steps = [KernelCall(*step) for step in steps]
        self.keep_alive = keep_alive
        for i, step in enumerate(self.steps):
            if not step.kernel or not 1 <= step.parts <= MAX_PARTS:
                raise ValueError(
                    f"Program: step {i} is {step}; it needs the address of a kernel and 1 to {MAX_PARTS} parts."
                )
        self._records = np.array(self.steps, np.uint64).reshape(-1, 3)
        self._address, self._count = self._records.ctypes.data, len(self.steps)

    def run(self, threads: int | None = None) -> None:
        """Run all steps on at most this many threads; :func:`get_num_threads` by default."""
        if threads == 1 or not self._run_on_pool(threads, None):
            alone()(self._address, self._count)

    def seconds(self, threads: int | None = None) -> np.ndarray:
        """Run all steps; returns how long each took."""
        ends = np.zeros((self._count + 1, 2), np.int64)  # POSIX time: seconds and nanoseconds
        if self._run_on_pool(threads, ends.ctypes.data):
            return np.diff(ends @ [1.0, 1e-9], axis=0)
        times = [time.perf_counter()]
        for record in self._records:
            alone()(record.ctypes.data, 1)
            times.append(time.perf_counter())
        return np.diff(times)

    @contextmanager
    def ready(self, threads: int | None = None) -> Iterator[tuple[Callable[..., Any], tuple[Any, ...]]]:
        """A function in C, and its arguments, that runs all steps while no other Python code runs."""
        limit = get_num_threads() if threads is None else min(threads, get_num_threads())
        pool = _state.pool() if limit > 1 and POSIX else None
        with pool.claimed() if pool else nullcontext() as claimed:
            if pool and claimed:
                yield pool.run_keeping, (pool.address, self._address, self._count, limit, None)
            else:
                yield alone(keeping=True), (self._address, self._count)

    def _run_on_pool(self, threads: int | None, ends: int | None) -> bool:
        """Run all steps on the pool. False if there is none, or another caller has it: then nothing was run."""
        limit = get_num_threads() if threads is None else min(threads, get_num_threads())
        return limit > 1 and POSIX and _state.pool().run(self._address, self._count, limit, ends)


def set_num_threads(n: int) -> None:
    """Use ``n`` threads, including the calling one, for every program from now on.

    Raises:
        ValueError: n is below 1, or above 1,024.
    """
    try:
        count = operator.index(n)
    except TypeError:
        raise TypeError(f"set_num_threads: n={n!r}; it must be an integer.") from None
    if count < 1:
        raise ValueError(f"set_num_threads: n={n}; there must be at least 1 thread, the calling one.")
    if count > MAX_THREADS:
        raise ValueError(f"set_num_threads: n={n}; there can be at most {MAX_THREADS}. Give the number of cores.")
    _state.threads = count
    _state.retire()


def get_num_threads() -> int:
    """How many threads a program may use: as set, or the number of cores in this process's affinity mask."""
    if _state.threads is None:
        _state.threads = len(cores())
    return _state.threads


class _Pool:
    """Workers that sleep until there is a program, and the memory that they share with callers."""

    def __init__(self, threads: int):
        self._functions = pool_functions()
        self._caller = lock()
        self._memory = ctypes.create_string_buffer(POOL_BYTES + 64)
        self.address = ctypes.addressof(self._memory) + -ctypes.addressof(self._memory) % 64
        process = ctypes.CDLL(None)
        process.pthread_mutex_init(ctypes.c_void_p(self.address + MUTEX), None)
        for condition in CONDITIONS:
            process.pthread_cond_init(ctypes.c_void_p(self.address + condition), None)
        here, available = current_core(), cores()
        self._home = here if threads == len(available) and here in available else None
        others = [core for core in available if core != here] if self._home is not None else [None] * (threads - 1)
        self._workers: list[threading.Thread] = []
        for i, core in enumerate(others, 1):
            worker = threading.Thread(target=self._work, args=(i, core), daemon=True, name=f"tinygrad_cv-{i}")
            try:
                worker.start()
            except RuntimeError:  # the system allows no more threads; those that were started do all the work
                break
            self._workers.append(worker)

    def _work(self, index: int, core: int | None) -> None:
        if core is not None:
            pin(core)
        self._functions["work"](self.address, index)

    def run(self, steps: int, count: int, threads: int, ends: int | None) -> bool:
        """Run a program. False if the pool is running another caller's: then nothing was run."""
        with self.claimed() as claimed:
            if claimed:
                self._functions["run"](self.address, steps, count, threads, ends)
        return claimed

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Keep other callers away; False if there is one already."""
        if not self._caller.acquire(blocking=False):
            yield False
            return
        try:
            if self._home is not None and current_core() != self._home:
                move(self._home)
            yield True
        finally:
            self._caller.release()

    @property
    def run_keeping(self) -> Callable[..., Any]:
        """The function that runs a program, and keeps the interpreter's lock meanwhile."""
        return pool_functions(keeping=True)["run"]

    def stop(self) -> None:
        """Stop the workers after the program that they are running."""
        self._functions["stop"](self.address)
        for worker in self._workers:
            worker.join()


class _State:
    """The number of threads, and their pool, which is made on first use."""

    def __init__(self) -> None:
        self.threads: int | None = None
        self._pool: _Pool | None = None
        self._lock = lock()

    def pool(self) -> _Pool:
        pool = self._pool
        if pool is None:
            with self._lock:
                pool = self._pool = self._pool or _Pool(get_num_threads())
        return pool

    def retire(self) -> None:
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.stop()

    def forget(self) -> None:
        """In a forked child, which has none of its parent's workers."""
        self._pool = None


_state = _State()
atexit.register(_state.retire)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_state.forget)
