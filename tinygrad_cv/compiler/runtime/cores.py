"""The processor cores that this process may use, and keeping a thread on one of them.

Some schedulers, those of virtual machines above all, put the threads of a process on one core while another idles.
Threads of our own are therefore pinned, each to its core; a thread of the user never is.
"""

from __future__ import annotations

import os
from contextlib import suppress


def cores() -> list[int]:
    """The cores in the calling thread's affinity mask; all of them where the system has no such mask."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def pin(core: int) -> None:
    """Keep the calling thread on one core, where the system can and allows it."""
    if hasattr(os, "sched_setaffinity"):
        with suppress(OSError):  # the core went offline, or a sandbox forbids it: slower, not wrong
            os.sched_setaffinity(0, {core})
