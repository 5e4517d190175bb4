"""The performance cliff: a warning, given once, when a function is traced again and again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from types import CodeType

from .names import WORD, lines

IN_A_ROW = 8  # traces, none of which was used again


class Cliff:
    """Counts the traces of a function that were made in a row."""

    def __init__(self, maxsize: int):
        self.maxsize = maxsize
        self._traces = self._in_a_row = self._own = 0
        self._hits = -1
        self._said = False

    def message(self, hits: int, reason: str, changed: str | None, codes: Iterable[CodeType]) -> str | None:
        """The warning after one more trace, if there is to be one.

        Args:
            hits: how often a trace was used again until now.
            reason: why this trace was made.
            changed: what the function itself has changed among the things that it depends on.
            codes: the code of the function.
        """
        self._traces += 1
        self._in_a_row = self._in_a_row + 1 if hits == self._hits else 1
        self._own = self._own + 1 if changed and self._in_a_row > 1 else int(changed is not None)
        self._hits = hits
        if self._said:
            return None
        if changed and self._own == 2:
            self._said = True
            return (
                f"it changes what it depends on, so it is traced and compiled at each call: {changed}"
                f"{_place(changed, codes)}. Keep it in a tensor, or change it outside of the function"
            )
        if self._in_a_row >= IN_A_ROW or self._traces == 4 * self.maxsize:
            self._said = True
            return (
                f"traced {self._traces} times, and {self.maxsize} traces are kept. The last time because {reason}. "
                "Pass what changes as a tensor, or see explain()"
            )
        return None


def _place(changed: str, codes: Iterable[CodeType]) -> str:
    """Where in the function it gets another value."""
    words = WORD.findall(re.split(r" was | has |\[", changed)[0])
    codes = list(codes)
    places = (lines(codes, words[-1], stored=True) or lines(codes, words[-1])) if words else []
    return f", at {' or '.join(places[:3])}" if places else ""
