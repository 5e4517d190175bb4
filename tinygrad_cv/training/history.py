"""What a training has measured, epoch by epoch."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from typing import overload

from ..files import write_text

Row = dict[str, float]  # figures of an epoch by name; those of the validation begin with "validation_"


class History(Sequence[Row]):
    """The figures of each epoch by name, such as ``loss``, ``validation_loss``, ``lr``, ``seconds``, and
    ``waiting``, the share of the seconds in which the next batch was waited for.

    >>> history = History([{"epoch": 1, "loss": 2.0}, {"epoch": 2, "loss": 1.5}])
    >>> history.column("loss"), history.best("loss")
    ([2.0, 1.5], 2)
    """

    def __init__(self, rows: Sequence[Mapping[str, float]] = ()):
        self.rows: list[Row] = [dict(row) for row in rows]

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Row: ...

    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...

    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        return self.rows[index]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __repr__(self) -> str:
        return f"History({len(self)} epochs of {', '.join(self.names()) or 'nothing'})"

    def names(self) -> list[str]:
        """The names of the figures, in their order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))

    def column(self, name: str) -> list[float]:
        """A figure over the epochs; NaN where an epoch has none."""
        return [row.get(name, math.nan) for row in self.rows]

    def best(self, name: str) -> int | None:
        """The number, from 1, of the first epoch with the best figure: the least, where the name ends in ``loss``, or
        else the greatest. None if there is no such figure, or only NaN.
        """
        sign = 1 if name.endswith("loss") else -1
        figures = [(sign * value, number) for number, value in enumerate(self.column(name), 1) if not math.isnan(value)]
        return min(figures)[1] if figures else None

    def write_csv(self, path: str | PathLike[str]) -> None:
        """Write a row for each epoch, below the names."""
        text = io.StringIO()
        writer = csv.DictWriter(text, self.names(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        write_text(path, text.getvalue())
