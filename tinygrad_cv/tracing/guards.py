"""Guards: all that a jitted function depends on besides its arguments, compared before a trace is used again.

It is found by reading code (``reach.py``). Objects are compared by identity, which is fast, and else by value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from operator import attrgetter, is_
from typing import Any

import numpy as np

from .checks import fingerprint, is_fixed
from .reach import Walk

FEW = 32  # objects: so few are compared one by one


class Guards:
    """Everything that is reached from some roots, as it was.

    Attributes:
        checks, arrays: comparisons with what it is now. Arrays whose memory cannot change are none of them.
        tensors: the tensors and their paths, by their ids.
        unseen: what cannot be looked into, in words.
        walk: how all this was found.
    """

    def __init__(self, roots: Mapping[str, Any]):
        self.roots = roots
        walk = Walk(set())
        while True:  # the attributes that count depend on names in code that is found during the walk
            walk.go(roots)
            walk.finish()
            if walk.names == walk.known:
                break
            walk = Walk(walk.names)
        self.checks, self.tensors = walk.checks, walk.tensors
        self.arrays = [entry for entry in walk.arrays if not is_fixed(entry[1])]
        self._fixed = [array for _, array, _ in walk.arrays if is_fixed(array)]
        self._seen_as = list(map(_aspect, self._fixed))
        self.volatile, self.unseen = walk.volatile, walk.unseen
        self.walk = walk

    def hold(self) -> bool:
        """Whether everything is as it was, possibly in other objects of equal value."""
        try:
            unchanged = self._unchanged()
        except (KeyError, AttributeError):  # something is missing
            unchanged = False
        except (ValueError, RuntimeError):  # an empty closure cell, or a dict that another thread changes
            return False
        if not unchanged:
            if any(check.broken() for check in self.checks):
                return False
            self.close()
        if self._fixed and list(map(_aspect, self._fixed)) != self._seen_as:
            return False
        return all(fingerprint(array) == known for _, array, known in self.arrays) if self.arrays else True

    def _unchanged(self) -> bool:
        """Whether every object is the very same."""
        if self._sized and list(map(len, self._sized)) != self._sizes:
            return False
        items = chain.from_iterable([read(source) for read, source in self._reads])
        if self._count <= FEW:
            return all(map(is_, items, self._items))
        return _addresses(items, self._count) == self._expected

    def broken(self) -> str | None:
        """The first thing that has changed, in words; None if nothing has."""
        for check in self.checks:
            if reason := check.broken():
                return reason
        if list(map(_aspect, self._fixed)) != self._seen_as:
            return "an array has another shape or dtype"
        for path, array, known in self.arrays:
            if fingerprint(array) != known:
                return f"the elements of the array {path} have changed"
        return None

    def add_volatile(self) -> None:
        """From now on compare what the volatile attributes hold now."""
        for path, holder, name in self.volatile:
            if isinstance(vars(holder)[name], dict):
                self.walk.items(vars(holder), path, (name,))
                self.walk.go({})

    def put_back(self) -> None:
        """Restore what was replaced by a tensor of a trace that failed."""
        for check in self.checks:
            check.put_back()

    def objects(self) -> list[Any]:
        """The objects with volatile attributes."""
        return list({id(holder): holder for _, holder, _ in self.volatile}.values())

    def close(self) -> None:
        """Prepare the lists that :meth:`hold` compares first."""
        sized = [check for check in self.checks if check.size is not None]
        self._sized, self._sizes = [check.container for check in sized], [check.size for check in sized]
        self._reads = [read for check in self.checks if check.expected for read in check.reads()]
        self._items = [item for check in self.checks for item in check.expected]
        self._count = len(self._items)
        self._expected = _addresses(self._items, self._count)

    @property
    def nbytes(self) -> int:
        """The size of the arrays that are compared at each call."""
        return sum(getattr(array, "nbytes", 0) or memoryview(array).nbytes for _, array, _ in self.arrays)


_aspect = attrgetter("shape", "dtype")


def _addresses(items: Iterable[Any], count: int) -> bytes:
    """The addresses of objects: comparing them as the bytes of one array is faster than comparing each of many."""
    return np.fromiter(items, object, count).tobytes()
