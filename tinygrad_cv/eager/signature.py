"""What the compiled code of a call depends on, as a hashable value."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from ..core.context import Context
from ..core.variable import Variable
from .memory_order import order_of

EXACT = frozenset((int, bool, str, type(None)))


def signature(
    function: Callable[..., Any], context: Context, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Hashable | None:
    """Function, modes, shapes, dtypes and memory orders, which arguments require a gradient, and all other arguments.

    None where an argument is of a kind that it cannot hold.
    """
    recording = context.recording
    parts: list[Any] = [function, recording, context.replaying]
    for x in (*args, *kwargs.values()) if kwargs else args:
        kind = type(x)
        if isinstance(x, Variable):
            value = x._value
            parts.append((value.shape, value.dtype, order_of(value), recording and x.node is not None))
        elif kind in EXACT:
            parts.append((kind, x))  # True equals 1
        elif kind is float:
            parts.append(x.hex())  # -0.0 equals 0.0, and NaN does not equal itself
        elif (kind is tuple or kind is list) and all(type(item) is int for item in x):
            parts.append((kind, *x))
        else:
            return None
    if kwargs:
        parts += kwargs
    return tuple(parts)
