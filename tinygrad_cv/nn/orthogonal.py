"""Weights with orthonormal columns or rows, as a parametrization: three maps from matrices, composed of products.

All are of a skew-symmetric matrix A = L - Lᵀ, L the lower triangle of what is learned, or of its columns. No matrix is
decomposed on the way, and where one is inverted its symmetric part is positive definite, so that elimination needs no
pivots, which would depend on values.
"""

from __future__ import annotations

import math
from typing import TypeVar

import numpy as np

from ..core.annotations import explaining
from ..core.context import location, no_grad
from ..core.errors import ShapeError
from ..frontend.creation import eye, full, ones, tensor
from ..frontend.movement import concatenate
from ..frontend.precision import in_single
from ..frontend.random import default_generator
from ..frontend.tensor import Tensor
from .arguments import one_of
from .module import Module
from .parametrize import register_parametrization

M = TypeVar("M", bound=Module)
MAPS = ("matrix_exp", "cayley", "householder")
DEGREE, STRIDE = 15, 4  # of exp's Taylor polynomial, and of the power that its Horner scheme steps by
SMALL = 0.5  # |A| up to which the polynomial has 16 digits: 0.5¹⁶ / 16! is below 10⁻¹⁷
SQUARINGS = 12  # exp is as exact as the dtype up to |A| = SMALL · 2¹², 650 turns


class _Orthogonal(Module):
    def __init__(self, shape: tuple[int, ...], orthogonal_map: str, use_trivialization: bool):
        super().__init__()
        self.shape, self.orthogonal_map, self.use_trivialization = shape, orthogonal_map, use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        q = _columns(x.mT if wide else x, self.orthogonal_map)
        if self.use_trivialization:
            q = self.base @ q
        return q.mT if wide else q

    def right_inverse(self, value: Tensor) -> Tensor:
        if value.shape != self.shape:
            raise ShapeError(f"orthogonal: a weight of shape {value.shape}{location()}; it must be {self.shape}.")
        wide = value.shape[-2] < value.shape[-1]
        weight = value.detach().numpy().astype(np.float64)
        tall = weight.swapaxes(-1, -2) if wide else weight
        if not self.use_trivialization:
            if self.orthogonal_map != "householder":
                raise NotImplementedError(
                    f"orthogonal: {self.orthogonal_map} of nothing but the weight has no inverse, so the weight cannot "
                    "be set. Use use_trivialization=True, or set what it is made of."
                )
            original = _reflectors(tall)
        else:
            original = np.broadcast_to(-np.eye(*tall.shape[-2:]), tall.shape)  # of which each map makes the identity
            with no_grad():
                self.base = tensor(_basis(tall, float(np.finfo(value.dtype).eps)), value.dtype)
        return tensor(original.swapaxes(-1, -2) if wide else original, value.dtype)


@explaining
def orthogonal(
    module: M, name: str = "weight", orthogonal_map: str | None = None, *, use_trivialization: bool = True
) -> M:
    """Let the columns of a weight ... x m x n be orthonormal, or its rows where m < n.

    With A = L - Lᵀ, L the lower triangle of the original (of its columns, filled up with zeros), the weight is the
    first columns of B Q(A): of exp A (``matrix_exp``) or of (I - A / 2)⁻¹ (I + A / 2) (``cayley``); or Q is the product
    of the reflections I - 2 v vᵀ / |v|² for the columns v of the original below its diagonal of ones
    (``householder``). The state dict has ``parametrizations.weight.original``, and B, a square matrix, as
    ``parametrizations.weight.0.base``.

    The weight is at first the one there is, if it is orthogonal, and otherwise the factor Q of its QR decomposition.
    ``cayley`` and ``householder`` eliminate by halves, so that each of the columns adds some operations to the graph;
    ``matrix_exp`` is 18 products of matrices. PyTorch multiplies the columns of ``householder`` by the diagonal of the
    original without its fraction, so that any weight decay makes them 0; here it is the sign of the diagonal.

    Source: Lezcano-Casado, "Trivializations for gradient-based optimization on manifolds", 2019.

    Args:
        orthogonal_map: by default matrix_exp for square matrices, and householder for others.
        use_trivialization: multiply by B; without it ``matrix_exp`` and ``cayley`` begin with the original weight as
            what is learned, and the weight cannot be set.

    Raises:
        ValueError: the module has no such parameter, or another orthogonal_map.
        ShapeError: the parameter has fewer than two axes.

    >>> import tinygrad_cv as tg
    >>> layer = tg.nn.parametrizations.orthogonal(tg.nn.Linear(20, 40))
    >>> abs(layer.weight.T @ layer.weight - tg.eye(20)).max().item() < 1e-5
    True
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"orthogonal: {type(module).__name__} has no parameter {name!r}.")
    if weight.ndim < 2:
        raise ShapeError(f"orthogonal: {name} of shape {weight.shape}; it must be a matrix, or a batch of matrices.")
    square = weight.shape[-1] == weight.shape[-2]
    default = "matrix_exp" if square else "householder"
    chosen = default if orthogonal_map is None else one_of("orthogonal", "orthogonal_map", orthogonal_map, MAPS)
    return register_parametrization(module, name, _Orthogonal(weight.shape, chosen, use_trivialization), unsafe=True)


# --- the maps ---


@in_single
def _columns(x: Tensor, name: str) -> Tensor:
    """The orthonormal columns that a map makes of a tall matrix, ... n x k."""
    n, k = x.shape[-2:]
    if name == "householder":
        return _reflected(x)
    lower = x.tril()
    if n != k:
        lower = lower.pad([(0, 0)] * (x.ndim - 1) + [(0, n - k)])
    a = lower - lower.mT
    return (_exponential(a) if name == "matrix_exp" else _cayley(a))[..., :k]


def _exponential(a: Tensor) -> Tensor:
    """exp A of a skew-symmetric matrix: exp(A / 2ˢ), squared s times."""
    length = a.detach().square().sum((-2, -1), keepdims=True).sqrt() * math.sqrt(0.5)  # at least |A|
    halved = [length > SMALL * 2.0**i for i in range(SQUARINGS)]
    scale = full((), 1.0, a.dtype)
    for again in halved:
        scale = again.where(scale * 0.5, scale)
    a = a * scale
    powers = [eye(a.shape[-1], dtype=a.dtype), a, square := a @ a, a @ square]
    step = square @ square

    def block(first: int) -> Tensor:
        terms = (power * (1.0 / math.factorial(first + i)) for i, power in enumerate(powers))
        return sum(terms, start=next(terms))

    x = block(DEGREE + 1 - STRIDE)
    for first in range(DEGREE + 1 - 2 * STRIDE, -1, -STRIDE):
        x = x @ step + block(first)
    for again in halved:
        x = again.where(x @ x, x)
    return x


def _cayley(a: Tensor) -> Tensor:
    """(I - A / 2)⁻¹ (I + A / 2) of a skew-symmetric matrix."""
    identity = eye(a.shape[-1], dtype=a.dtype)
    return _inverse(identity - a * 0.5) @ (identity + a * 0.5)


def _reflected(x: Tensor) -> Tensor:
    """The first columns of the product of reflections I - 2 v vᵀ / |v|², times the signs of x's diagonal.

    With the vectors v as the columns of V the product is I - V T Vᵀ, where T⁻¹ is the upper triangle of Vᵀ V with half
    of its diagonal (Joffrain et al., "Accumulating Householder transformations, revisited", 2006).
    """
    n, k = x.shape[-2:]
    v = x.tril(-1) + eye(n, k, dtype=x.dtype)
    upper = ones(k, k, dtype=x.dtype).triu(1) + eye(k, dtype=x.dtype) * 0.5
    t = _inverse(v.mT @ v * upper)
    signs = (x.detach()[..., :k, :] * eye(k, dtype=x.dtype)).sum(-2, keepdims=True).sign()
    return (eye(n, k, dtype=x.dtype) - v @ t @ v[..., :k, :].mT) * signs


def _inverse(m: Tensor) -> Tensor:
    """The inverse of a matrix whose symmetric part is positive definite, and so is that of what elimination leaves."""
    n = m.shape[-1]
    if n == 1:
        return 1.0 / m
    h = n // 2
    upper, lower = m[..., :h, :], m[..., h:, :]
    first, right = _inverse(upper[..., :h]), upper[..., h:]
    below = lower[..., :h] @ first
    last = _inverse(lower[..., h:] - below @ right)
    beside = first @ right @ last
    return concatenate(
        [concatenate([first + beside @ below, -beside], -1), concatenate([-(last @ below), last], -1)], -2
    )


# --- what a weight is made of, once, outside of graphs ---


def _basis(tall: np.ndarray, precision: float) -> np.ndarray:
    """An orthogonal matrix whose first columns are those of the weight, or span the same."""
    n, k = tall.shape[-2:]
    gram = tall.swapaxes(-1, -2) @ tall
    if n == k and np.allclose(gram, np.eye(n), atol=10 * n * precision):
        return tall.copy()
    others = default_generator.normal((*tall.shape[:-2], n, n - k), np.dtype(np.float64)).numpy()
    q, r = np.linalg.qr(np.concatenate([tall, others], -1))
    diagonal: np.ndarray = np.diagonal(r, axis1=-2, axis2=-1)[..., None, :]
    return np.where(diagonal < 0, -q, q)


def _reflectors(tall: np.ndarray) -> np.ndarray:
    """The vectors of the reflections of a weight's QR decomposition, and signs as a diagonal."""
    raw, tau = np.linalg.qr(tall, "raw")
    found = raw.swapaxes(-1, -2).copy()
    i = np.arange(found.shape[-1])
    signs = np.sign(found[..., i, i])
    found[..., i, i] = np.where(tau == 0, -signs, signs)  # LAPACK reflects nothing there, and the map does
    return found
