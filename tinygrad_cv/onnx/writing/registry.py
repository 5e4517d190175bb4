"""Who writes what: a table of the composed functions and one of the primitives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from ...ir.graph import Value
    from .block import Block
    from .program import Call

Written: TypeAlias = "str | None"  # the name of the first result; None where no operator does the same
FUNCTIONS: dict[str, tuple[Callable[[Block, Call], Written], tuple[str, ...]]] = {}
PRIMITIVES: dict[str, Callable[[Block, Value], str]] = {}


def function(
    *names: str, free: tuple[str, ...] = ()
) -> Callable[[Callable[[Block, Call], Written]], Callable[[Block, Call], Written]]:
    """Decorate what writes composed functions, by their names. It returns None where no operator does the same.

    Args:
        free: arguments that may follow from a size that is left open, since the writer asks for the result's sizes.
    """

    def enter(writer: Callable[[Block, Call], Written]) -> Callable[[Block, Call], Written]:
        FUNCTIONS.update(dict.fromkeys(names, (writer, free)))
        return writer

    return enter


def primitive(*names: str) -> Callable[[Callable[[Block, Value], str]], Callable[[Block, Value], str]]:
    """Decorate what writes primitives, by their names."""

    def enter(writer: Callable[[Block, Value], str]) -> Callable[[Block, Value], str]:
        PRIMITIVES.update(dict.fromkeys(names, writer))
        return writer

    return enter
