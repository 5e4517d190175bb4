"""Layers of one formula, y = γ (x - μ) / √(σ² + eps) + β, over the axes of an example, and of what leaves out μ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import functional as F
from ..core.errors import ShapeError
from ..frontend.creation import ones, zeros
from .arguments import derived, is_affine, positive
from .batch_norm import checked
from .module import Module
from .parameter import Parameter

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class LayerNorm(Module):
    """Normalize each example over its features (Ba, Kiros and Hinton, "Layer normalization", 2016, eq. 4).

    x: N x D, or any leading axes before those of ``normalized_shape``; γ and β have ``normalized_shape``.

    Args:
        normalized_shape: the sizes of the last axes, D or (C, H, W).
        elementwise_affine: learn γ (``weight``) and, where ``bias`` is true, β (``bias``).

    >>> import tinygrad_cv as tg
    >>> tg.nn.LayerNorm(2, eps=0.0)(tg.tensor([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    elementwise_affine = derived(is_affine)

    def __init__(
        self,
        normalized_shape: int | Sequence[int],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ):
        super().__init__()
        self.normalized_shape = _sizes("LayerNorm", normalized_shape)
        self.eps = eps
        self.weight = Parameter(ones(self.normalized_shape)) if elementwise_affine else None
        self.bias = Parameter(zeros(self.normalized_shape)) if elementwise_affine and bias else None

    def forward(self, x: TensorLike) -> Tensor:
        return F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, "
            f"bias={self.bias is not None}"
        )


class GroupNorm(Module):
    """Normalize groups of channels of each image (Wu and He, "Group normalization", 2018, eq. 7).

    x: N x C x H x W (or N x C x ...); γ and β are 1 x C x 1 x 1. With G = C it is instance normalization, with G = 1
    layer normalization over (C, H, W).

    Args:
        num_groups: G, a divisor of C.
        num_channels: C.
        affine: learn γ (``weight``) and, where ``bias`` is true, β (``bias``).

    Raises:
        ShapeError: a size below 1, or G does not divide C.

    >>> import tinygrad_cv as tg
    >>> tg.nn.GroupNorm(2, 4, eps=0.0)(tg.tensor([[1.0, 3.0, 5.0, 9.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    affine = derived(is_affine)

    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True, *, bias: bool = True
    ):
        super().__init__()
        self.num_groups = positive("GroupNorm", "num_groups", num_groups)
        self.num_channels = positive("GroupNorm", "num_channels", num_channels)
        if num_channels % num_groups:
            raise ShapeError(
                f"GroupNorm: num_groups={num_groups} with num_channels={num_channels}: num_groups must divide the "
                "number of channels."
            )
        self.eps = eps
        self.weight = Parameter(ones(num_channels)) if affine else None
        self.bias = Parameter(zeros(num_channels)) if affine and bias else None

    def forward(self, x: TensorLike) -> Tensor:
        x = checked(self, x, "num_channels", range(2, 33), "N x C x ...")
        return F.group_norm(x, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class RMSNorm(Module):
    """Divide each example by the root of the mean of its squares (Zhang and Sennrich, 2019, eq. 4).

    y = γ x / √(mean(x²) + eps), x: any leading axes before those of ``normalized_shape``.

    Args:
        normalized_shape: the sizes of the last axes, over which the mean is taken.
        eps: None is the unit of the dtype; see :func:`functional.rms_norm`.
        elementwise_affine: learn γ (``weight``).

    >>> import tinygrad_cv as tg
    >>> tg.nn.RMSNorm(2, eps=0.0)(tg.tensor([[3.0, 3.0]])).tolist()
    [[1.0, 1.0]]
    """

    elementwise_affine = derived(is_affine)

    def __init__(
        self, normalized_shape: int | Sequence[int], eps: float | None = None, elementwise_affine: bool = True
    ):
        super().__init__()
        self.normalized_shape = _sizes("RMSNorm", normalized_shape)
        self.eps = eps
        self.weight = Parameter(ones(self.normalized_shape)) if elementwise_affine else None

    def forward(self, x: TensorLike) -> Tensor:
        return F.rms_norm(x, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LocalResponseNorm(Module):
    """x / (k + alpha / size · Σ x²)^beta, the sum over ``size`` channels around that of x (Krizhevsky et al., 2012).

    x: N x C x L, N x C x H x W or N x C x ....

    Raises:
        ShapeError: size below 1; in a call, fewer than three axes.

    >>> import tinygrad_cv as tg
    >>> tg.nn.LocalResponseNorm(1, alpha=1.0, beta=1.0)(tg.tensor([[[1.0]]])).tolist()
    [[[0.5]]]
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0):
        super().__init__()
        self.size = positive("LocalResponseNorm", "size", size)
        self.alpha, self.beta, self.k = alpha, beta, k

    def forward(self, x: TensorLike) -> Tensor:
        return F.local_response_norm(x, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"


def _sizes(op: str, normalized_shape: int | Sequence[int]) -> tuple[int, ...]:
    """The sizes of the last axes."""
    sizes = normalized_shape if isinstance(normalized_shape, Sequence) else (normalized_shape,)
    return tuple(positive(op, "normalized_shape", n) for n in sizes)
