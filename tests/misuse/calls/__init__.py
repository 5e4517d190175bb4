"""Calls that work, of every public name."""

from __future__ import annotations

from functools import cache

from tests.misuse.calls import functionals, functions, images, layers, networks, processes, tensors, training
from tests.misuse.walk import Call

ROOMS = (functions, tensors, functionals, layers, networks, training, images, processes)


@cache
def calls() -> dict[str, list[Call]]:
    """The calls by public name."""
    found: dict[str, list[Call]] = {}
    for room in ROOMS:
        for name, call in room.calls():
            found.setdefault(name, []).append(call)
    return found
