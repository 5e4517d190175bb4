"""How long each operation takes while a function is run for its graph."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from ..core.context import eager


class Clock:
    """An interpreter that computes at once and notes the time."""

    def __init__(self) -> None:
        self._taken: dict[int, tuple[Any, float]] = {}  # by id: the result, kept alive, and seconds

    def __call__(self, primitive: Any, values: list[Any], params: dict[str, Any]) -> Any:
        start = perf_counter()
        value = eager(primitive, values, params)
        self._taken[id(value)] = value, perf_counter() - start
        return value

    def seconds(self, value: Any) -> float:
        """What it took to compute a value; 0 for others."""
        return self._taken.get(id(value), (None, 0.0))[1]
