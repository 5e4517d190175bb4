"""What all losses share: how the losses of examples become one number, and which shapes fit each other."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Literal, TypeVar, cast, get_args

from ...core.context import location
from ...core.errors import ShapeError
from ...frontend.functions import composed
from ...frontend.promotion import expand

if TYPE_CHECKING:
    from ...frontend.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
Reduction = Literal["mean", "sum", "none"]
REDUCTIONS: tuple[Reduction, ...] = get_args(Reduction)
SIZE_AVERAGE, REDUCE = "size_average", "reduce"


def loss(function: F) -> F:
    """Decorate a loss: :func:`composed`, and it takes PyTorch's older arguments too."""
    return composed(taking_older_arguments(function))


def taking_older_arguments(function: F) -> F:
    """Decorate a function of ``size_average``, ``reduce`` and ``reduction``: it reads ``reduction`` alone.

    The other two are what PyTorch had before: ``reduce=False`` means "none", ``size_average=False`` "sum"; where one of
    them is not None, it overrides ``reduction``.
    """
    signature = inspect.signature(function)
    first = list(signature.parameters).index(SIZE_AVERAGE)
    name = function.__qualname__.removesuffix(".__init__")

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if len(args) <= first and SIZE_AVERAGE not in kwargs and REDUCE not in kwargs:
            return function(*args, **kwargs)
        given = signature.bind(*args, **kwargs).arguments
        older = {key: _truth(name, key, given.pop(key, None)) for key in (SIZE_AVERAGE, REDUCE)}
        if any(value is not None for value in older.values()):
            given["reduction"] = "none" if older[REDUCE] is False else "sum" if older[SIZE_AVERAGE] is False else "mean"
        return function(**given)

    return cast(F, call)


def _truth(name: str, key: str, value: Any) -> bool | None:
    if not (value is None or isinstance(value, bool)):
        raise ValueError(f"{name}: {key}={value!r}; it must be True, False or None. Use reduction='mean' by name.")
    return value


def reduced(losses: Tensor, reduction: Reduction, count: Tensor | None = None) -> Tensor:
    """The losses, their sum, or their mean, which is their sum divided by ``count`` if that is given.

    Raises:
        ShapeError: the mean of nothing.
        ValueError: another reduction.
    """
    check_reduction(reduction)
    if reduction == "none":
        return losses
    if reduction == "sum":
        return losses.sum()
    if losses.size == 0:
        raise ShapeError(f"mean loss over nothing{location()}: the batch is empty (shape {losses.shape}).")
    return losses.mean() if count is None else losses.sum() / count


def check_reduction(reduction: str) -> None:
    """Raise unless it is one of the three."""
    if reduction not in REDUCTIONS:
        raise ValueError(f"reduction={reduction!r}{location()}: it must be 'mean', 'sum' or 'none'.")


def check_equal(**shapes: tuple[int, ...]) -> None:
    """Raise unless all shapes are equal.

    Raises:
        ShapeError: two differ. Broadcasting (N,) with (N, 1) would compare every input with every target.
    """
    if len(set(shapes.values())) > 1:
        named = ", ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
        raise ShapeError(
            f"{named}{location()}: they must be equal; broadcasting would compare every input with every target."
        )


def check_weight(weight: Tensor, shape: tuple[int, ...]) -> None:
    """Raise unless there is one weight for each element."""
    if weight.shape != shape:
        raise ShapeError(
            f"weight of shape {weight.shape}, input of shape {shape}{location()}: it must be {shape}, a weight for "
            "each element."
        )


def broadcast(name: str, tensor: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The tensor repeated to a shape, which stays what it is.

    Raises:
        ShapeError: it has more axes, or a size that is neither that of the shape nor 1.
    """
    lead = len(shape) - tensor.ndim
    if lead < 0 or any(n not in (1, shape[i + lead]) for i, n in enumerate(tensor.shape)):
        raise ShapeError(
            f"{name} of shape {tensor.shape}, losses of shape {shape}{location()}: it must broadcast to {shape}: from "
            "the last axis backwards, sizes must be equal, or 1 or missing in the first."
        )
    return expand(tensor, shape)


def check_signs(target: Tensor) -> None:
    """Raise unless all targets are 1 or -1."""
    if not ((target == 1) | (target == -1)).holds():
        raise ValueError(
            f"target of shape {target.shape}{location()}: each must be 1 or -1. Of targets that are 0 or 1, take "
            "2 * target - 1."
        )
