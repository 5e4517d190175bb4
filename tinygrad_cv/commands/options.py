"""What the commands share: exit codes, and the types of numeric options."""

from __future__ import annotations

import argparse
import difflib
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

Number = TypeVar("Number", int, float)

OK, FAILED, USAGE = 0, 1, 2
EXIT_CODES = """Exit codes: 0 success; 1 the check failed; 2 wrong usage, or a file could not be read or written;
128 + n ended by signal n (130 for Ctrl-C)."""


class UsageError(SystemExit):
    """Wrong usage, or a file that could not be read or written: one line, and exit code 2."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message, self.code = " ".join(message.split()), USAGE


def exit_code(command: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command and return its exit code, also after Ctrl-C, a closed pipe or an error of the system.

    Raises:
        SystemExit: with code 2, for wrong usage; one line on stderr says what is wrong.
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
    except BrokenPipeError:  # the reader of the output has closed it
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def one_of(names: Sequence[str]) -> Callable[[str], str]:
    """The type of an option that takes one of many names; of another name the error shows those that are similar."""

    def convert(text: str) -> str:
        if text not in names:
            near = difflib.get_close_matches(text, names, 3, 0.4) or names
            raise argparse.ArgumentTypeError(f"there is no {text!r}; similar names: {', '.join(near)}")
        return text

    return convert


def positive(kind: type[Number]) -> Callable[[str], Number]:
    """The type of an option: a number above 0, and finite."""

    def parse(text: str) -> Number:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} must be above 0" + (", and finite" if value > 0 else ""))
        return value

    parse.__name__ = kind.__name__
    return parse


def between(least: float, most: float) -> Callable[[str], float]:
    """The type of an option: a number of at least one and below another."""

    def parse(text: str) -> float:
        value = float(text)
        if not least <= value < most:
            raise argparse.ArgumentTypeError(
                f"{text} must be at least {least:g}" + (f", and below {most:g}" if most < float("inf") else "")
            )
        return value

    parse.__name__ = "float"
    return parse


def natural(text: str) -> int:
    """The type of an option: a whole number of at least 0, and below 2^64, such as a seed."""
    value = int(text)
    if not 0 <= value < 1 << 64:
        raise argparse.ArgumentTypeError(f"{text} must be at least 0, and below 2^64")
    return value
