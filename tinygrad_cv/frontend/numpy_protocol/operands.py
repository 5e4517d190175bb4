"""What NumPy's functions are called with: tensors among arrays, numbers and nested lists."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ...core.errors import DTypeError
from ..forward import Tensor
from ..precision import in_single
from ..promotion import FLOAT, common_dtype, given


def holds_tensor(x: Any) -> bool:
    """Whether an argument is a tensor, or a nested list with one."""
    return any(map(holds_tensor, x)) if isinstance(x, (list, tuple)) else isinstance(x, Tensor)


def holds_graph(x: Any) -> bool:
    """Whether a gradient flows to an argument."""
    return any(map(holds_graph, x)) if isinstance(x, (list, tuple)) else isinstance(x, Tensor) and x.node is not None


def like_of(items: Iterable[Any]) -> Any:
    """The first tensor among arguments and nested lists; None where there is none."""
    for x in items:
        if isinstance(x, Tensor):
            return x
        if isinstance(x, (list, tuple)) and holds_tensor(x):
            return like_of(x)
    return None


def tensors(op: str, *items: Any) -> list[Tensor]:
    """Tensors, arrays and numbers as tensors, each of its own dtype; lists follow the tensors, as numbers do."""
    like = like_of(items)
    return [
        _listed(x, like) if isinstance(x, (list, tuple)) and not holds_tensor(x) else given(op, x, like) for x in items
    ]


def alike(op: str, *items: Any) -> list[Tensor]:
    """The same, all of one dtype."""
    return common_dtype(op, *tensors(op, *items))


def _listed(x: Any, like: Tensor) -> Tensor:
    array = np.asarray(x)
    return like._new(
        array.astype(like.dtype if like.dtype.kind == "f" else FLOAT) if array.dtype.kind == "f" else array
    )


def as_tensor(x: Any, like: Tensor) -> Tensor:
    """A tensor, or an array of any dtype as one."""
    if isinstance(x, Tensor):
        return x
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise DTypeError(f"{x!r} beside a tensor: NumPy's functions of tensors take tensors, arrays and numbers.")
    return like._new(array)


def filled(like: Tensor, value: Any, dtype: Any = None) -> Tensor:
    """One value in the shape of a tensor, and in its dtype unless another is named."""
    return like._new(np.full(like.shape, value, like.dtype if dtype is None else dtype))


def method(name: str, *parameters: str) -> Callable[..., Any]:
    """A method as a function with NumPy's argument names, in the method's order."""

    def call(x: Tensor, *args: Any, **kwargs: Any) -> Any:
        return getattr(x, name)(*args, *(kwargs[key] for key in parameters if key in kwargs))

    call.parameters = {"a", "arr", "array", "m", "x", *parameters}  # type: ignore[attr-defined]
    return call


def once(functions: dict[str, Any]) -> dict[str, Any]:
    """Functions that compute float16 in float32 and round once."""
    return {name: in_single(function, name) for name, function in functions.items()}
