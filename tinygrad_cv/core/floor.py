"""Where this package goes below what Python, NumPy and llvmlite document, and how to do without.

    TGCV_WITHOUT=pointers,refcounts python train.py

Each place has a documented way beside it, which ``TGCV_WITHOUT`` takes: after an upgrade that broke one of them, or to
find out whether one did. It is read once, when the package is imported. ``docs/design/0012-below-pythons-floor.md``
says why each is there, what would notice that it does not hold any more, and what is lost without.
"""

from __future__ import annotations

import os

FLOOR = {
    "pointers": "an array's address is read from the head of its object; else array.ctypes.data",
    "refcounts": "what nobody holds any more is written over; else new memory at every call",
    "bytecode": "what code reads, and in which line, is found in its instructions; else in its lists of names",
    "profile": "calls are watched for clocks and names of locals; else clocks are not seen, and values are numbered",
    "locks": "locks are set free in a forked child, and llvmlite's is taken or passed by; else neither",
}


def without(asked: str) -> frozenset[str]:
    """The words of a list.

    Raises:
        ValueError: a word that is none of them.

    >>> sorted(without("refcounts, pointers"))
    ['pointers', 'refcounts']
    """
    words = [word.strip() for word in asked.split(",") if word.strip()]
    for word in words:
        if word not in FLOOR:
            raise ValueError(f"TGCV_WITHOUT={asked}: there is no word {word!r}; there are {', '.join(FLOOR)}.")
    return frozenset(words)


_WITHOUT = without(os.environ.get("TGCV_WITHOUT", ""))


def uses(name: str) -> bool:
    """Whether one of these places is in use."""
    assert name in FLOOR, name
    return name not in _WITHOUT
