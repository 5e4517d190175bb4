"""The functions on several tensors, for arrays and lists as well: where none is a tensor, the first becomes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, TypeVar, cast

from ..core.variable import Variable
from . import movement, reduction
from .creation import asarray

F = TypeVar("F", bound=Callable[..., Any])


def _among(items: Sequence[Any]) -> tuple[Any, ...]:
    return tuple(items) if any(isinstance(x, Variable) for x in items) else (*map(asarray, items[:1]), *items[1:])


def _of_a_sequence(function: F) -> F:
    @wraps(function)
    def call(tensors: Any, axis: int = 0) -> Any:
        return function(_among(tuple(tensors)), axis)

    return cast(F, call)


def _of_operands(function: F) -> F:
    @wraps(function)
    def call(*operands: Any) -> Any:
        spec = tuple(x for x in operands[:1] if isinstance(x, str))
        return function(*spec, *_among(operands[len(spec) :]))

    return cast(F, call)


concatenate, stack = _of_a_sequence(movement.concatenate), _of_a_sequence(movement.stack)
einsum, matmul = _of_operands(reduction.einsum), _of_operands(reduction.matmul)
