"""Weights by length and direction, of spectral norm 1, orthogonal, or of mean 0 and variance 1, as parametrizations.

Names, arguments and state dicts are those of ``torch.nn.utils.parametrizations``; see :mod:`parametrize`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

from .. import functional as F
from ..core.annotations import explaining
from ..core.context import no_grad
from ..frontend.random import default_generator
from .arguments import positive
from .conv_transpose import ConvolutionTranspose
from .module import Module
from .orthogonal import orthogonal
from .parametrize import register_parametrization

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor

__all__ = ["orthogonal", "spectral_norm", "weight_norm", "weight_standardization"]

M = TypeVar("M", bound=Module)
FIRST = 15  # power iterations before the first call


class _WeightNorm(Module):
    def __init__(self, dim: int | None):
        super().__init__()
        self.dim = dim

    def _length(self, v: Tensor) -> Tensor:
        """The norm over all axes but one, which are kept; of all elements a number."""
        if self.dim in (None, -1):
            return v.norm()
        return v.norm(tuple(i for i in range(v.ndim) if i != self.dim), keepdims=True)

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / self._length(v))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return self._length(weight.detach()), weight.detach()


@explaining
def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Let a weight be g · v / norm(v), and learn its length g and its direction v apart.

    Source: Salimans and Kingma, "Weight normalization", 2016, eq. 2. The state dict has
    ``parametrizations.weight.original0``, g, and ``original1``, v.

    Args:
        dim: the axis that has a length for each index; None, or -1 as in PyTorch: one length of all elements.

    Raises:
        ValueError: the module has no such parameter, or it has no such axis.

    >>> import tinygrad_cv as tg
    >>> layer = tg.nn.parametrizations.weight_norm(tg.nn.Linear(20, 40))
    >>> {key: value.shape for key, value in layer.state_dict().items()}
    {'bias': (40,), 'parametrizations.weight.original0': (40, 1), 'parametrizations.weight.original1': (40, 20)}
    """
    ndim = getattr(module, name).ndim if hasattr(module, name) else 1
    if dim is not None and not -1 <= dim < ndim:
        raise ValueError(f"weight_norm: dim={dim} of {name} with {ndim} axes; use 0 to {ndim - 1}, or None.")
    return register_parametrization(module, name, _WeightNorm(dim), unsafe=True)


class _SpectralNorm(Module):
    def __init__(self, weight: Tensor, n_power_iterations: int, dim: int, eps: float):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.n_power_iterations = positive("spectral_norm", "n_power_iterations", n_power_iterations)
        if weight.ndim > 1:
            with no_grad():
                matrix = self._matrix(weight.detach())
                u, v = (default_generator.normal((n,), weight.dtype) for n in matrix.shape)
                self.register_buffer("_u", F.normalize(u, dim=0, eps=eps))
                self.register_buffer("_v", F.normalize(v, dim=0, eps=eps))
                self._iterate(matrix, FIRST)

    def _matrix(self, weight: Tensor) -> Tensor:
        """The weight with its axis ``dim`` as rows, all others as columns."""
        return weight.moveaxis(self.dim, 0).reshape(weight.shape[self.dim], -1)

    def _iterate(self, matrix: Tensor, times: int) -> None:
        """Bring u and v nearer to the first singular vectors."""
        u, v = self._u, self._v
        for _ in range(times):
            u = F.normalize(matrix @ v, dim=0, eps=self.eps)
            v = F.normalize(matrix.T @ u, dim=0, eps=self.eps)
        self._u.assign(u)
        self._v.assign(v)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = self._matrix(weight)
        if self.training:
            with no_grad():
                self._iterate(matrix.detach(), self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()  # a later step must not change what this one's gradient reads
        return weight / (u * (matrix @ v)).sum()

    def right_inverse(self, value: Tensor) -> Tensor:
        return value  # for all that is known, it has the norm 1 already


@explaining
def spectral_norm(
    module: M, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12, dim: int | None = None
) -> M:
    """Divide a weight by its largest singular value σ, for which u and v are kept: W / (uᵀ W v).

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018, algorithm 1. In training
    each reading of the weight takes ``n_power_iterations`` steps of u and v towards the first singular vectors. The
    state dict has ``parametrizations.weight.original``, and the buffers ``parametrizations.weight.0._u`` and ``._v``.

    Args:
        eps: the least length that a vector is divided by.
        dim: the axis of the outputs: None is 0, and 1 of transposed convolutions.

    Raises:
        ValueError: the module has no such parameter.

    >>> import tinygrad_cv as tg
    >>> layer = tg.nn.parametrizations.spectral_norm(tg.nn.Linear(20, 40))
    >>> list(layer.state_dict())
    ['bias', 'parametrizations.weight.original', 'parametrizations.weight.0._u', 'parametrizations.weight.0._v']
    """
    weight = getattr(module, name, None)
    if weight is None:
        raise ValueError(f"spectral_norm: {type(module).__name__} has no parameter {name!r}.")
    axis = (1 if isinstance(module, ConvolutionTranspose) else 0) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, axis, eps))


class _WeightStandardization(Module):
    def __init__(self, eps: float):
        super().__init__()
        self.eps = eps

    def forward(self, weight: Tensor) -> Tensor:
        return F.standardize(weight, tuple(range(1, weight.ndim)), self.eps)


@explaining
def weight_standardization(module: M, name: str = "weight", eps: float = 1e-5) -> M:
    """Let the weights of each filter have mean 0 and variance 1: (W - μ) / √(σ² + eps), over all axes but the first.

    Source: Qiao et al., "Micro-batch training with batch-channel normalization and weight standardization", 2019,
    eq. 7.

    Raises:
        ValueError: the module has no such parameter, or one of fewer than two weights a filter.

    >>> import tinygrad_cv as tg
    >>> conv = tg.nn.parametrizations.weight_standardization(tg.nn.Conv2d(3, 4, 3))
    >>> abs(conv.weight.mean((1, 2, 3))).max().item() < 1e-6
    True
    """
    weight = getattr(module, name, None)
    if weight is not None and math.prod(weight.shape[1:]) < 2:
        raise ValueError(
            f"weight_standardization: {name} of shape {weight.shape} has one number a filter, which has no variance."
        )
    return register_parametrization(module, name, _WeightStandardization(eps))
