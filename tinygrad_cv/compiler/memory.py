"""The memory that a program needs while it runs: its peak, and what holds it then."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

SHOWN = 0.01  # of what is held at the peak: smaller values are shown as one line
MIB = 2**20


@dataclass(frozen=True)
class MemoryRow:
    """One value that has memory while a program runs.

    Attributes:
        bytes: with halos and padding.
        first, last: the steps from which and until which it is in memory; a step is what happens between two barriers.
        what: dtype, shape and halo as it is stored.
        ops: the primitives that it is computed with, in one kernel.
        scope: the module that it belongs to.
        again: it was in memory before, and is computed a second time.
    """

    bytes: int
    first: int
    last: int
    what: str
    ops: tuple[str, ...]
    scope: str
    again: bool = False


class MemoryPlan(tuple[MemoryRow, ...]):
    """One row for each value between inputs and outputs; prints as its peak, and what holds that.

    Attributes:
        outside: the bytes of "inputs", "outputs" and "constants"; an output that is written over an input is none.
        arena: bytes that all values between share.
        steps: how many there are.
    """

    outside: dict[str, int]
    arena: int
    steps: int

    @classmethod
    def of(cls, rows: Iterable[MemoryRow], outside: dict[str, int], arena: int, steps: int) -> MemoryPlan:
        plan = cls(rows)
        plan.outside, plan.arena, plan.steps = outside, arena, steps
        return plan

    @property
    def peak(self) -> int:
        """The most bytes that a call needs, its arguments and results included."""
        return sum(self.outside.values()) + self.arena

    @property
    def live(self) -> list[int]:
        """How many bytes of the arena are in use in each step."""
        found = [0] * self.steps
        for row in self:
            for step in range(row.first, row.last + 1):
                found[step] += row.bytes
        return found

    @property
    def step(self) -> int:
        """The step in which most of the arena is in use."""
        live = self.live
        return max(range(len(live)), key=live.__getitem__, default=0)

    def held(self, step: int | None = None) -> list[MemoryRow]:
        """What is in the arena in a step, by default that of the peak, the largest first."""
        at = self.step if step is None else step
        return sorted((row for row in self if row.first <= at <= row.last), key=lambda row: -row.bytes)

    @property
    def recomputed(self) -> list[MemoryRow]:
        """What is computed a second time, since it was not kept."""
        return [row for row in self if row.again]

    def by_scope(self, step: int | None = None) -> dict[str, int]:
        """The bytes of each module among what is held, the most first."""
        found: dict[str, int] = {}
        for row in self.held(step):
            found[row.scope] = found.get(row.scope, 0) + row.bytes
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def __str__(self) -> str:
        lines = [self._head()]
        table, small = self._shown()
        if table:
            lines.append(f"{'MiB':>9} {'steps':>9}  value, primitives, and the module")
        for row in table:
            ops = " ".join(row.ops)
            ops = ops if len(ops) <= 60 else f"{ops[:28]} ... {ops[-28:]}"
            scope = f"  ({row.scope})" if row.scope else ""
            steps, again = f"{row.first}-{row.last}", " again" * row.again
            lines.append(f"{row.bytes / MIB:>9.2f} {steps:>9}  {row.what}, {ops}{again}{scope}")
        if small:
            lines.append(f"{sum(row.bytes for row in small) / MIB:>9.2f} {'':>9}  {len(small)} smaller values")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        table, small = self._shown()
        rows = [
            (f"{r.bytes / MIB:.2f}", f"{r.first}-{r.last}", r.what, " ".join(r.ops) + " again" * r.again, r.scope)
            for r in table
        ]
        if small:
            rows.append((f"{sum(r.bytes for r in small) / MIB:.2f}", "", f"{len(small)} smaller values", "", ""))
        lines = [_line("th", ("MiB", "steps", "value", "primitives", "module")), *(_line("td", row) for row in rows)]
        return f"<p>{escape(self._head())}</p><table>{''.join(lines)}</table>"

    def _head(self) -> str:
        known = [f"{nbytes / MIB:.2f} for {name}" for name, nbytes in self.outside.items() if nbytes >= MIB / 100]
        between = f"{self.arena / MIB:.2f} for what is computed between"
        head = f"peak {self.peak / MIB:.2f} MiB: {', '.join([*known, between])}"
        if not len(self):
            return head
        live = self.live[self.step]
        head += f"; most of that is in use in step {self.step} of {self.steps}: {live / MIB:.2f} MiB"
        again = self.recomputed
        size = sum(row.bytes for row in again) / MIB
        return f"{head}\nnot kept, but computed a second time: {len(again)} values, {size:.2f} MiB" if again else head

    def _shown(self) -> tuple[Sequence[MemoryRow], Sequence[MemoryRow]]:
        """The rows of the peak that are shown each, and those that are shown as one."""
        held = self.held()
        least = SHOWN * sum(row.bytes for row in held)
        return [row for row in held if row.bytes >= least], [row for row in held if row.bytes < least]


def _line(tag: str, cells: Iterable[object]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"
