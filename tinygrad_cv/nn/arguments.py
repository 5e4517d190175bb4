"""What constructors check, so that a wrong size is found where it is written."""

from __future__ import annotations

import operator
from collections.abc import Callable
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


class derived:
    """A layer's attribute that follows from its parameters: it can be set to what it is, and to nothing else."""

    def __init__(self, compute: Callable[[Any], Any]):
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, layer: Any, owner: type | None = None) -> Any:
        return self if layer is None else self.compute(layer)

    def __set__(self, layer: Any, value: Any) -> None:
        now = self.compute(layer)
        if value != now:
            raise AttributeError(
                f"{type(layer).__name__}.{self.name} = {value!r}: it follows from the layer's parameters, and is "
                f"{now}. Make a new layer, or give this one other parameters."
            )


def is_affine(layer: Any) -> bool:
    """Whether the layer learns γ."""
    return layer.weight is not None
