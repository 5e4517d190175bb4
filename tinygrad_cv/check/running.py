"""The environment of a long check: one BLAS thread, and a progress bar."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

Item = TypeVar("Item")
SOON = 2.0  # seconds: what ends before needs no bar


def one_blas_thread() -> AbstractContextManager[Any]:
    """A check is made of small products: a second thread mostly waits. Needs threadpoolctl; else nothing changes."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return nullcontext()
    return threadpool_limits(1, "blas")


def progress(items: Iterable[Item], total: int, name: str) -> Iterable[Item]:
    """The items, with a bar on a terminal where they last. Needs tqdm; else there is none."""
    try:
        from tqdm import tqdm
    except ImportError:
        return items
    return tqdm(items, desc=f"gradcheck {name}", total=total, delay=SOON, leave=False, disable=None, dynamic_ncols=True)
