"""The environment of a long check: one BLAS thread, and a progress bar."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

Item = TypeVar("Item")
SOON = 2.0  # seconds: a shorter check gets no bar


def one_blas_thread() -> AbstractContextManager[object]:
    """Inside, BLAS uses one thread: a check computes small products, for which a second thread mostly waits.

    Without threadpoolctl nothing changes.
    """
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, "blas")


def progress(items: Iterable[Item], total: int, name: str) -> Iterable[Item]:
    """The items, with a progress bar on a terminal if they take long. Without tqdm there is none."""
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    return tqdm(items, desc=f"gradcheck {name}", total=total, delay=SOON, leave=False, disable=None, dynamic_ncols=True)
