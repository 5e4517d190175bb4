"""What constructors check, so that a wrong size is found where it is written."""

from __future__ import annotations

import operator
from typing import Any

from ..core.errors import ShapeError

REDUCTIONS = ("mean", "sum", "none")


def positive(op: str, name: str, value: Any) -> int:
    """A size: an integer of at least 1.

    Raises:
        ShapeError: it is not.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ShapeError(f"{op}: {name}={value!r}; it must be an integer of at least 1.")
    return number


def probability(op: str, p: float) -> float:
    """A number in [0, 1].

    Raises:
        ValueError: it is not.
    """
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{op}: p={p}; a probability must be in [0, 1].")
    return p


def one_of(op: str, name: str, value: Any, choices: tuple[str, ...]) -> Any:
    """One of the words that an argument takes.

    Raises:
        ValueError: another one.
    """
    if value not in choices:
        raise ValueError(f"{op}: {name}={value!r}; it must be one of {', '.join(map(repr, choices))}.")
    return value
