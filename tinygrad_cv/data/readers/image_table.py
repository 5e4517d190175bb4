"""Images that a table lists: a CSV file with a column of paths and a column of labels."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Collection, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ..dataset import Dataset
from . import failure
from .pixels import ImageReader

READER = "ImageTable"


class ImageTable(Dataset[tuple[Any, Any]]):
    """Images by the rows of a CSV file with a header: a sample is (image C x H x W, label).

    Classes are the labels that occur, in the order of their names, or of their numbers if all are whole numbers, unless
    they are given; they count from 0.

    Args:
        path: the CSV file, in UTF-8.
        image, label: the names of the columns.
        root: what the paths in the file begin at; by default the file's folder.
        transform, target_transform: of the image, and of its label.
        loader: of a path, instead of an ImageReader of this mode.
        delimiter: between columns.
        mode: "RGB" or "L", of all images alike.
        classes: all labels that may occur, in this order, such as those of the table that a network was trained with.

    Attributes:
        classes, class_to_idx, samples, targets: as of ImageFolder.

    Raises:
        FileNotFoundError: the file is missing.
        ValueError: it is not UTF-8, has no such column, no row, a row that is too short, an image that is missing, or
            a label that is no class; the message says in which line.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        image: str = "path",
        label: str = "label",
        root: str | PathLike[str] | None = None,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        loader: Callable[[str], Any] | None = None,
        *,
        delimiter: str = ",",
        mode: str = "RGB",
        classes: Sequence[str] | None = None,
    ):
        table = failure.file(READER, path, "Give a CSV file.")
        self.transform, self.target_transform = transform, target_transform
        self.loader = ImageReader(mode) if loader is None else loader
        self.root = os.fspath(table.parent if root is None else root)
        known = None if classes is None else frozenset(classes)
        rows = self._rows(table, (image, label), delimiter, known)
        names = {name for _, name in rows}
        numbers = all(name.isdecimal() for name in names)
        occurring = sorted(names, key=lambda name: (int(name), name) if numbers else (0, name))
        self.classes = occurring if classes is None else list(classes)
        self.class_to_idx = {name: n for n, name in enumerate(self.classes)}
        self.samples = [(place, self.class_to_idx[name]) for place, name in rows]
        self.targets = [n for _, n in self.samples]

    def _rows(
        self, table: Path, wanted: tuple[str, str], delimiter: str, known: Collection[str] | None
    ) -> list[tuple[str, str]]:
        rows = []
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            try:
                columns = reader.fieldnames or []
                for name in wanted:
                    if name not in columns:
                        raise failure.wrong(
                            READER, table, f"has no column {name!r}; its columns are {', '.join(columns) or 'none'}",
                            "Give their names as image and label.",
                        )  # fmt: skip
                for row in reader:
                    place, label = self._sample(table, reader.line_num, *(row[name] for name in wanted))
                    if known is not None and label not in known:
                        raise failure.wrong(
                            READER, table, f"has the label {label!r} in line {reader.line_num}, which is none of the "
                            f"classes {', '.join(sorted(known)[:10])}", "Leave the line out, or give all classes.",
                        )  # fmt: skip
                    rows.append((place, label))
            except (UnicodeDecodeError, csv.Error) as error:
                line = reader.line_num + 1
                raise failure.wrong(READER, table, f"is no CSV in UTF-8, from line {line} on: {error}", "") from None
        if not rows:
            raise failure.wrong(READER, table, "has no row", "Give one for each image.")
        return rows

    def _sample(self, table: Path, line: int, place: str | None, name: str | None) -> tuple[str, str]:
        if not place or not name:
            what = "path" if not place else "label"
            raise failure.wrong(READER, table, f"has no {what} in line {line}", "Complete it, or leave the line out.")
        found = os.path.join(self.root, place)
        if not os.path.isfile(found):
            raise failure.wrong(READER, table, f"names {found} in line {line}, and there is no such file", "Give root.")
        return found, name

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        path, label = self.samples[index]
        image = self.loader(path)
        return (
            image if self.transform is None else self.transform(image),
            label if self.target_transform is None else self.target_transform(label),
        )

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return f"{READER}({len(self)} samples, {len(self.classes)} classes)"
