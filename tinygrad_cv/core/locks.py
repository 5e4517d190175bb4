"""Locks and forks.

A child of ``os.fork`` has one thread, the one that forked. A lock that another thread held at that moment would stay
locked in the child for ever. Either what the lock guards is whole at every moment: then it is free in the child. Or it
guards work that must not be cut off in the middle: then the fork waits for it.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from typing import Any
from weakref import WeakSet

_ours: WeakSet[Any] = WeakSet()
_waited_for: list[Any] = []  # the outermost first
_held = ExitStack()  # during a fork


def lock() -> Any:
    """A ``threading.Lock`` that is free in a forked child where its holder is not."""
    return _known(threading.Lock())


def rlock() -> Any:
    """A ``threading.RLock`` that is free in a forked child where its holder is not."""
    return _known(threading.RLock())


def _known(made: Any) -> Any:
    _ours.add(made)
    return made


def waited_for(made: Any) -> Any:
    """A lock that a fork waits for. No code of the user's may run while it is held: that might wait for the fork.

    Locks that are taken within each other are named from the outermost to the innermost.
    """
    if not _waited_for and hasattr(os, "register_at_fork"):
        # Handlers run in reverse order: this one before that of the pools of threads, for which such work may ask.
        import concurrent.futures.thread  # noqa: F401

        os.register_at_fork(before=_before, after_in_parent=_held.close)
    _waited_for.append(made)
    return made


def _before() -> None:
    for made in _waited_for:
        _held.enter_context(made)


def _in_child() -> None:
    _held.close()
    for held in _ours:
        if held.acquire(blocking=False):  # it was free, or this thread has it
            held.release()
        else:
            held._at_fork_reinit()  # as the standard library does with its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
