"""What a caller asks of compiled code."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..ir.rewrite.multiply_less import PRECISIONS, Precision

UNITS = {"B": 1, "kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


@dataclass(frozen=True)
class Options:
    """What a caller asks of compiled code.

    Attributes:
        precision: how far sums over sliding windows may round.
        memory: bytes that a call needs at most; None: what is fast.
    """

    precision: Precision = "default"
    memory: int | None = None

    @classmethod
    def of(cls, precision: object, memory: object) -> Options:
        """The options as arguments of ``jit``.

        Raises:
            ValueError: the precision is none of the words, or the memory no number of bytes.
        """
        if not isinstance(precision, str) or precision not in PRECISIONS:
            known = ", ".join(map(repr, PRECISIONS))
            raise ValueError(f"jit: precision={precision!r}; it must be one of {known}.")
        return cls(precision, None if memory is None else _bytes(memory))


def _bytes(memory: object) -> int:
    """A number of bytes, from itself or from text with a unit."""
    if isinstance(memory, str) and (found := re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]+)\s*", memory)):
        number, unit = found.groups()
        if unit in UNITS:
            return int(float(number) * UNITS[unit])
    if isinstance(memory, int) and not isinstance(memory, bool) and memory > 0:
        return memory
    units = ", ".join(UNITS)
    raise ValueError(f"jit: memory={memory!r}; it must be a number of bytes, or text such as '512 MB', in {units}.")


DEFAULT = Options()
