"""What type checkers see of functions that return maxima, or maxima and their places with ``return_indices``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast, overload

from ..frontend.functions import composed
from .arguments import OutputSize, Ratio, Size

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import Accepted

Pooled = Any  # what the functions themselves and layers return: a tensor, or a pair of them


class MaxPool(Protocol):
    """Of windows: of a literal ``return_indices`` it is known what is returned."""

    @overload
    def __call__(
        self,
        input: Accepted,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
        return_indices: Literal[False] = False,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Accepted,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
        *,
        return_indices: Literal[True],
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self,
        input: Accepted,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]: ...


class AdaptiveMaxPool(Protocol):
    """The same of windows that tile an image."""

    @overload
    def __call__(self, input: Accepted, output_size: OutputSize, return_indices: Literal[False] = False) -> Tensor: ...
    @overload
    def __call__(
        self, input: Accepted, output_size: OutputSize, return_indices: Literal[True]
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self, input: Accepted, output_size: OutputSize, return_indices: bool
    ) -> Tensor | tuple[Tensor, Tensor]: ...


class FractionalMaxPool(Protocol):
    """The same of windows at random places."""

    @overload
    def __call__(
        self,
        input: Accepted,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        return_indices: Literal[False] = False,
        _random_samples: Accepted | None = None,
    ) -> Tensor: ...
    @overload
    def __call__(
        self,
        input: Accepted,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        *,
        return_indices: Literal[True],
        _random_samples: Accepted | None = None,
    ) -> tuple[Tensor, Tensor]: ...
    @overload
    def __call__(
        self,
        input: Accepted,
        kernel_size: Size,
        output_size: Size | None = None,
        output_ratio: Ratio | None = None,
        return_indices: bool = False,
        _random_samples: Accepted | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]: ...


def max_pooling(function: Callable[..., Any]) -> MaxPool:
    """:func:`composed`, with the types of :class:`MaxPool`."""
    return cast("MaxPool", composed(function))


def adaptive_max_pooling(function: Callable[..., Any]) -> AdaptiveMaxPool:
    """:func:`composed`, with the types of :class:`AdaptiveMaxPool`."""
    return cast("AdaptiveMaxPool", composed(function))


def fractional_max_pooling(function: Callable[..., Any]) -> FractionalMaxPool:
    """:func:`composed`, with the types of :class:`FractionalMaxPool`."""
    return cast("FractionalMaxPool", composed(function))
