"""What is checked: a function, the values of its inputs and parameters, their names, and notes on all of that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from ..core.errors import DTypeError, ShapeError
from ..frontend.tensor import Tensor
from .checked import Checked


class HasArray(Protocol):
    """A tensor or an array of another library."""

    def __array__(self, *args: Any, **kwargs: Any) -> Any: ...


Input: TypeAlias = Tensor | np.ndarray | np.floating | float | HasArray
Inputs: TypeAlias = Input | Sequence[Input]
Parameters: TypeAlias = Iterable[Any] | Mapping[str, Any] | None


@runtime_checkable
class HasParameters(Protocol):
    """A module, whose parameters are checked too."""

    def named_parameters(self) -> Iterable[tuple[str, Any]]: ...


@runtime_checkable
class HasBuffers(Protocol):
    """A module, whose buffers are float64 during a check."""

    def named_buffers(self) -> Iterable[tuple[str, Any]]: ...


@dataclass
class Subject:
    """A function to check, at these values of its inputs, the last of which may be parameters."""

    function: Checked
    arrays: list[np.ndarray]
    names: list[str]
    notes: list[str] = field(default_factory=list)


def listed(inputs: Inputs) -> list[Any]:
    """The inputs, which may be one or several."""
    given: list[Any] = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    if not given:
        raise ValueError("gradcheck: no inputs. Pass a tensor or an array, or a tuple of them.")
    return given


def named(parameters: Parameters, f: object) -> dict[str, Any]:
    """The parameters that are to be checked: those given, or else a module's own."""
    if parameters is None:
        return dict(f.named_parameters()) if isinstance(f, HasParameters) else {}
    if isinstance(parameters, Mapping):
        return dict(parameters)
    return {f"parameter {i}": tensor for i, tensor in enumerate(parameters)}


def float64(values: Sequence[np.ndarray], names: Sequence[str], notes: list[str]) -> list[np.ndarray]:
    """Copies of the values in float64; what is converted is noted."""
    arrays = []
    for value, name in zip(values, names, strict=True):
        if value.dtype.kind != "f":
            raise DTypeError(
                f"gradcheck: {name} has dtype {value.dtype}; only floats have derivatives. Use .astype('float64'), "
                "or keep it out of the inputs: gradcheck(lambda x: f(x, labels), x)."
            )
        if value.size == 0:
            raise ShapeError(f"gradcheck: {name} of shape {value.shape} holds no element; nothing can be checked.")
        if not np.isfinite(value).all():
            raise ValueError(f"gradcheck: {name} holds NaN or infinities; differences need finite values.")
        if value.dtype != np.float64:
            notes.append(f"{name} was converted from {value.dtype} to float64")
        arrays.append(np.array(value, np.float64, order="C"))
    return arrays


def plain(given: Sequence[Any], names: Sequence[str]) -> list[np.ndarray]:
    """The values of tensors, arrays and numbers."""
    for x, name in zip(given, names, strict=True):
        if not isinstance(x, (Tensor, np.ndarray, float, np.floating)):
            raise DTypeError(
                f"gradcheck: {name} is of type {type(x).__name__}; it must be a tensor, a NumPy array or a float. "
                "What has no derivative goes into the function: gradcheck(lambda x: f(x, labels), x)."
            )
    return [x.value if isinstance(x, Tensor) else np.asarray(x) for x in given]


def numbered(count: int) -> list[str]:
    """Names of that many inputs."""
    return [f"input {i}" for i in range(count)]


def failure(function: Checked, arrays: Sequence[np.ndarray]) -> str:
    """The error that a function raises at these inputs, or nothing."""
    try:
        function(arrays)
    except Exception as error:  # whatever a user's function raises
        return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
    return ""
