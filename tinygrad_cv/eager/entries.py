"""What is known of each signature: how often it was called, and its compiled code, within bounds of memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from itertools import count
from typing import Any

from .composition import AbstractCall, Composition

CALLS = 2  # of a signature before it is compiled, and more of small arguments:
WORTH = 1 << 14  # elements of arguments in all calls, each call counting for EACH more
EACH = 1 << 8
MOST = 512  # signatures that are known
LARGEST = 1 << 31  # bytes that all compiled code keeps between calls
REFUSED = 16  # signatures of a function that cannot be compiled, and none that can, before it is left alone


class Entry:
    """A signature of a function.

    Attributes:
        composition: its compiled code; None while there is none.
        reason: why there will be none.
        native, plain: calls by compiled code and by NumPy.
        due: with which call it is to be compiled.
        submitted: whether it is.
        used: when it was called last.
    """

    def __init__(self, function: Callable[..., Any], tensors: list[Any]):
        self.function = function
        self.shapes = ", ".join(f"{x.dtype}{list(x.shape)}" for x in tensors)
        self.composition: Composition | None = None
        self.reason, self.submitted = "", False
        self.native = self.plain = 0
        self.used = times()
        self.due = max(CALLS, WORTH // (sum(int(x.size) for x in tensors) + EACH))

    def __str__(self) -> str:
        waits = f"left to NumPy: {self.reason}" if self.reason else "not compiled yet"
        calls = f"{self.native} call{'' if self.native == 1 else 's'} by compiled code, {self.plain} by NumPy"
        return f"{self.function.__name__}({self.shapes}): {calls}; {'compiled' if self.composition else waits}"

    def build(self, call: AbstractCall) -> None:
        """Compile it, or note why not."""
        try:
            self.composition = Composition(self.function, call)
        except Exception as error:  # it looks at values, or the compiler fails
            self.reason = f"{error}" or type(error).__name__
            refusals.setdefault(self.function, 0)
            refusals[self.function] += 1
        else:
            refusals[self.function] = -MOST  # some can
            drop_unused()


entries: dict[Hashable, Entry] = {}
refusals: dict[Callable[..., Any], int] = {}  # how many signatures of a function could not be compiled
times = count(1).__next__


def is_unfit(function: Callable[..., Any]) -> bool:
    """Whether a function's signatures are not looked at any more."""
    return refusals.get(function, 0) >= REFUSED


def drop_unused() -> None:
    """Forget the signatures that were not used for the longest time, until all bounds hold."""
    known = sorted(entries.items(), key=lambda item: item[1].used)
    held = {key: entry.composition.nbytes for key, entry in known if entry.composition is not None}
    total = sum(held.values())
    for key, _ in known[:-1]:  # the last one stays
        if len(entries) <= MOST and total <= LARGEST:
            return
        if len(entries) > MOST or key in held:
            entries.pop(key, None)
            total -= held.get(key, 0)
