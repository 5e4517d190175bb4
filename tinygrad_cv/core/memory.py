"""Detecting arrays that changed after a graph saved them, so that a gradient is never silently wrong.

Memory that the library owns changes in place only through ``t[...] = v`` and the like, which stamp it with a new epoch;
a node remembers the epoch in which it saved its values. Memory borrowed through DLPack can change without notice, so a
checksum is saved with it.
"""

from __future__ import annotations

import weakref
import zlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

epoch = 0  # the number of changes in place so far
_stamps: dict[int, int] = {}  # id of a memory's owner -> the epoch of its last change
_stored: dict[int, int] = {}  # the same of what compiled code last stored into memory that no graph had kept
_borrowed: dict[int, Any] = {}  # id of a foreign memory's owner -> a weak reference to it
before_change: list[Callable[[Any], object]] = []  # called with the owner of memory that is about to change


def owner(array: Any) -> Any:
    """The object at the end of a chain of views that holds the memory and can be weakly referenced."""
    while True:
        base = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
        if base is None or not type(base).__weakrefoffset__:  # a DLPack capsule has just the one array made from it
            return array
        array = base


def stamp(array: np.ndarray) -> None:
    """Record that this array's memory is about to change."""
    holder = owner(array)
    for told in before_change:
        told(holder)
    _note(holder, _stamps)


def store(array: np.ndarray) -> None:
    """Record that compiled code stores into this array's memory, which no graph has kept."""
    _note(owner(array), _stored)


def _note(holder: Any, table: dict[int, int]) -> None:
    global epoch
    epoch += 1
    if id(holder) not in table:
        weakref.finalize(holder, table.pop, id(holder), None)
    table[id(holder)] = epoch


def changed_since(array: Any, when: int) -> bool:
    """Whether the memory of this array was changed in place after that epoch."""
    return bool(_stamps) and _stamps.get(id(owner(array)), 0) > when


def same_since(arrays: Iterable[Any], when: int) -> bool:
    """Whether the memory of all these arrays is known to hold what it held in that epoch."""
    if epoch == when and not _borrowed:
        return True
    keys = [id(owner(array)) for array in arrays]
    return not any(key in _borrowed or _stamps.get(key, 0) > when or _stored.get(key, 0) > when for key in keys)


def borrow(array: np.ndarray) -> None:
    """Record that other libraries can change this array's memory."""
    holder = owner(array)
    key = id(holder)
    _borrowed[key] = weakref.ref(holder, lambda _: _borrowed.pop(key, None))


def is_borrowed(holder: Any) -> bool:
    """Whether other libraries can change the memory of this owner."""
    return id(holder) in _borrowed


def fingerprint(array: Any) -> int | None:
    """A checksum of borrowed memory; None for memory that the library owns."""
    if not _borrowed or not isinstance(array, np.ndarray) or id(owner(array)) not in _borrowed:
        return None
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data)
