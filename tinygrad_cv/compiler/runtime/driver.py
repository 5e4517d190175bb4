"""The native loops that run programs: ``alone`` on one thread (alone.ll), ``run`` and ``work`` on a pool (pool.ll).

A program is an array of records {kernel, args, parts}. A pool is memory that all its threads share. Its counters only
grow, so that a thread which was delayed sees by comparing that others did its work:

    DONE      parts done since the pool was made. A step is over when DONE has grown by the number of its parts.
    CLAIMS    for each part, the number of the last step in which it was taken. The thread that raises it does the part.
    GATE      run number << 16 | OPEN | workers that entered. A worker enters by adding 1 while the gate is open, so no
              worker enters after the caller has closed it.
    LEFT      workers that left since the pool was made. The caller returns, and may free the program, once all workers
              that entered have left.
    SLEEPERS  threads that sleep until DONE or LEFT changes. A thread that goes to sleep first adds itself and then
              checks the counter; a thread that changes the counter first does so and then checks for sleepers. So at
              least one of them sees the other.

``wait`` spins, then yields its core, then sleeps.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # setting the number of threads must not load LLVM
    from .objects import Library
    from .target import Target

MAX_PARTS = 256
SPINS = 1000  # checks with a pause after each: some tens of microseconds
YIELDS = 50  # further checks, with a yield of the core after each

# Byte offsets in a pool. What several threads write has a cache line of its own.
GATE, DONE, LEFT, SLEEPERS, STOP = 0, 64, 128, 192, 256
STEPS, COUNT, THREADS, DONE_BEFORE, FIRST, NEXT = range(320, 368, 8)  # the program that is running
MUTEX, STARTED, PROGRESS = 384, 512, 640  # a POSIX mutex, and conditions: a run has started; a counter has changed
CONDITIONS = (STARTED, PROGRESS)
CLAIMS = 768
POOL_BYTES = CLAIMS + 64 * MAX_PARTS
OPEN = 1 << 15
LAYOUT = {  # the values of the names in pool.ll
    "GATE": GATE,
    "DONE": DONE,
    "LEFT": LEFT,
    "SLEEPERS": SLEEPERS,
    "STOP": STOP,
    "STEPS": STEPS,
    "COUNT": COUNT,
    "THREADS": THREADS,
    "DONE_BEFORE": DONE_BEFORE,
    "FIRST": FIRST,
    "NEXT": NEXT,
    "MUTEX": MUTEX,
    "STARTED": STARTED,
    "PROGRESS": PROGRESS,
    "CLAIMS": CLAIMS,
    "OPEN": OPEN,
    "CLOSED": ~OPEN,
    "WORKERS": OPEN - 1,
    "SPINS": SPINS,
    "PATIENCE": SPINS + YIELDS,
}

PAUSES = {
    "x86_64": ("declare void @llvm.x86.sse2.pause()", "call void @llvm.x86.sse2.pause()"),
    "aarch64": ("declare void @llvm.aarch64.hint(i32)", "call void @llvm.aarch64.hint(i32 1)"),  # yield
}


def pool_text(target: Target) -> str:
    """The IR of a pool's functions, for a machine with POSIX threads."""
    declaration, pause = PAUSES.get(target.arch, ("", ""))
    return Template(_text("pool.ll")).substitute(
        LAYOUT,
        CLOCK=6 if "darwin" in target.triple or "macos" in target.triple else 1,  # monotonic
        PAUSE=pause,
        DECLARATION=declaration,
    )


def _text(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


@cache
def alone(keeping: bool = False) -> Callable[..., Any]:
    """alone(steps, count): runs all parts of all steps in the calling thread.

    Args:
        keeping: keep the interpreter's lock meanwhile, so that no other Python code runs.
    """
    return _functions(_text("alone.ll"), {"alone": (None, [ctypes.c_void_p, ctypes.c_int64])}, keeping)["alone"]


@cache
def pool_functions(keeping: bool = False) -> dict[str, Callable[..., Any]]:
    """run(pool, steps, count, threads, ends), work(pool, thread) and stop(pool); ``keeping`` as above."""
    from .target import host

    pointer, number = ctypes.c_void_p, ctypes.c_int64
    return _functions(
        pool_text(host()),
        {
            "run": (None, [pointer, pointer, number, number, pointer]),
            "work": (None, [pointer, number]),
            "stop": (None, [pointer]),
        },
        keeping,
    )


@cache
def _library(text: str, names: tuple[str, ...]) -> Library:
    """Loaded once and never freed: workers run its code until the process ends."""
    from .objects import compile_module, load
    from .target import host

    return load([compile_module(text, host())], names)


def _functions(text: str, signatures: dict[str, tuple[Any, list[Any]]], keeping: bool) -> dict[str, Callable[..., Any]]:
    library = _library(text, tuple(signatures))
    kind = ctypes.PYFUNCTYPE if keeping else ctypes.CFUNCTYPE
    return {name: kind(result, *arguments)(library[name]) for name, (result, arguments) in signatures.items()}
