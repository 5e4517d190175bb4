"""The error that a verifier raises."""

from __future__ import annotations

from typing import Any


class VerificationError(AssertionError):
    """A stage made something that breaks a rule."""


def check(holds: Any, where: str, rule: str) -> None:
    """Raise unless the rule holds.

    Raises:
        VerificationError: naming the stage and what it made, and what is wrong with it.
    """
    if not holds:
        raise VerificationError(f"{where}: {rule}")
