"""How long this process waits for others: so a rank that is slow is known by who does not wait."""

from __future__ import annotations

import time
from typing import Any

seconds = 0.0  # in calls of MPI that are over
since: float | None = None  # when the call began that is under way, on the clock of time.monotonic


class Clocked:
    """A communicator of mpi4py whose calls are timed."""

    def __init__(self, comm: Any):
        self._comm = comm

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._comm, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            global seconds, since
            since = start = time.monotonic()
            try:
                return method(*args, **kwargs)
            finally:
                since, seconds = None, seconds + time.monotonic() - start

        setattr(self, name, call)
        return call
