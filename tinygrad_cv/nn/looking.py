"""Looking at a module, for its repr or its sizes, as opposed to calling it: nothing that it holds may change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_looking: ContextVar[bool] = ContextVar("tinygrad_cv.nn.looking", default=False)


@contextmanager
def looking() -> Iterator[None]:
    """Inside, what is read of a module is read to be shown."""
    token = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(token)


def is_looking() -> bool:
    """Whether what is read is read to be shown: parametrized weights are then computed as in evaluation."""
    return _looking.get()
