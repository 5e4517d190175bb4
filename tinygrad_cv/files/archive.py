"""Zip archives, whose claims about themselves are checked before memory is allocated for what they hold."""

from __future__ import annotations

import errno
import io
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

from ..core.errors import CheckpointError
from .elements import CHUNK, Read
from .source import Source, read_into

MAGIC = b"PK"
END, COUNT, MANY = 22, slice(10, 12), 0xFFFF  # the record at the end; the count of members in it, if they are fewer
LENGTHS = 26  # where in the header before a member the lengths of its name and of what follows it are
DEFLATE = 1032  # no byte of a deflated stream stands for more of its text
DAMAGE = (  # what zipfile raises at damaged archives
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


class Archive:
    """A zip archive. The sizes of its members are possible, and there are no two of the same name."""

    def __init__(self, source: Source):
        self.source = source
        with self._parsing():
            self._zip = zipfile.ZipFile(source.file)
            members = self._zip.infolist()
        self._members = {member.filename: member for member in members}
        if len(self._members) != len(members):
            raise source.error("it is damaged: two members of the zip archive have the same name")
        for member in members:
            self._check(member)
        end = source.at(source.size - END - len(self._zip.comment), END)
        count = int.from_bytes(end[COUNT], "little")
        if count not in (len(members), MANY):  # one whose lengths are damaged can hide the next
            raise source.error(f"it is damaged: the zip archive has {len(members)} members, and should have {count}")

    @property
    def names(self) -> list[str]:
        """The names of its members, in their order."""
        return list(self._members)

    def size(self, name: str) -> int:
        """The bytes of a member, once it is decompressed."""
        return self._members[name].file_size

    def is_compressed(self, name: str) -> bool:
        """Whether a member is larger than what is there of it."""
        return self._members[name].compress_type != zipfile.ZIP_STORED

    @contextmanager
    def opened(self, name: str) -> Iterator[Read]:
        """A function that reads on in a member. At its end the CRC-32 of all of it is verified."""
        with self._parsing(f", member {name!r}"), self._zip.open(self._members[name]) as file:
            yield lambda buffer: read_into(file, buffer, self.source)

    @contextmanager
    def member(self, name: str) -> Iterator[IO[bytes]]:
        """A member as a file, after its CRC-32 was verified. One that is stored as it is takes no memory."""
        if self.is_compressed(name):
            yield io.BytesIO(self.contents(name))
            return
        piece = bytearray(CHUNK)
        with self.opened(name) as read:
            for start in range(0, self.size(name), CHUNK):
                read(memoryview(piece)[: self.size(name) - start])
        info, file = self._members[name], self.source.file
        file.seek(info.header_offset + LENGTHS)
        lengths = self.source.exactly(4)
        start = info.header_offset + LENGTHS + 4 + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
        yield cast("IO[bytes]", _Window(file, start, info.file_size))

    def contents(self, name: str) -> bytes:
        """All of a member."""
        data = bytearray(self.size(name))
        with self.opened(name) as read:
            read(memoryview(data))
        return bytes(data)

    def _check(self, member: zipfile.ZipInfo) -> None:
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise self.source.error(
                f"it is damaged: member {member.filename!r} of the zip archive is compressed otherwise"
            )
        most = member.compress_size * (1 if member.compress_type == zipfile.ZIP_STORED else DEFLATE)
        if member.header_offset + member.compress_size > self.source.size or member.file_size > most:
            raise self.source.error(
                f"it is damaged: member {member.filename!r} of the zip archive cannot have {member.file_size:,} bytes "
                f"in a file of {self.source.size:,}"
            )

    @contextmanager
    def _parsing(self, where: str = "") -> Iterator[None]:
        try:
            yield
        except CheckpointError:
            raise
        except (*DAMAGE, OSError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that of a place before the beginning
                raise
            raise self.source.error(f"it is damaged: its zip archive{where} is not valid ({error})") from None


class _Window(io.RawIOBase):
    """A part of a file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int):
        self._file, self._start, self._size, self._place = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: self._size}[whence]
        return self._place

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._place)
        count = max(min(len(buffer), self._size - self._place), 0)
        done = self._file.readinto(memoryview(buffer)[:count])  # type: ignore[attr-defined]
        self._place += done
        return int(done)
