"""Names of stored values: their numbers in the graph, and how they are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ...ir.graph import CONSTANT, Value
from ..schedule.kernel import Plan
from ..schedule.storage import Arranged, Packed


class Names:
    """The names of some stored values."""

    def __init__(self, values: Iterable[Value]):
        used = dict.fromkeys(values)
        self._names: dict[Value, str] = {}
        taken: Counter[str] = Counter()
        for value in used:
            name = repr(value)
            if isinstance(value, Packed) or (isinstance(value, Arranged) and not _is_plain(value, used)):
                name = f"{value.source!r}.{value.op}"
                taken[name] += 1
            self._names[value] = name + (str(taken[name]) if taken[name] > 1 else "")

    def of(self, value: Value) -> str:
        if value.op == CONSTANT and not value.ndim:
            return str(value.params["array"])
        return self._names.get(value, repr(value))

    def all(self) -> list[Value]:
        """The values in the order of the graph."""
        return sorted(self._names, key=lambda value: value.number)


def _is_plain(storage: Arranged, used: Iterable[Value]) -> bool:
    """Whether a value is stored in its own order, and only there: then its plain name will do."""
    return storage.shape == storage.source.shape and storage.source not in used


def names_in(plan: Plan) -> Names:
    """The names of all values that a plan reads or writes."""
    used = [value for kernel in plan.kernels for value in (*kernel.reads, *kernel.writes)]
    return Names([*used, *(plan.memory_of(value) for value in used if value in plan.aliases)])
