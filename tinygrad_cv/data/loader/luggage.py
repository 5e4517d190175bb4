"""What a worker process takes along: the recipe, with the data set. Its arrays are in memory once, for all workers."""

from __future__ import annotations

import io
import mmap
import os
import pickle
from multiprocessing.reduction import ForkingPickler
from typing import Any

from .channel import SHARES, Channel, mapped, written


class Luggage:
    """A value on its way to workers: an argument of a process, and perhaps a file that is sent after it.

    A process that is forked has the value itself. For any other it is pickled when the process starts; arrays go in a
    file, which the workers map: each may write to its arrays, and no other sees that, as after a fork.
    """

    def __init__(self, value: Any):
        self._value = value
        self._file: int | None = None
        self._pickled: tuple[bytes, list[int] | None] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        buffers: list[pickle.PickleBuffer] = []
        stream = io.BytesIO()
        try:
            ForkingPickler(stream, 5, True, buffers.append if SHARES else None).dump(self._value)
        except Exception as error:
            raise TypeError(
                f"DataLoader: the data set and functions cannot be pickled, and so not given to a worker process: "
                f"{error}. Define classes and functions at the top level of a module; or use workers='threads', or "
                "multiprocessing_context='fork'."
            ) from error
        raw = [buffer.raw() for buffer in buffers]
        if raw and self._file is None:
            self._file = written(raw)
        return _arrived, (stream.getvalue(), [len(part) for part in raw] if raw else None)

    def send_file(self, channel: Channel) -> None:
        """After the process was started with this as an argument."""
        if self._file is not None:
            channel.send_file(self._file)

    def close(self) -> None:
        """When all workers were started."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def open(self, channel: Channel) -> Any:
        """The value; in the worker."""
        if self._pickled is None:
            return self._value
        pickled, sizes = self._pickled
        if sizes is None:
            return pickle.loads(pickled)
        file = channel.receive_file()
        try:
            return pickle.loads(pickled, buffers=mapped(file, sizes, mmap.MAP_PRIVATE))
        finally:
            os.close(file)


def _arrived(pickled: bytes, sizes: list[int] | None) -> Luggage:
    luggage = Luggage(None)
    luggage._pickled = (pickled, sizes)
    return luggage
