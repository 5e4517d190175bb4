"""The thread that compiles while NumPy computes. It runs as long as there is something to compile."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.context import Context
from ..core.locks import lock
from ..core.variable import Variable
from ..frontend.tensor import Tensor
from .composition import AbstractCall
from .memory_order import Order, order_of

if TYPE_CHECKING:
    from .entries import Entry

_waiting: deque[tuple[Entry, AbstractCall]] = deque()  # the first is being compiled
_lock = lock()
_thread: threading.Thread | None = None


def submit(entry: Entry, call: AbstractCall) -> None:
    """Have a signature compiled."""
    global _thread
    with _lock:
        _waiting.append((entry, call))
        if _thread is None:
            _thread = threading.Thread(target=_work, daemon=True, name="tinygrad_cv-compiling")
            _thread.start()


def abstract(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> AbstractCall:
    """A call without its numbers: in place of tensors new ones that take no memory, row-major as their arrays lie."""
    orders: list[Order] = []

    def blank(x: Any) -> Any:
        if not isinstance(x, Variable):
            return x
        value, order = x._value, order_of(x._value)
        orders.append(order)
        shape = value.shape if order is None else tuple([value.shape[axis] for axis in order])
        tensor = Tensor._new(np.broadcast_to(np.zeros((), value.dtype), shape))
        return tensor.requires_grad_() if context.recording and x.node is not None else tensor

    modes = Context(recording=context.recording, replaying=context.replaying)
    return AbstractCall(modes, tuple(map(blank, args)), {name: blank(x) for name, x in kwargs.items()}, orders)


def settle() -> None:
    """Wait until everything is compiled that was submitted."""
    while (thread := _thread) is not None:
        thread.join()


def _work() -> None:
    global _thread
    while True:
        with _lock:
            if not _waiting:
                _thread = None
                return
            entry, call = _waiting[0]
        entry.build(call)
        with _lock:
            _waiting.popleft()


@atexit.register
def _end() -> None:
    """Wait for what is being compiled: the process must not end within LLVM."""
    with _lock:
        while len(_waiting) > 1:
            _waiting.pop()
    settle()


def _in_child() -> None:
    """A forked child has no such thread: its next submission starts one, which takes over what waits."""
    global _thread
    _thread = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
