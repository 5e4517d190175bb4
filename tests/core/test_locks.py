"""Locks in forked children."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from tinygrad_cv.core import locks

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here"),
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),  # Python 3.12 and newer: there are threads
]


def in_child(function: Callable[[], Any]) -> bool:
    """Whether a forked child comes through this within ten seconds."""
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            function()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _take(lock: Any) -> None:
    with lock:
        pass


@pytest.mark.parametrize("make", [locks.lock, locks.rlock])
def test_a_child_can_take_what_another_thread_held(make):
    lock = make()
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            over.wait(30)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    assert in_child(lambda: _take(lock))
    over.set()
    thread.join()
    _take(lock)


def test_a_child_still_holds_what_its_own_thread_held():
    lock = locks.rlock()

    def release_once() -> None:
        lock.release()
        with pytest.raises(RuntimeError):
            lock.release()

    with lock:
        assert in_child(release_once)


def test_a_fork_waits_for_what_must_not_be_cut_off():
    lock = locks.waited_for(threading.Lock())
    held, whole = threading.Event(), []

    def work() -> None:
        with lock:
            held.set()
            time.sleep(0.2)
            whole.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    held.wait()

    def look() -> None:
        assert whole
        _take(lock)

    assert in_child(look)
    _take(lock)
    thread.join()
    locks._waited_for.remove(lock)
