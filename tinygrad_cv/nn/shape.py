"""Layers without arithmetic: Flatten and Identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..frontend.creation import asarray
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
        self.start_dim, self.end_dim = start_dim, end_dim

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
