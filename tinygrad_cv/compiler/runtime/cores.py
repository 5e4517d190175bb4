"""The processor cores that this process may use, and where a thread runs.

Some schedulers, those of virtual machines above all, put the threads of a process on one core while another idles.
So threads of our own are pinned, each to its core; a thread of the user is moved at most.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress


def cores() -> list[int]:
    """The cores in the calling thread's affinity mask; all of them where the system has no such mask."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def current_core() -> int | None:
    """The core that the calling thread runs on; None where the system does not say."""
    return None if _sched_getcpu is None else _sched_getcpu()


def pin(core: int) -> None:
    """Keep the calling thread on one core, where the system can and allows it."""
    if hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # the core went offline, or a sandbox forbids it: slower, not wrong
            os.sched_setaffinity(0, {core})


def move(core: int) -> None:
    """Move the calling thread to one of the cores that it may use. It may leave again."""
    allowed = os.sched_getaffinity(0)
    if core in allowed:
        pin(core)
        with suppress(OSError):
            os.sched_setaffinity(0, allowed)


_sched_getcpu: Callable[[], int] | None
try:
    _sched_getcpu = ctypes.CDLL(None).sched_getcpu
except (AttributeError, TypeError, OSError):  # not Linux
    _sched_getcpu = None
