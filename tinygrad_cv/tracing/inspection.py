"""What a jitted function can show: its graph, source, kernels and memory, and why it was traced."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..compiler.kernels import KernelRow
    from ..compiler.memory import MemoryPlan
    from ..compiler.options import Options
    from ..viz.view import GraphView
    from .entry import Entry
    from .traces import Traces


class Inspected(ABC):
    """The methods of a jitted function that show what was recorded, and how it runs."""

    options: Options
    _traces: Traces
    _history: deque[str]
    _notes: dict[str, int]

    @abstractmethod
    def _entry(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Entry:
        """The trace for these arguments; without arguments, the one of the most recent call."""

    def graph(self, *args: Any, fused: bool = False, **kwargs: Any) -> GraphView:
        """The recorded graph as a view, like that of ``tg.graph``.

        With arguments, the graph for these: the function is traced for them if necessary, but not run. Without, the
        graph of the most recent call.

        Args:
            fused: show the graph as it was compiled: each kernel is a frame with its time, coloured by its share of the
                roofline, from red to green at the machine's limit.

        Raises:
            RuntimeError: ``fused``, but nothing was compiled.
        """
        from . import drawing

        entry = self._entry(args, kwargs)
        graph, names = entry.recording.graph, entry.names
        if not fused:
            return drawing.view(graph, names)
        if not entry.program.is_native:
            raise RuntimeError(
                "graph(fused=True): NumPy runs this function, so there are no kernels. Native code needs llvmlite: "
                "pip install llvmlite"
            )
        from ..compiler import planned as plan_of

        planned = plan_of(graph, self.options)
        return drawing.fused(planned.graph, names, planned.kernels, entry.program.kernels())

    def source(self, *args: Any, **kwargs: Any) -> str:
        """The graph as NumPy source that needs nothing else. Arguments as for :meth:`graph`."""
        from ..ir.numpy_source import source
        from ..ir.rewrite.widen import widen_sums

        entry = self._entry(args, kwargs)
        return source(widen_sums(entry.recording.graph), entry.names, entry.name)

    def kernels(self, *args: Any, **kwargs: Any) -> Sequence[KernelRow]:
        """A table of the kernels that the graph was compiled to. Arguments as for :meth:`graph`."""
        return self._entry(args, kwargs).program.kernels()

    def memory(self, *args: Any, **kwargs: Any) -> MemoryPlan:
        """The most memory that a call needs, and what holds it then. Arguments as for :meth:`graph`.

        Python itself, the compiled code, and what the caller holds besides are not among it.

        Raises:
            RuntimeError: nothing was compiled.

        >>> import tinygrad_cv as tg
        >>> tg.jit(lambda x: x.exp().sum(0) + x).memory(tg.ones(128, 512)).peak  # two such arrays, and the sum
        526336
        """
        return self._entry(args, kwargs).program.memory()

    def explain(self) -> str:
        """Why the function was traced, how often each trace was used, and what could not be compiled."""
        lines = [f"{self!r}", *self._history]
        for entry in self._traces.in_order_of_use():
            graph = entry.recording.graph
            lines.append(f"trace of {len(graph.values())} values: {_times(entry.calls, 'called')}")
            if entry.discarded:
                lines.append(f"  {_times(entry.discarded, 'run without the graph')}: a condition did not hold")
            if entry.guards and entry.guards.nbytes:
                lines.append(f"  {entry.guards.nbytes:,} bytes of NumPy arrays are compared at each call: use tensors")
            lines += [f"  {note}" for note in (*entry.program.notes, *entry.program.fallbacks)]
        lines += [f"{_times(count, 'called')} {note}" for note, count in self._notes.items()]
        return "\n".join(lines)


def _times(count: int, what: str) -> str:
    return f"{what} {count} time{'' if count == 1 else 's'}"
