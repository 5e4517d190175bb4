"""Which objects nobody else refers to, so that an array can be written over and no view of it changes.

Counts are compared while no other Python code can run, within one call into C; see ``Writes.commit``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from operator import eq

import numpy as np

from . import memory
from .floor import uses


def owner_chain(array: np.ndarray) -> list[np.ndarray]:
    """The array, what it is a view of, and so on to what owns the memory; empty if it must not be written over.

    It must not if the memory is another library's, or was exported, and if the array is read-only.
    """
    chain = [array]
    while (base := chain[-1].base) is not None:
        if type(base) is not np.ndarray:
            return []
        chain.append(base)
    flags, holder = array.flags, chain[-1]
    plain = flags.c_contiguous and flags.writeable and holder.flags.owndata
    return chain if plain and not memory.is_borrowed(holder) else []


class References:
    """Objects, and how many references to each there are if only known places refer to it."""

    __slots__ = ("_counts", "_objects")

    def __init__(self) -> None:
        self._objects: list[object] = []
        self._counts: list[int] = []

    def add(self, thing: object, references: int) -> None:
        """An object that so many known places refer to."""
        self._objects.append(thing)
        self._counts.append(references + ALONE)

    def right(self) -> Iterator[bool]:
        """For each object, whether nobody else refers to it; found when it is asked for."""
        return map(eq, map(sys.getrefcount, self._objects), self._counts)

    def others(self) -> set[int]:
        """The ids of the objects that somebody else refers to."""
        return {id(thing) for thing, right in zip(self._objects, list(self.right()), strict=True) if not right}

    def arrays(self) -> list[np.ndarray]:
        """Those of the objects that are arrays."""
        return [thing for thing in self._objects if isinstance(thing, np.ndarray)]

    def clear(self) -> None:
        """Forget all."""
        self._objects, self._counts = [], []


def _alone() -> int:
    """What ``sys.getrefcount`` adds for the list that holds an object, and for the call itself."""
    return next(map(sys.getrefcount, [object()]))


def _counts() -> bool:
    """Whether counts tell who refers to an array."""
    references, holder = References(), [np.zeros(1)]
    references.add(holder[0], 1)
    alone = list(references.right())
    view = holder[0][:]
    return alone == [True] and list(references.right()) == [False] and view.base is holder[0]


ALONE = _alone()
COUNTS = uses("refcounts") and _counts()
