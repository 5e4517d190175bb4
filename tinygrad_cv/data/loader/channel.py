"""Values from one process to another: small ones through a pipe, arrays through memory that both have.

The memory is a file without a name (``memfd_create``): its descriptor goes through the pipe, which is a socket, and
the receiver maps it. So nothing is left behind when a process is killed, at any moment, and the size of /dev/shm, which
is small in containers, is no limit. It is written by ``write`` and not through a map: so want of memory is an error,
where a map would end the process by a signal.

Where descriptors cannot be sent, as on Windows, everything goes through the pipe.
"""

from __future__ import annotations

import mmap
import os
import pickle
import socket
import tempfile
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

SHARES = os.name == "posix" and hasattr(socket, "send_fds")
SMALL = 16 * 1024  # bytes that may wait in a pipe: neither side ever blocks on the other's messages
ALIGNMENT = 64
Buffers: TypeAlias = "Sequence[memoryview | bytes]"


class Channel:
    """One end of a pipe between two processes."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._socket: socket.socket | None = None
        if SHARES:
            self._socket = socket.socket(fileno=os.dup(connection.fileno()))
            self._socket.settimeout(None)

    def fileno(self) -> int:
        """For ``multiprocessing.connection.wait``."""
        return self._connection.fileno()

    def poll(self) -> bool:
        """Whether there is something to receive, perhaps the end."""
        return self._connection.poll()

    def close(self) -> None:
        """The other side then receives EOFError."""
        self._connection.close()
        if self._socket is not None:
            self._socket.close()

    def send(self, value: Any) -> None:
        """Send a value that can be pickled.

        Raises:
            OSError: the other side is gone, or there is no memory left.
        """
        buffers: list[pickle.PickleBuffer] = []
        pickled = pickle.dumps(value, 5, buffer_callback=buffers.append if SHARES else None)
        if not SHARES or (not buffers and len(pickled) <= SMALL):
            self._connection.send_bytes(pickle.dumps((pickled, None)))
            return
        raw: list[memoryview | bytes] = [pickled, *(buffer.raw() for buffer in buffers)]
        file = written(raw)
        try:
            self._connection.send_bytes(pickle.dumps((None, [len(part) for part in raw])))
            self.send_file(file)
        finally:
            os.close(file)

    def receive(self) -> Any:
        """The next value; its arrays own their memory, and can be written to.

        Raises:
            EOFError, OSError: the other side is gone.
        """
        pickled, sizes = pickle.loads(self._connection.recv_bytes())
        if sizes is None:
            return pickle.loads(pickled)
        file = self.receive_file()
        try:
            pickled, *buffers = mapped(file, sizes, mmap.MAP_SHARED)
        finally:
            os.close(file)
        return pickle.loads(pickled, buffers=buffers)

    def send_file(self, file: int) -> None:
        """Send an open file; both sides then have it."""
        assert self._socket is not None
        socket.send_fds(self._socket, [b"f"], [file])

    def receive_file(self) -> int:
        """The file that was sent; the caller closes it."""
        assert self._socket is not None
        data, files, _, _ = socket.recv_fds(self._socket, 1, 1)
        if not data or not files:
            raise EOFError
        return files[0]


def nameless_file() -> int:
    """A file in memory where the system has such, and otherwise a temporary one."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("tinygrad_cv-loader")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def written(buffers: Buffers) -> int:
    """A new file that holds these buffers, each at an aligned offset."""
    file = nameless_file()
    try:
        offset = 0
        for buffer in buffers:
            rest = memoryview(buffer)
            while len(rest):
                count = os.pwrite(file, rest, offset)
                rest, offset = rest[count:], offset + count
            offset += -offset % ALIGNMENT
        os.truncate(file, max(offset, 1))
    except BaseException:
        os.close(file)
        raise
    return file


def mapped(file: int, sizes: Sequence[int], sharing: int) -> list[memoryview]:
    """The buffers of a file; its memory goes when they do."""
    memory = memoryview(mmap.mmap(file, 0, sharing))
    found, offset = [], 0
    for size in sizes:
        found.append(memory[offset : offset + size])
        offset += size + -size % ALIGNMENT
    return found
