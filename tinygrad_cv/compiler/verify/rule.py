"""How a rule that does not hold is told."""

from __future__ import annotations

from typing import Any


class VerificationError(AssertionError):
    """A stage has made something that does not hold together."""


def check(holds: Any, where: str, rule: str) -> None:
    """Raise unless it holds."""
    if not holds:
        raise VerificationError(f"{where}: {rule}")
