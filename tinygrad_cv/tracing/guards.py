"""What a jitted function closes over, as a list of things to look at before a recorded trace is used again.

Found by reading code (``reach.py``). Each is compared by identity, which is quick, and where that fails by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain, starmap
from operator import is_
from typing import Any

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
            items = chain.from_iterable(starmap(map, self._gets))
            if self._iterables:
                items = chain(items, chain.from_iterable(self._iterables))
            unchanged = list(map(len, self._sized)) == self._sizes and all(map(is_, items, self._expected))
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
        whole = [(check, check.iterables()) for check in self.checks if check.expected]
        single = [check for check, iterables in whole if not iterables]
        self._gets = [(check.get, check.keys) for check in single]
        self._iterables = [iterable for _, iterables in whole for iterable in iterables]
        checks = single + [check for check, iterables in whole if iterables]
        self._expected = [item for check in checks for item in check.expected]

    @property
    def nbytes(self) -> int:
        """How many bytes of arrays are compared at each call."""
        return sum(getattr(array, "nbytes", 0) or memoryview(array).nbytes for _, array, _ in self.arrays)
