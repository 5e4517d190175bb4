"""Ctrl-C, SIGTERM and SIGHUP end a training after the step that it is at."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import Any

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Stopping:
    """While entered, the first signal is noted, and :meth:`check` raises KeyboardInterrupt; a second raises at once.

    So a step is never half done where it is checked between steps. A signal that is ignored, as SIGHUP is under nohup,
    stays ignored; and outside the main thread, where Python takes no signals, nothing changes.

    Attributes:
        number: of the signal that came, or None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():
            for name in SIGNALS:
                number = getattr(signal, name, None)
                if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
                    self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        again, self.number = self.number is not None, number
        if again:
            raise KeyboardInterrupt
        with suppress(OSError):  # a terminal that hung up; a print could be inside of another one
            os.write(2, b"\nstopping after this step; once more: at once\n")

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has come."""
        if self.number is not None:
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """As shells have it: 128 + the signal."""
        return 128 + (self.number or signal.SIGINT)
