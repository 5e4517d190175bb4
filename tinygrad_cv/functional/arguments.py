"""Arguments that functionals share: sizes along spatial axes, paddings, output sizes."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from ..core.context import location
from ..core.errors import DTypeError, ShapeError
from ..core.variable import Variable
from ..frontend.given import GivenArray

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

P = ParamSpec("P")
R = TypeVar("R")  # a tensor, or a tuple of tensors
Size = int | Sequence[int]  # one number for all spatial axes, or one for each
OutputSize = int | Sequence[int | None] | None  # None keeps the input's size
Ratio = float | Sequence[float]
Pads = tuple[tuple[int, int], ...]  # (low, high) along each spatial axis
INTEGERS = {
    1: "an integer",
    2: "an integer or a pair of integers",
    3: "an integer or three integers",
}
LARGEST = 2**31 - 1  # a size above is a mistake, and a number of bytes could overflow
AXES = {1: "C x L", 2: "C x H x W", 3: "C x D x H x W"}  # the lecture's letters; a batch has N in front


def sizes(name: str, value: Any, dims: int, least: int = 1) -> tuple[int, ...]:
    """One number for each of ``dims`` spatial axes, from one for all or from a sequence, each at least ``least``.

    Raises:
        ShapeError: not integers, another number of them, or one below ``least`` or above ``LARGEST``.
    """
    several = isinstance(value, Sequence) and not isinstance(value, str)
    given = tuple(value) if several else (value,)
    given = given * dims if len(given) == 1 else given
    try:
        numbers = tuple(map(operator.index, given))
    except TypeError:
        numbers = ()
    if len(numbers) != dims:
        raise ShapeError(f"{name}={value!r}{location()}: it must be {INTEGERS[dims]}.")
    if min(numbers) < least:
        raise ShapeError(f"{name}={value!r}{location()}: it must be at least {least}.")
    if max(numbers) > LARGEST:
        raise ShapeError(f"{name}={value!r}{location()}: it must be at most {LARGEST}.")
    return numbers


def spatial(function: Callable[Concatenate[Tensor, int, P], R]) -> Callable[Concatenate[Tensor, int, P], R]:
    """Decorate a function of (N x C x ..., number of spatial axes), so that it takes C x ... as well.

    Its result is a tensor, or a tuple of tensors, of N images.

    Raises:
        ShapeError: the input has neither number of axes.
        DTypeError: its elements are not floats.
    """

    @wraps(function)
    def call(x: Tensor, dims: int, *args: P.args, **kwargs: P.kwargs) -> R:
        if x.ndim not in (dims + 1, dims + 2):
            raise ShapeError(
                f"input of shape {x.shape}{location()}: it must be N x {AXES[dims]}, or {AXES[dims]} without a batch: "
                f"{dims + 2} or {dims + 1} axes, not {x.ndim}."
            )
        if x.dtype.kind != "f":
            raise DTypeError(
                f"input of dtype {x.dtype}{location()}: images must be floats. Use .astype('float32') / 255."
            )
        if x.ndim == dims + 2:
            return function(x, dims, *args, **kwargs)
        y: Any = function(x.expand_dims(0), dims, *args, **kwargs)
        return cast(R, tuple(part.squeeze(0) for part in y) if isinstance(y, tuple) else y.squeeze(0))

    return call


def changeable(name: str, value: Any, change: str) -> None:
    """Raise DTypeError unless the value is a tensor of the caller's own, who will see a change in place."""
    if not isinstance(value, Variable) or isinstance(value, GivenArray):
        raise DTypeError(
            f"{name} is not a tensor{location()}: {change}, so it must be one. Use tg.tensor(...) once, and keep it."
        )


def output_size(
    size: Sequence[int], kernel: Sequence[int], stride: Sequence[int], padding: Pads, dilation: Sequence[int]
) -> tuple[int, ...]:
    """H' = floor((H + P_low + P_high - D (K - 1) - 1) / S) + 1 along each axis; the kernel must fit.

    Raises:
        ShapeError: the kernel is larger than the padded input.
    """
    out = []
    for n, k, s, (low, high), d in zip(size, kernel, stride, padding, dilation, strict=True):
        span = d * (k - 1) + 1
        if span > n + low + high:
            raise ShapeError(
                f"kernel of {k} (dilation {d}: it spans {span}) on an axis of size {n} with padding {low} + {high}"
                f"{location()}: the kernel is larger than the padded input of {n + low + high}. "
                "H' = floor((H + 2P - D(K - 1) - 1) / S) + 1 must be at least 1: pad more, or take a smaller kernel."
            )
        out.append((n + low + high - span) // s + 1)
    return tuple(out)


def bordered(x: Tensor, pads: Pads, value: float = 0.0) -> Tensor:
    """x padded by (low, high) along its last axes; x itself if all are 0."""
    return x.pad(((0, 0),) * (x.ndim - len(pads)) + pads, value) if any(map(any, pads)) else x
