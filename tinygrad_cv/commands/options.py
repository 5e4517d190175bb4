"""What the commands share: how they end, and the numbers that they take."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

FINE, WRONG, MISUSED = 0, 1, 2


class UsageError(SystemExit):
    """The command was used wrongly, or could not read or write what it was given: one line, and exit code 2."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message, self.code = " ".join(message.split()), MISUSED


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
