"""Who changed an array behind a graph's back: noticed, so that a gradient is never silently wrong.

Arrays that the library owns change in place only through ``t[...] = v``, which stamps the memory; a node remembers the
epoch in which it kept its values. Memory borrowed through DLPack can change unseen, so a fingerprint is kept beside it.
"""

from __future__ import annotations

import weakref
import zlib
from typing import Any

import numpy as np

epoch = 0  # counts changes in place
_stamps: dict[int, int] = {}  # id of a memory's owner -> the epoch of its last change
_borrowed: dict[int, Any] = {}  # id of a foreign memory's owner -> a weak reference to it


def owner(array: Any) -> Any:
    """The object that holds an array's memory, behind all its views; of those to which weak references can be made."""
    while True:
        base = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
        if base is None or not type(base).__weakrefoffset__:  # a DLPack capsule belongs to the one array made from it
            return array
        array = base


def stamp(array: np.ndarray) -> None:
    """Note that the memory of this array is about to change."""
    global epoch
    epoch += 1
    holder = owner(array)
    if id(holder) not in _stamps:
        weakref.finalize(holder, _stamps.pop, id(holder), None)
    _stamps[id(holder)] = epoch


def changed_since(array: Any, when: int) -> bool:
    """Whether the memory of this array was changed in place after that epoch."""
    return bool(_stamps) and _stamps.get(id(owner(array)), 0) > when


def borrow(array: np.ndarray) -> None:
    """Note that others can change this array's memory."""
    holder = owner(array)
    key = id(holder)
    _borrowed[key] = weakref.ref(holder, lambda _: _borrowed.pop(key, None))


def fingerprint(array: Any) -> int | None:
    """A checksum of borrowed memory; None for memory of our own."""
    if not _borrowed or not isinstance(array, np.ndarray) or id(owner(array)) not in _borrowed:
        return None
    return zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data)
