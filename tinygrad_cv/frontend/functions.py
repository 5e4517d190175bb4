"""Functions that take whatever :func:`asarray` takes: arrays, numbers, lists, tensors of other libraries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from ..core.errors import DTypeError
from ..core.variable import Variable
from . import movement, products
from .creation import asarray
from .given import GivenArray
from .vocabulary import renamed

F = TypeVar("F", bound=Callable[..., Any])
TENSORS = ("x", "input", "target", "weight", "bias", "pos_weight")


def accepting(function: F) -> F:
    """Give a function tensors for its parameters of such names, whatever :func:`asarray` can make a tensor of.

    Raises:
        DTypeError: nothing can be made of it; the message names the parameter.
    """
    parameters = inspect.signature(function).parameters
    names = {  # and whether each may be left out
        name: parameter.default is None for name, parameter in parameters.items() if name in TENSORS
    }
    order = [name if name in names else None for name in parameters]
    while order[-1] is None:
        order.pop()

    def tensor(name: str, value: Any) -> Any:
        if value is None and names[name]:
            return None
        try:
            return asarray(value)
        except (DTypeError, TypeError) as error:
            raise DTypeError(
                f"{function.__name__}: {name} is of type {type(value).__name__}; it takes a tensor, an array, a number "
                f"or a list of numbers. {error}"
            ) from None

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for name, value in zip(order, args):  # noqa: B905 (fewer may be given)
            ready = isinstance(value, Variable) and type(value) is not GivenArray
            if name and not ready and (value is not None or not names[name]):
                args = tuple(tensor(order[i], v) if i < len(order) and order[i] else v for i, v in enumerate(args))  # type: ignore[arg-type]
                break
        if kwargs:
            kwargs = {name: tensor(name, value) if name in names else value for name, value in kwargs.items()}
        return function(*args, **kwargs)

    return cast(F, call)


def _among(items: Sequence[Any]) -> tuple[Any, ...]:
    """The items, at least one of them a tensor."""
    return tuple(items) if any(isinstance(x, Variable) for x in items) else (*map(asarray, items[:1]), *items[1:])


def _of_a_sequence(function: F) -> F:
    @wraps(function)
    def call(tensors: Any, axis: int = 0) -> Any:
        return function(_among(tuple(tensors)), axis)

    return cast(F, renamed(call))


def _of_operands(function: F) -> F:
    @wraps(function)
    def call(*operands: Any) -> Any:
        spec = tuple(x for x in operands[:1] if isinstance(x, str))
        return function(*spec, *_among(operands[len(spec) :]))

    return cast(F, call)


concatenate, stack = _of_a_sequence(movement.concatenate), _of_a_sequence(movement.stack)
einsum, matmul = _of_operands(products.einsum), _of_operands(products.matmul)
