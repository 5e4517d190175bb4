"""Layers without arithmetic: Flatten, its inverse, and Identity."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..core.context import location
from ..core.errors import ShapeError
from ..frontend.creation import asarray
from ..frontend.movement import axis_of, whole
from .module import Module

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Flatten(Module):
    """Merges the axes ``start_dim`` to ``end_dim`` into one: N x C x H x W to N x CHW.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Flatten()(tg.ones(2, 50, 7, 7)).shape
    (2, 2450)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1):
        super().__init__()
        self.start_dim, self.end_dim = whole("Flatten", "start_dim", start_dim), whole("Flatten", "end_dim", end_dim)

    def forward(self, x: TensorLike) -> Tensor:
        return asarray(x).flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Identity(Module):
    """Returns x unchanged, as a tensor: a placeholder for another layer. Any constructor arguments are ignored.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Identity()(tg.ones(2)).tolist()
    [1.0, 1.0]
    """

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__()

    def forward(self, x: TensorLike) -> Tensor:
        return asarray(x)


class Unflatten(Module):
    """Splits the axis ``dim`` into several: N x CHW to N x C x H x W. One of their sizes may be -1.

    >>> import tinygrad_cv as tg
    >>> tg.nn.Unflatten(1, (50, 7, -1))(tg.ones(2, 2450)).shape
    (2, 50, 7, 7)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]):
        super().__init__()
        self.dim = dim
        self.unflattened_size = _parts("Unflatten", unflattened_size)

    def forward(self, x: TensorLike) -> Tensor:
        x = asarray(x)
        axis = axis_of("Unflatten", self.dim, x.ndim)
        parts, size = list(self.unflattened_size), x.shape[axis]
        known = math.prod(n for n in parts if n != -1)
        fits = known > 0 and size % known == 0 if -1 in parts else size == known
        if not fits:
            raise ShapeError(
                f"axis {axis} of {x.shape}, unflattened_size={self.unflattened_size}{location()}: it has {size} "
                "elements; the product of the sizes must be as many."
            )
        return x.reshape(*x.shape[:axis], *parts, *x.shape[axis + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


def _parts(op: str, value: Any) -> tuple[int, ...]:
    """Sizes of axes, of which one may be -1."""
    several = isinstance(value, Sequence) and not isinstance(value, str)
    try:
        parts = tuple(map(operator.index, value)) if several else ()
    except TypeError:
        parts = ()
    if min(parts, default=-2) < -1 or parts.count(-1) > 1:
        raise ShapeError(f"{op}: unflattened_size={value!r}; it must be a tuple of sizes, one of which may be -1.")
    return parts
