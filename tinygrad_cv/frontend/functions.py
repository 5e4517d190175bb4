"""Functions that accept whatever :func:`asarray` does: arrays, numbers, lists, tensors of other libraries."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import compress
from typing import Any, TypeVar, cast

import numpy as np

from ..core.annotations import explaining, raise_explained
from ..core.context import scoped
from ..core.errors import DTypeError
from ..core.variable import Variable
from ..ops.arrays import HALF
from . import arrangement, movement, products
from .creation import asarray, converted
from .given import GivenArray
from .precision import in_single
from .tensor import Tensor
from .vocabulary import renamed

F = TypeVar("F", bound=Callable[..., Any])


def tensors_of(function: Callable[..., Any]) -> dict[str, bool]:
    """The parameters annotated ``Accepted``: each name, and whether the parameter may be None."""
    annotations = inspect.unwrap(function).__annotations__
    return {
        name: "None" in annotation
        for name, annotation in annotations.items()
        if name != "return" and str(annotation).startswith("Accepted")
    }


def accepting(function: F) -> F:
    """Convert a function's arguments that are annotated ``Accepted`` to tensors with :func:`asarray`.

    Python floats do not change the dtype of the floats beside them.

    Raises:
        DTypeError, ShapeError: an argument cannot be converted, or the call failed and another argument is not what its
            annotation says; the message names the parameter.
    """
    names = tensors_of(function)
    order = list(inspect.signature(function).parameters)

    def tensor(name: str, value: Any, dtype: np.dtype | None = None) -> Any:
        if value is None and names[name]:
            return None
        return converted(function.__name__, name, value, dtype)

    def with_tensors(args: Any, kwargs: Any) -> Any:
        given = {key: x for key, x in (*zip(order, args), *kwargs.items()) if key in names}  # noqa: B905
        found = {key: tensor(key, x) for key, x in given.items() if type(x) is not float}
        dtype = next((x.dtype for x in found.values() if x is not None and x.dtype.kind == "f"), None)
        found |= {key: tensor(key, x, dtype) for key, x in given.items() if type(x) is float}
        placed = [found.get(key, x) for key, x in zip(order, args)]  # noqa: B905
        named = {key: found.get(key, x) for key, x in kwargs.items()}
        return function(*placed, *args[len(placed) :], **named)

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return with_tensors(args, kwargs)
        except Exception as error:
            raise_explained(function, args, kwargs, error)
            raise

    return cast(F, call)


def composed(function: F) -> F:
    """Decorate a function that composes operations: a scope, arguments by :func:`asarray`, float16 in float32.

    Tensors of other dtypes need only the scope; checking for that first keeps small operations fast. If a call fails
    and an argument is not what its annotation says, that is the error.
    """
    usual, other = scoped(function), accepting(scoped(in_single(function)))
    names = tensors_of(function)
    is_tensor = [name in names for name in inspect.signature(function).parameters]

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            for value in compress(args, is_tensor):
                if not isinstance(value, Variable) or value._value.dtype == HALF or type(value) is GivenArray:
                    return other(*args, **kwargs)
            if kwargs:
                return (usual if names.keys().isdisjoint(kwargs) else other)(*args, **kwargs)
            return usual(*args)
        except Exception as error:
            raise_explained(function, args, kwargs, error)
            raise

    return cast(F, call)


def _among(op: str, name: str, items: Sequence[Any]) -> tuple[Any, ...]:
    """The items, of which at least one is made a tensor."""
    if not items or any(isinstance(x, Variable) for x in items):
        return tuple(items)
    return (converted(op, name, items[0]), *items[1:])


def _of_a_sequence(function: F) -> F:
    @wraps(function)
    def call(tensors: Any, axis: int = 0) -> Any:
        name = function.__name__
        if isinstance(tensors, str) or not isinstance(tensors, Iterable):
            raise DTypeError(f"{name}: tensors={tensors!r}; it takes a sequence of tensors, arrays and numbers.")
        return function(_among(name, "tensors[0]", tuple(tensors)), axis)

    return cast(F, renamed(call))


def _of_operands(function: F) -> F:
    @wraps(function)
    def call(*operands: Any) -> Any:
        spec = tuple(x for x in operands[:1] if isinstance(x, str))
        return function(*spec, *_among(function.__name__, "operands[0]", operands[len(spec) :]))

    return cast(F, call)


concatenate, stack = _of_a_sequence(movement.concatenate), _of_a_sequence(movement.stack)
cat = concatenate


@wraps(arrangement.meshgrid)
@explaining
def meshgrid(*tensors: Any, indexing: str = "xy", sparse: bool = False) -> tuple[Tensor, ...]:
    several = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    return arrangement.meshgrid(*map(asarray, several), indexing=indexing, sparse=sparse)


einsum, matmul = explaining(_of_operands(products.einsum)), explaining(_of_operands(products.matmul))
