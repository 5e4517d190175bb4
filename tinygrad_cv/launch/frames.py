"""What watchers tell, taken out of the standard error that MPI's launcher collects."""

from __future__ import annotations

import json
from typing import Any

from .watch import BEGIN, END

LONGEST = 4096  # bytes of a frame


class Reader:
    """Parts the program's own output from frames.

    >>> reader = Reader()
    >>> reader.feed(BEGIN + b'{"rank": 1'), reader.feed(b"}" + END + b"epoch 1")
    ((b'', []), (b'epoch 1', [{'rank': 1}]))
    """

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, data: bytes) -> tuple[bytes, list[dict[str, Any]]]:
        """(what is the program's own, frames); what may be the beginning of a frame is kept for the next time."""
        data, own, frames = self._kept + data, b"", []
        while (begin := data.find(BEGIN)) >= 0 and (end := data.find(END, begin)) >= 0:
            text = data[begin + len(BEGIN) : end]
            own += data[:begin]
            try:
                frames.append(json.loads(text))
            except ValueError:  # something else came between, which is lost with the frame no more than need be
                own += text
            data = data[end + 1 :]
        begin = data.find(BEGIN)
        if begin < 0:
            begin = len(data) - next((n for n in range(len(BEGIN) - 1, 0, -1) if data.endswith(BEGIN[:n])), 0)
        if len(data) - begin > LONGEST:  # no frame is so long
            begin = len(data)
        self._kept = data[begin:]
        return own + data[:begin], frames

    def rest(self) -> bytes:
        """What was kept, when nothing more comes."""
        kept, self._kept = self._kept, b""
        return kept
