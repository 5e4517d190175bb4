"""Running a user's function without side effects, for checks and drawings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.context import using
from .random import default_generator


@contextmanager
def isolated(**changes: Any) -> Iterator[None]:
    """Record operations, but keep running statistics, and restore the state of the default generator afterwards.

    A function thus draws the same numbers each time. Generators of the user's own advance.
    """
    with default_generator.rewound(), using(recording=True, replaying=True, **changes):
        yield
