"""What the commands share: how they end, and the numbers that they take."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

FINE, WRONG, MISUSED = 0, 1, 2
CODES = """Exit codes: 0 fine; 1 what was checked is wrong; 2 used wrongly, or a file could not be read or written;
128 + the number of a signal that ended it (130 for Ctrl-C)."""


class UsageError(SystemExit):
    """The command was used wrongly, or could not read or write what it was given: one line, and exit code 2."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message, self.code = " ".join(message.split()), MISUSED


def ended(command: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command to its end, however it ends; its exit code.

    Raises:
        SystemExit: with code 2, where the command was used wrongly; its one line is on stderr.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # see starting.py
        with suppress(ValueError):  # not in the main thread
            signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = command(arguments)
        sys.stdout.flush()
        return code
    except UsageError as error:
        print(f"error: {error.message}", file=sys.stderr)
        raise
    except BrokenPipeError:  # whoever read the output has seen enough
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return MISUSED
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def positive(kind: type) -> Callable[[str], Any]:
    """An option's type: a number above 0, and finite."""

    def parse(text: str) -> Any:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} must be above 0" + (", and finite" if value > 0 else ""))
        return value

    parse.__name__ = kind.__name__
    return parse


def natural(text: str) -> int:
    """An option's type: a whole number of at least 0, and below 2^64, such as a seed."""
    value = int(text)
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"{text} must be at least 0, and below 2^64")
    return value
