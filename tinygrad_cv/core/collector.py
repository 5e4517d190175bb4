"""Python's garbage collector while much is being made and nothing thrown away."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_resting: list[None] = []  # not empty while it rests


@contextmanager
def uncollected() -> Iterator[None]:
    """The collector rests: again and again it would walk through a trace or a plan that is all in use."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    _resting.append(None)
    try:
        yield
    finally:
        _resting.pop()
        gc.enable()


def _collect_again() -> None:
    """In a forked child: whoever let the collector rest is not here."""
    if _resting:
        gc.enable()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_collect_again)
