"""A file that is being read, whose claims about itself are checked against its size."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from typing import IO

from ..core.errors import CheckpointError


class Source:
    """A file that is open for reading: its name for messages, and its size.

    Attributes:
        allotted: the bytes of arrays that were promised so far; see :meth:`allot`.
    """

    def __init__(self, file: IO[bytes], path: str):
        self.file, self.path = file, path
        self.size = os.fstat(file.fileno()).st_size
        self.allotted = 0

    def error(self, reason: str) -> CheckpointError:
        """The error that names the file and the reason, in one line."""
        line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in reason)  # names in it can be any text
        return CheckpointError(f"{self.path}: {line}")

    def at(self, place: int, count: int) -> bytes:
        """Bytes at a place, as many as are there; reading goes on where it was."""
        before = self.file.tell()
        self.file.seek(max(place, 0))
        found = self.file.read(count)
        self.file.seek(before)
        return found

    def allot(self, count: int, what: str) -> None:
        """Account for an array that is about to be allocated. All of them together are no larger than the file."""
        self.allotted += count
        if self.allotted > self.size:
            raise self.error(f"it is damaged: {what} of {count:,} bytes cannot be in a file of {self.size:,}")

    def exactly(self, count: int) -> bytes:
        """The next bytes."""
        if count > self.size - self.file.tell() or len(found := self.file.read(count)) != count:
            raise self.truncated()
        return found

    def into(self, buffer: memoryview) -> None:
        """Fill a buffer with the next bytes."""
        read_into(self.file, buffer, self)

    def truncated(self) -> CheckpointError:
        """The error of a file that ends too early."""
        return self.error(f"it is damaged: it ends after {self.size:,} bytes, before all that it announces")


def read_into(file: IO[bytes], buffer: memoryview, source: Source) -> None:
    """Fill a buffer with the next bytes of a file, or of a file inside of it."""
    done = 0
    while done < len(buffer):
        count = file.readinto(buffer[done:])  # type: ignore[attr-defined]
        if not count:
            raise source.truncated()
        done += count


@contextmanager
def reading(path: str | PathLike[str]) -> Iterator[Source]:
    """Open a file as a :class:`Source`.

    Raises:
        OSError: it cannot be opened or read.
    """
    with open(path, "rb") as file:
        yield Source(file, os.fspath(path))
