"""The processor cores that this process may use, and which of them a thread runs on.

Some schedulers, above all those of virtual machines, put several threads of a process on one core while another is
idle. So our own threads are pinned, each to one core; a thread of the user is only moved.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from contextlib import suppress


def cores() -> list[int]:
    """The cores in the calling thread's affinity mask; all cores if the system has no such mask."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def current_core() -> int | None:
    """The core that the calling thread runs on; None if the system does not tell."""
    return None if _sched_getcpu is None else _sched_getcpu()


def pin(core: int) -> None:
    """Pin the calling thread to one core, if the system can do it and allows it."""
    if hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # the core went offline, or a sandbox forbids it: slower, not wrong
            os.sched_setaffinity(0, {core})


def move(core: int) -> None:
    """Move the calling thread to one of the cores that it may use, without pinning it there."""
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
