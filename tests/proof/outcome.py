"""What a check of the proof found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Outcome:
    """One check.

    Attributes:
        subject: the primitive or composite that it is about.
        check: how it was checked: "symbolic", "adjoint", "jacobian", ...
        case: the case by shapes, memory layout, order, ...
        problem: what is wrong; empty where the check holds.
        error: the largest error seen, as a share of what rounding allows; 0 where the check is exact.
    """

    subject: str
    check: str
    case: str
    problem: str = ""
    error: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.problem


class Wrong(Exception):
    """What a check raises: the problem in words, and the error as a share of what rounding allows."""

    def __init__(self, problem: str, error: float = 0.0):
        super().__init__(problem)
        self.error = error


def attempt(subject: str, check: str, case: str, holds: Callable[..., float], *args: Any) -> Outcome:
    """The outcome of ``holds(*args)``, which returns its error or raises :class:`Wrong`."""
    try:
        return Outcome(subject, check, case, error=holds(*args))
    except Wrong as wrong:
        return Outcome(subject, check, case, str(wrong), wrong.error)
    except Exception as error:  # a wrong derivative may fail in any way
        return Outcome(subject, check, case, f"{type(error).__name__}: {error}")
