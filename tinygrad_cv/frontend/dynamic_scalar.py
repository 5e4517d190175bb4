"""A number that a compiled function reads at every call, such as a learning rate."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from ..core.errors import TraceError
from ..core.position import user_line
from .forward import Tensor

NAMES = {"lr": "a learning rate", "momentum": "a momentum"}  # of settings, in messages


class DynamicScalar:
    """A Python number whose value is not known while tracing: float64 arithmetic on a 0-d tensor.

    Arithmetic with numbers gives dynamic scalars; with a tensor it takes the tensor's dtype, as a number does.
    """

    __slots__ = ("name", "tensor")
    __array_ufunc__ = None  # NumPy's scalars defer to this class

    def __init__(self, tensor: Tensor, name: str):
        self.tensor, self.name = tensor, name

    def __repr__(self) -> str:
        return "<read at every call>"


def _arithmetic(name: str) -> Callable[..., Any]:
    def method(self: DynamicScalar, *others: Any) -> Any:
        if not all(isinstance(other, (int, float, np.number, DynamicScalar)) for other in others):
            return NotImplemented
        numbers = [other.tensor if isinstance(other, DynamicScalar) else float(other) for other in others]
        return DynamicScalar(getattr(self.tensor, name)(*numbers), self.name)

    return method


def _unknown(name: str) -> Callable[..., Any]:
    def method(self: DynamicScalar, *others: Any) -> NoReturn:
        raise TraceError(
            f"{name} of {NAMES.get(self.name, self.name)} while tracing, at {user_line()}: it is read at every call, "
            "so no branch can depend on it. Let a schedule set it, or set it outside of the jitted function."
        )

    return method


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _method in (f"__{_name}__", f"__r{_name}__"):
        setattr(DynamicScalar, _method, _arithmetic(_method))
for _method in ("__neg__", "__pos__", "__abs__"):
    setattr(DynamicScalar, _method, _arithmetic(_method))
for _method in ("bool", "float", "int", "round", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(DynamicScalar, f"__{_method}__", _unknown(f"{_method}()"))
DynamicScalar.__hash__ = object.__hash__  # type: ignore[method-assign]
