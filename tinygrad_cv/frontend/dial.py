"""A number that a traced function reads anew at every call, as a learning rate is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..core.errors import TraceError
from ..core.position import user_line
from ..core.variable import Variable


class Dial:
    """A Python number whose value a trace does not know: the same arithmetic in float64, on a 0-d tensor.

    With numbers it gives dials; beside a tensor it takes the tensor's dtype, as a number does.
    """

    __slots__ = ("tensor",)
    __array_ufunc__ = None  # NumPy's numbers leave the arithmetic to it

    def __init__(self, tensor: Variable):
        self.tensor = tensor

    def __repr__(self) -> str:
        return "<read at every call>"


def _arithmetic(name: str) -> Callable[..., Any]:
    def method(self: Dial, *others: Any) -> Any:
        if not all(isinstance(other, (int, float, np.number, Dial)) for other in others):
            return NotImplemented
        numbers = [other.tensor if isinstance(other, Dial) else float(other) for other in others]
        return Dial(getattr(self.tensor, name)(*numbers))

    return method


def _unknown(name: str) -> Callable[..., Any]:
    def method(self: Dial, *others: Any) -> NoReturn:
        raise TraceError(
            f"{name} of a learning rate while tracing, at {user_line()}: it is read anew at every call, and no branch "
            "can depend on it. Let a Schedule set it, or set it outside of the jitted function."
        )

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _method in (f"__{_name}__", f"__r{_name}__"):
        setattr(Dial, _method, _arithmetic(_method))
for _method in ("__neg__", "__pos__", "__abs__"):
    setattr(Dial, _method, _arithmetic(_method))
for _method in ("bool", "float", "int", "round", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Dial, f"__{_method}__", _unknown(f"{_method}()"))
Dial.__hash__ = object.__hash__  # type: ignore[method-assign]
