"""Pausing Python's garbage collector while much is allocated and nothing freed; giving memory back after that."""

from __future__ import annotations

import ctypes
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_paused: list[None] = []  # not empty while the collector is paused


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the collector: it would repeatedly scan a trace or a plan that is all in use."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    _paused.append(None)
    try:
        yield
    finally:
        _paused.pop()
        gc.enable()


def give_back() -> None:
    """Return to the system what was freed, as far as the C library would keep it."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    if trim is not None:
        trim(0)


def _collect_again() -> None:
    """In a forked child: the thread that paused the collector does not exist here."""
    if _paused:
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_collect_again)
