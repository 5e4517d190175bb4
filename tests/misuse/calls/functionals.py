"""Functionals: of each the row of the comparison with PyTorch that gives most of its arrays."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.agreement.row import Fixed, Row
from tests.functional.agreement.table import rows
from tests.misuse.walk import Call

AVERAGES = ("running_mean", "running_var")


def calls() -> Iterator[tuple[str, Call]]:
    fullest: dict[str, dict[str, Any]] = {}
    for row in rows():
        given = bound(row)
        if row.name not in fullest or arrays(given) > arrays(fullest[row.name]):
            fullest[row.name] = given
    for name, given in fullest.items():
        yield f"functional.{name}", Call(getattr(F, name), partial(renewed, given), name)


def bound(row: Row) -> dict[str, Any]:
    """The row's arguments by parameter."""
    given = inspect.signature(getattr(F, row.name)).bind(*row.arguments, **row.options).arguments
    return {key: value.array if isinstance(value, Fixed) else value for key, value in given.items()}


def renewed(given: dict[str, Any]) -> dict[str, Any]:
    """Running averages are tensors, which training updates."""
    return {key: tg.tensor(x) if key in AVERAGES and x is not None else x for key, x in given.items()}


def arrays(given: dict[str, Any]) -> int:
    return sum(isinstance(value, np.ndarray) for value in given.values())
