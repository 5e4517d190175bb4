"""What a jitted function closes over, as a list of things to look at before a recorded trace is used again.

Found by reading code (``reach.py``). Each is compared by identity, which is quick, and where that fails by value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

import numpy as np

from .checks import fingerprint
from .reach import Walk


class Guards:
    """Everything reached from some roots.

    Attributes:
        unseen: what cannot be looked into, in words.
    """

    def __init__(self, roots: Mapping[str, Any]):
        self.roots = roots
        walk = Walk(set())
        while True:  # which attributes count depends on the names in code that is found on the way
            walk.go(roots)
            walk.finish()
            if walk.names == walk.known:
                break
            walk = Walk(walk.names)
        self.checks, self.arrays, self.tensors = walk.checks, walk.arrays, walk.tensors
        self.volatile, self.unseen = walk.volatile, walk.unseen
        self.walk = walk

    def hold(self) -> bool:
        """Whether everything is as it was."""
        try:
            items = chain.from_iterable([read(source) for read, source in self._reads])
            unchanged = list(map(len, self._sized)) == self._sizes and _addresses(items, self._count) == self._expected
        except (KeyError, AttributeError):  # something is not there
            unchanged = False
        except (ValueError, RuntimeError):  # an empty closure cell, or a dict that another thread changes
            return False
        if not unchanged:
            if any(check.broken() for check in self.checks):
                return False
            self.close()
        return all(fingerprint(array) == known for _, array, known in self.arrays) if self.arrays else True

    def broken(self) -> str | None:
        """The first thing that is different now, in words."""
        for check in self.checks:
            if reason := check.broken():
                return reason
        for path, array, known in self.arrays:
            if fingerprint(array) != known:
                return f"the elements of the array {path} have changed"
        return None

    def add_volatile(self) -> None:
        """Look from now on at what the volatile attributes hold now."""
        for path, holder, name in self.volatile:
            if isinstance(vars(holder)[name], dict):
                self.walk.items(vars(holder), path, (name,))
                self.walk.go({})

    def put_back(self) -> None:
        """Where a trace has left a tensor without a value behind, what was there before."""
        for check in self.checks:
            check.put_back()

    def objects(self) -> list[Any]:
        """The holders of volatile attributes."""
        return list({id(holder): holder for _, holder, _ in self.volatile}.values())

    def close(self) -> None:
        """Make the lists for a quick look at everything."""
        sized = [check for check in self.checks if check.size is not None]
        self._sized, self._sizes = [check.container for check in sized], [check.size for check in sized]
        self._reads = [read for check in self.checks if check.expected for read in check.reads()]
        expected = [item for check in self.checks for item in check.expected]
        self._count, self._expected = len(expected), _addresses(expected, len(expected))

    @property
    def nbytes(self) -> int:
        """How many bytes of arrays are compared at each call."""
        return sum(getattr(array, "nbytes", 0) or memoryview(array).nbytes for _, array, _ in self.arrays)


def _addresses(items: Iterable[Any], count: int) -> bytes:
    """Which objects these are: to compare the bytes of an array of objects is quicker than to compare each."""
    return np.fromiter(items, object, count).tobytes()
