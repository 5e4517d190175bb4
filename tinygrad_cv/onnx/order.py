"""The nodes of a graph, each after those that it reads."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from .errors import OnnxError
from .registry import Operator


class Entry(NamedTuple):
    """A NodeProto, its name, its operator, None if there is none, and the names that its bodies read around them."""

    node: Any
    name: str
    operator: Operator | None
    outer: tuple[str, ...]

    @property
    def reads(self) -> set[str]:
        """The names that it reads."""
        return {*self.node.input, *self.outer} - {""}


def label(node: Any, number: int) -> str:
    """The name of a node; one without a name is its operator and its number in the graph."""
    return node.name or f"{node.op_type}_{number}"


def in_order(entries: Sequence[Entry], given: Iterable[str]) -> list[Entry]:
    """The nodes in the order that they have, if it will do.

    Args:
        given: names that are there before: inputs, and constants.

    Raises:
        OnnxError: a name that nothing makes or two do, or a cycle.
    """
    maker: dict[str, int] = {}
    there = set(given)
    for number, entry in enumerate(entries):
        for name in filter(None, entry.node.output):
            if name in maker or name in there:
                raise OnnxError(f"output {name!r} of {entry.name}: another value has this name.")
            maker[name] = number
    waiting = []
    readers: dict[int, list[int]] = {}
    for number, entry in enumerate(entries):
        needed = entry.reads - there
        missing = sorted(needed - set(maker))
        if missing:
            raise OnnxError(f"input {missing[0]!r} of {entry.name}: nothing makes it.")
        makers = {maker[name] for name in needed}
        waiting.append(len(makers))
        for first in makers:
            readers.setdefault(first, []).append(number)
    order = []
    ready = [number for number, count in enumerate(waiting) if count == 0]  # a heap
    while ready:
        number = heapq.heappop(ready)
        order.append(entries[number])
        for reader in readers.get(number, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(entries):
        names = [entry.name for entry, count in zip(entries, waiting, strict=True) if count]
        raise OnnxError(f"the nodes {', '.join(names[:5])} wait for each other, a cycle.")
    return order
