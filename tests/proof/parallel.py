"""Work spread over processes: results come in the order of the items, whoever was first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

CHUNK = 4  # items that a process takes at a time


def spread(function: Callable[[Any], Any], items: Sequence[Any], processes: int) -> Iterator[Any]:
    """``map(function, items)``; in several processes the function and the items must be importable and picklable."""
    if processes == 1:
        yield from map(function, items)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(function, items, chunksize=CHUNK)
