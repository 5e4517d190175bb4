"""Rows drawn and compared: every disagreement is reduced to a simple row, every refusal counted with its reason."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.functional.agreement.compare import disagreements, ours, theirs
from tests.functional.agreement.drawn import elements, images, losses, windows
from tests.functional.agreement.drawn.draws import Draws
from tests.functional.agreement.row import Row

DRAWN: dict[str, Callable[[Draws], Row]] = {**elements.DRAWN, **images.DRAWN, **losses.DRAWN, **windows.DRAWN}
Compare = Callable[[Row, dict[str, Any]], list[str]]


@dataclass
class Tally:
    """What became of the rows of one functional."""

    agreeing: int = 0
    second: int = 0  # of these with second derivatives
    refused: Counter[str] = field(default_factory=Counter)  # by both libraries: our reason
    refused_by_torch: Counter[str] = field(default_factory=Counter)  # and computed here: its reason
    wrong: str = ""


@st.composite
def _rows(draw: Any, name: str) -> Row:
    return DRAWN[name](Draws(draw))


def campaign(name: str, examples: int, number: int | None, compare: Compare, torch: Any) -> Tally:
    """Draw so many rows of a functional, from a seed or always the same, and compare each with PyTorch.

    Args:
        compare: says how a row disagrees with PyTorch's results of it.
    """
    tally = Tally()

    def check(row: Row) -> None:
        try:
            wanted = theirs(row, torch)
        except Exception as error:
            _refused(row, error, tally)
            return
        found = compare(row, wanted)
        assert not found, "\n".join([f"{row.name}({_shown(row)})", *found])
        tally.agreeing += 1
        tally.second += row.order >= 2

    options = settings(
        max_examples=examples,
        derandomize=number is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    run = options(given(_rows(name))(check))
    try:
        (run if number is None else seed(number)(run))()
    except Exception as error:  # also what came up in this library
        tally.wrong = f"{type(error).__name__}: {error}"
    return tally


def eager(row: Row, wanted: dict[str, Any]) -> list[str]:
    """In float64 with second derivatives, and in float32 with first ones."""
    first = {label: array for label, array in wanted.items() if not label.startswith("second")}
    return disagreements(row, ours(row), wanted) + disagreements(row, ours(row, "float32", 1), first, "float32")


def compiled(row: Row, wanted: dict[str, Any]) -> list[str]:
    return disagreements(row, ours(row, compiled=True), wanted)


def eager_and_compiled(first: int) -> Compare:
    """Eagerly, and the first rows compiled as well; once one of these disagrees all, so that it can be reduced."""
    left: float = first

    def compare(row: Row, wanted: dict[str, Any]) -> list[str]:
        nonlocal left
        found = eager(row, wanted)
        if not found and left:
            before, left = left, math.inf
            found = compiled(row, wanted)
            if not found:
                left = before - 1
        return found

    return compare


def _refused(row: Row, error: Exception, tally: Tally) -> None:
    try:
        ours(row)
    except (ValueError, TypeError, NotImplementedError) as own:
        tally.refused[_reason(own)] += 1
    else:
        tally.refused_by_torch[_reason(error)] += 1


def _reason(error: Exception) -> str:
    """The first sentence of a message, without its numbers."""
    return re.sub(r"-?\d+(\.\d+)?", "#", str(error).strip().partition("\n")[0].partition(". ")[0])[:160]


def _shown(row: Row) -> str:
    values = [*map(_word, row.arguments), *(f"{key}={_word(value)}" for key, value in row.options.items())]
    return ", ".join(values)


def _word(value: Any) -> str:
    array = getattr(value, "array", value)
    return f"<{array.shape} {array.dtype} strides {array.strides}>" if hasattr(array, "strides") else repr(value)
