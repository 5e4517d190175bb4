"""Random numbers: those of ``tg.manual_seed``, whatever seed the file has."""

from __future__ import annotations

import numpy as np

from ...frontend.random import default_generator
from ...frontend.tensor import Tensor
from ..registry import DType, Integers, operator


def _uniform(shape: tuple[int, ...], dtype: np.dtype, low: float, high: float) -> Tensor:
    return low + (high - low) * default_generator.uniform(shape, dtype)


def _normal(shape: tuple[int, ...], dtype: np.dtype, mean: float, scale: float) -> Tensor:
    return mean + scale * default_generator.normal(shape, dtype)


@operator("RandomUniform", since=1, draws=True)
def random_uniform(*, shape: Integers, dtype: DType, high: float, low: float, seed: float | None = None) -> Tensor:
    return _uniform(shape, dtype, low, high)


@operator("RandomUniformLike", since=1, draws=True)
def random_uniform_like(
    x: Tensor, *, dtype: DType | None = None, high: float, low: float, seed: float | None = None
) -> Tensor:
    return _uniform(x.shape, dtype or x.dtype, low, high)


@operator("RandomNormal", since=1, draws=True)
def random_normal(*, shape: Integers, dtype: DType, mean: float, scale: float, seed: float | None = None) -> Tensor:
    return _normal(shape, dtype, mean, scale)


@operator("RandomNormalLike", since=1, draws=True)
def random_normal_like(
    x: Tensor, *, dtype: DType | None = None, mean: float, scale: float, seed: float | None = None
) -> Tensor:
    return _normal(x.shape, dtype or x.dtype, mean, scale)


@operator("Bernoulli", since=15, draws=True)
def bernoulli(x: Tensor, *, dtype: DType | None = None, seed: float | None = None) -> Tensor:
    """1 with the probability x, otherwise 0."""
    return (default_generator.uniform(x.shape, x.dtype) < x).astype(dtype or x.dtype)
