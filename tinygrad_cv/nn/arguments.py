"""Checks of constructor arguments, so that a wrong value is reported where the layer is made, not where it runs."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar, overload

from ..core.annotations import explain, raise_explained
from ..core.context import scope
from ..core.errors import ShapeError
from ..functional.arguments import LARGEST
from .looking import looking

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from .module import Module

S = TypeVar("S", bound=str)
V = TypeVar("V")


LEFT_OUT = {  # arguments of PyTorch's layers, and why there are none here
    "device": "everything is on the CPU. Leave it out",
    "dtype": "layers begin in float32. Leave it out; .to('float64') converts a layer or a model",
}


def constructing(init: Callable[..., None]) -> Callable[..., None]:
    """Run the ``__init__`` of a layer of this package so that its errors name the layer, and the argument."""

    @wraps(init)
    def call(self: Module, *args: Any, **kwargs: Any) -> None:
        if type(self).__init__ is not call:  # it is called by that of a subclass
            return init(self, *args, **kwargs)
        name = type(self).__name__
        with scope(name, "module"):
            try:
                return init(self, *args, **kwargs)
            except Exception as error:
                if isinstance(error, TypeError) and (left_out := _left_out(kwargs, error)):
                    raise TypeError(f"{name}: {left_out}") from None
                if not str(error).startswith(name):
                    raise_explained(init, (self, *args), kwargs, error, name)
                explain(init, (self, *args), kwargs, error)
                raise

    return call


def _left_out(kwargs: dict[str, Any], error: TypeError) -> str:
    """What to say of an argument that only PyTorch's layer has; empty if that is not the error."""
    for name in kwargs.keys() & LEFT_OUT.keys():
        if str(error).endswith(f"got an unexpected keyword argument '{name}'"):
            return f"{name}={kwargs[name]!r}; {LEFT_OUT[name]}."
    return ""


def positive(op: str, name: str, value: Any) -> int:
    """The value as an int, if it is an integer of at least 1 and at most ``LARGEST``.

    Raises:
        ShapeError: it is not.
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = 0
    if number < 1 or isinstance(value, bool):
        raise ShapeError(f"{op}: {name}={value!r}; it must be an integer of at least 1.")
    if number > LARGEST:
        raise ShapeError(f"{op}: {name}={value}; it must be at most {LARGEST}.")
    return number


def probability(op: str, p: float) -> float:
    """p, if it is in [0, 1].

    Raises:
        ValueError: it is not.
    """
    if not isinstance(p, (int, float)) or not 0.0 <= p <= 1.0:
        raise ValueError(f"{op}: p={p!r}; a probability must be in [0, 1].")
    return p


def above(op: str, name: str, value: float, low: float) -> float:
    """The value, if it is a finite number above ``low``.

    Raises:
        ValueError: it is not.
    """
    if not low < value < math.inf:
        raise ValueError(f"{op}: {name}={value}; it must be a number above {low:g}.")
    return value


def at_least(op: str, name: str, value: float, low: float) -> float:
    """The value, if it is a finite number not below ``low``.

    Raises:
        ValueError: it is not.
    """
    if not low <= value < math.inf:
        raise ValueError(f"{op}: {name}={value}; it must be a number of at least {low:g}.")
    return value


def one_of(op: str, name: str, value: S, choices: tuple[str, ...]) -> S:
    """The value, if it is one of the choices.

    Raises:
        ValueError: it is not.
    """
    if value not in choices:
        raise ValueError(f"{op}: {name}={value!r}; it must be one of {', '.join(map(repr, choices))}.")
    return value


class derived(Generic[V]):
    """A property computed from the layer's parameters. It can only be set to the value that it has."""

    def __init__(self, compute: Callable[[Any], V]):
        self.compute = compute
        self.__doc__ = compute.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, layer: None, owner: type) -> derived[V]: ...
    @overload
    def __get__(self, layer: Module, owner: type | None = None) -> V: ...
    def __get__(self, layer: Module | None, owner: type | None = None) -> V | derived[V]:
        return self if layer is None else self._now(layer)

    def _now(self, layer: Module) -> V:
        with looking():
            return self.compute(layer)

    def __set__(self, layer: Module, value: V) -> None:
        now = self._now(layer)
        if value != now:
            raise AttributeError(
                f"{type(layer).__name__}.{self.name} = {value!r}: it follows from the layer's parameters, and is "
                f"{now}. Make a new layer, or give this one other parameters."
            )


class Affine(Protocol):
    """A normalization layer: it learns γ unless its weight is None."""

    weight: Tensor | None


def is_affine(layer: Affine) -> bool:
    """Whether the layer learns γ."""
    return layer.weight is not None
