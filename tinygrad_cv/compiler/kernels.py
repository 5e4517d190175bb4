"""The table of a program's kernels: what each computes, what it costs, and its share of the roofline.

The share of the roofline is the time that the machine needs at least for a kernel's operations or its bytes, whichever
is longer, divided by the time that the kernel took (Williams, Waterman and Patterson, "Roofline", 2009).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class KernelRow:
    """One kernel.

    Attributes:
        kind: "contraction", "reduction" or "elementwise"; "halo" if it stores zeros around a value; "host" if NumPy
            computes it; "kept" if it does not run again until state has changed, such as weights that it packs.
        ops: the primitives that it computes.
        scope: the module that its result belongs to.
        flops: arithmetic operations; a multiply-add is two.
        bytes: read and written, each value once.
        ms: its time, measured alone on all threads.
        share: its share of the roofline, from 0 to 1.
    """

    number: int
    step: int
    kind: str
    ops: tuple[str, ...]
    scope: str
    flops: int
    bytes: int
    ms: float
    share: float


class KernelTable(tuple[KernelRow, ...]):
    """One row for each kernel; prints as a table."""

    def __str__(self) -> str:
        head = f"{'':>4} {'kind':<12} {'Mflop':>9} {'MB':>8} {'ms':>9} {'share':>6}  primitives, and the module"
        lines = [head]
        for row in self:
            what = " ".join(row.ops)
            what = what if len(what) <= 60 else f"{what[:28]} ... {what[-28:]}"
            lines.append(
                f"{row.number:>4} {row.kind:<12} {row.flops / 1e6:>9.2f} {row.bytes / 1e6:>8.2f} {row.ms:>9.3f} "
                f"{100 * row.share:>5.0f}%  {what}{f'  ({row.scope})' if row.scope else ''}"
            )
        lines.append("")
        for kind, rows in self.by_kind().items():
            ms = sum(row.ms for row in rows)
            share = sum(row.share * row.ms for row in rows) / ms if ms else 0.0
            lines.append(f"{len(rows):>4} {kind:<12} {'':>18} {ms:>9.3f} {100 * share:>5.0f}%")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The table in a notebook."""
        columns = "", "kind", "Mflop", "MB", "ms", "share", "primitives", "module"

        def line(tag: str, cells: Iterable[object]) -> str:
            return f"<tr>{''.join(f'<{tag}>{escape(str(cell))}</{tag}>' for cell in cells)}</tr>"

        rows = (
            line(
                "td",
                (
                    row.number,
                    row.kind,
                    f"{row.flops / 1e6:.2f}",
                    f"{row.bytes / 1e6:.2f}",
                    f"{row.ms:.3f}",
                    f"{100 * row.share:.0f}%",
                    " ".join(row.ops),
                    row.scope,
                ),
            )
            for row in self
        )
        return f"<table>{line('th', columns)}{''.join(rows)}</table>"

    def by_kind(self) -> dict[str, list[KernelRow]]:
        """The rows of each kind."""
        kinds: dict[str, list[KernelRow]] = {}
        for row in self:
            kinds.setdefault(row.kind, []).append(row)
        return kinds
