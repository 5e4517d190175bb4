"""Ctrl-C, SIGTERM and SIGHUP end training after the current step."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from signal import _HANDLER

SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


class Stopping:
    """Within the block, :meth:`check` raises KeyboardInterrupt after a first signal; a second one raises it at once.

    So no step is left half done if ``check`` is called between steps. A signal that is ignored, as SIGHUP is under
    nohup, stays ignored. Outside the main thread, where Python handles no signals, nothing changes.

    Attributes:
        number: the number of the signal that was received, or None.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, _HANDLER] = {}

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
        with suppress(OSError):  # the terminal may be gone; print may not be called in a handler
            os.write(2, b"\nstopping after this step; repeat to stop at once\n")

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal was received."""
        if self.number is not None:
            raise KeyboardInterrupt

    @property
    def exit_code(self) -> int:
        """128 + the number of the signal, as shells report it."""
        return 128 + (self.number or signal.SIGINT)
