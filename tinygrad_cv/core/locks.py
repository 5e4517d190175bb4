"""Locks that survive ``os.fork``.

A forked child has one thread, the one that forked. A lock that another thread held at that moment would stay locked in
the child for ever. If what the lock guards is consistent at every moment, the child's copy is released. If it guards
work that must not be interrupted, the fork waits for the lock.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from .floor import uses

if TYPE_CHECKING:
    from threading import RLock  # a class only to type checkers

L = TypeVar("L", "threading.Lock", "RLock")

_ours: WeakSet[Any] = WeakSet()  # Any: the standard library has no common type for its locks' private methods
_waited_for: list[Any] = []  # the outermost first
_held = ExitStack()  # during a fork


def lock() -> threading.Lock:
    """A ``threading.Lock`` that is released in a forked child if the thread that held it is gone."""
    return _known(threading.Lock())


def rlock() -> RLock:
    """A ``threading.RLock`` that is released in a forked child if the thread that held it is gone."""
    return _known(threading.RLock())


def _known(made: L) -> L:
    _ours.add(made)
    return made


def waited_for(made: L) -> L:
    """Make forks wait for a lock. No user code may run while it is held: it might wait for the fork.

    Nested locks are registered from the outermost to the innermost.
    """
    if not _waited_for and hasattr(os, "register_at_fork"):
        # Handlers run in reverse order: this one runs before that of thread pools, which such work may use.
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
        if held.acquire(blocking=False):  # it was free, or this thread holds it
            held.release()
        elif uses("locks"):
            held._at_fork_reinit()  # as the standard library does with its own


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
