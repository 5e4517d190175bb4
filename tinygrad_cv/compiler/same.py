"""Whether a call has the same inputs as one before, so that what was computed from them alone is still right."""

from __future__ import annotations

import weakref
from collections.abc import Sequence

import numpy as np

from ..core import memory


class Same:
    """The arrays of some inputs, and when they were read. Keeps no array alive.

    ``take`` before something is computed from them, ``keep`` when that is done; then ``hold`` says whether it is right.

    Args:
        numbers: of the inputs.
    """

    def __init__(self, numbers: Sequence[int]):
        self._numbers = tuple(numbers)
        self._arrays: list[weakref.ref[np.ndarray]] | None = None
        self._taken: list[weakref.ref[np.ndarray]] = []
        self._when = 0

    def take(self, arrays: Sequence[np.ndarray]) -> None:
        """These will be read."""
        self._arrays, self._when = None, memory.epoch
        self._taken = [weakref.ref(arrays[number]) for number in self._numbers]

    def keep(self) -> None:
        """What was computed is complete."""
        self._arrays = self._taken

    def hold(self, arrays: Sequence[np.ndarray]) -> bool:
        """Whether these are the same arrays, with the same numbers in them."""
        if self._arrays is None:
            return False
        given = [arrays[number] for number in self._numbers]
        if any(seen() is not array for seen, array in zip(self._arrays, given, strict=True)):
            return False
        now = memory.epoch
        if not memory.same_since(given, self._when):
            return False
        self._when = now
        return True

    def forget(self) -> None:
        """What was computed is not there any more."""
        self._arrays = None
