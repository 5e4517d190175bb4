"""Running a function of the user's as if it had not been run: for checks and drawings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.context import using
from .random import default_generator


@contextmanager
def isolated(**changes: Any) -> Iterator[None]:
    """Inside, operations are recorded, running statistics stay as they are, and afterwards so does the random state.

    Draws from the default generator begin where it stands, so the same function gives the same values every time.
    Generators that the function was given by its user go on.
    """
    with default_generator.rewound(), using(recording=True, replaying=True, **changes):
        yield
