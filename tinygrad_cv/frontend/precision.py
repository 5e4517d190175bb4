"""float16: a function composed of several operations computes in float32 and rounds its result once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from typing import cast as typed

import numpy as np

from ..ops.arrays import HALF
from .forward import Tensor
from .promotion import FLOAT, cast, different_floats

F = TypeVar("F", bound=Callable[..., Any])
ARRAYS = (Tensor, np.ndarray)


def in_single(function: F, name: str = "") -> F:
    """Convert a composed function's float16 arguments to float32, and its results back.

    Both conversions are recorded, so derivatives of every order are computed in float32 and rounded once, too.

    >>> import numpy as np, tinygrad_cv as tg
    >>> tg.tensor(np.full(1000, 100, np.float16)).mean()
    tensor(100., shape=(), dtype=float16)
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        for value in (*args, *kwargs.values()) if kwargs else args:
            if isinstance(value, Tensor):
                if value._value.dtype == HALF:
                    return _widened(function, name, args, kwargs)
            elif isinstance(value, np.ndarray) and value.dtype == HALF:
                return _widened(function, name, args, kwargs)
        return function(*args, **kwargs) if kwargs else function(*args)  # an empty ** would be copied

    return typed(F, call)


def _widened(function: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    floats = {str(x.dtype) for x in (*args, *kwargs.values()) if isinstance(x, ARRAYS) and x.dtype.kind == "f"}
    if len(floats) > 1:
        raise different_floats(name or function.__name__.strip("_"), sorted(floats))
    result = function(*map(_wide, args), **{name: _wide(value) for name, value in kwargs.items()})
    return tuple(map(_narrow, result)) if isinstance(result, tuple) else _narrow(result)


def _wide(value: Any) -> Any:
    if not isinstance(value, ARRAYS) or value.dtype != HALF:
        return value
    return cast(value, FLOAT) if isinstance(value, Tensor) else value.astype(FLOAT)


def _narrow(value: Any) -> Any:
    return cast(value, HALF) if isinstance(value, Tensor) and value._value.dtype == FLOAT else value
