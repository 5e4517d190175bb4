"""The thread that compiles while NumPy computes. It runs as long as there is something to compile."""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..core.context import Context
from ..core.locks import lock
from ..core.variable import Variable
from ..frontend.tensor import Tensor

if TYPE_CHECKING:
    from .calls import Entry

Call: TypeAlias = tuple[Context, tuple[Any, ...], dict[str, Any]]

_waiting: deque[tuple[Entry, Context, tuple[Any, ...], dict[str, Any]]] = deque()  # the first is being compiled
_lock = lock()
_thread: threading.Thread | None = None


def submit(entry: Entry, context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Have a signature compiled, by a call as :func:`outline` gives it."""
    global _thread
    with _lock:
        _waiting.append((entry, context, args, kwargs))
        if _thread is None:
            _thread = threading.Thread(target=_work, daemon=True, name="tinygrad_cv-compiling")
            _thread.start()


def outline(context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    """A call's modes and arguments, in place of tensors new ones of their shapes and dtypes that take no memory."""
    modes = Context(recording=context.recording, replaying=context.replaying)

    def blank(x: Any) -> Any:
        if not isinstance(x, Variable):
            return x
        tensor = Tensor._new(np.broadcast_to(np.zeros((), x._value.dtype), x._value.shape))
        return tensor.requires_grad_() if context.recording and x.node is not None else tensor

    return modes, tuple(map(blank, args)), {name: blank(x) for name, x in kwargs.items()}


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
            entry, context, args, kwargs = _waiting[0]
        entry.build(context, args, kwargs)
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
