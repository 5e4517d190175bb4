"""The traces of a function: which one a call belongs to, which one is dropped, and why a new one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..core.context import Context
from . import tree

if TYPE_CHECKING:
    import numpy as np

    from .entry import Entry
    from .tree import Key, Leaf


class Traces:
    """The most recently used traces of a function, by the signatures of their calls.

    Attributes:
        made: how many traces were made, with those that were dropped.
    """

    def __init__(self, maxsize: int):
        self.maxsize = maxsize
        self.made = 0
        self._entries: dict[Key, list[Entry]] = {}
        self._clock = 0  # counts uses

    @property
    def hits(self) -> int:
        """How often a trace was used again."""
        return self._clock - self.made

    def __len__(self) -> int:
        return sum(map(len, self._entries.values()))

    def find(self, key: Key, leaves: list[Leaf]) -> tuple[Entry, list[np.ndarray]] | tuple[None, None]:
        """The trace that is valid for a call, and the arrays that it reads."""
        for entry in self._entries.get(key, ()):
            arrays = entry.arrays(leaves)
            if arrays is not None:
                self._clock = entry.used = self._clock + 1
                return entry, arrays
        return None, None

    def keep(self, key: Key, entry: Entry) -> None:
        """Add a trace; if there are too many, drop the least recently used one."""
        self._clock = entry.used = self._clock + 1
        self.made += 1
        entries = {key: list(found) for key, found in self._entries.items()}  # other threads may be looking
        entries.setdefault(key, []).insert(0, entry)
        if sum(map(len, entries.values())) > self.maxsize:
            oldest = min((used for found in entries.values() for used in found), key=lambda entry: entry.used)
            entries = {key: [e for e in found if e is not oldest] for key, found in entries.items()}
        self._entries = {key: found for key, found in entries.items() if found}

    def in_order_of_use(self) -> list[Entry]:
        """All traces, the most recently used one last."""
        return sorted((entry for found in self._entries.values() for entry in found), key=lambda entry: entry.used)

    def reason(self, key: Key, leaves: list[Leaf]) -> str:
        """Why no trace is valid for a call."""
        for entry in self._entries.get(key, ()):
            return entry.mismatch(leaves)
        if not self._entries:
            return "it is the first call" if not self.made else "no trace is kept"
        last = self.in_order_of_use()[-1]
        return next(_difference(old, key) for old, found in self._entries.items() if last in found)


def key_of(
    context: Context, args: tuple[Any, ...], kwargs: dict[str, Any], leaves: list[Leaf], others: list[Any]
) -> Key:
    """The signature of a call; its tensors and arrays go to ``leaves``, objects of other kinds to ``others``."""
    positional = (tuple, *[tree.signature(x, leaves, others) for x in args])
    named = tree.signature(kwargs, leaves, others) if kwargs else ()
    repeated = tree.repeated(leaves) if len(leaves) > 1 else None
    return context.recording, context.replaying, positional, named, repeated


def _difference(old: Key, new: Key) -> str:
    """Where two signatures differ, in words."""
    if old[0] != new[0]:
        return f"operations are {'' if new[0] else 'not '}recorded here"
    if old[1] != new[1]:
        return f"this call is {'' if new[1] else 'not '}inside a checkpoint replay"
    if old[4] != new[4]:
        return "other arguments are one and the same tensor"
    return f"the arguments are {_arguments(new)}, and were {_arguments(old)}"


def _arguments(key: Key) -> str:
    return ", ".join(filter(None, map(tree.describe, key[2:4])))
