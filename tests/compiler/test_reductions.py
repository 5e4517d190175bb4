"""Maxima and their places as vectors find them: of ties, NaN, infinities and signed zeros, along any axes."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import tinygrad_cv as tg

DTYPES = ("float32", "float64", "int64", "int32", "int8", "uint8", "uint16", "bool")
SHAPES = ((17,), (40,), (700,), (3, 33), (5, 4, 21), (2, 3, 20, 7))
FLOATS = (-np.inf, -1.0, -0.0, 0.0, 1.0, np.inf)


def drawn(shape: tuple[int, ...], dtype: str, rng: np.random.Generator, nans: float = 0.0) -> np.ndarray:
    """Few different numbers, so that most maxima are tied."""
    kind = np.dtype(dtype)
    if kind.kind == "f":
        x = rng.choice(np.array(FLOATS[: rng.integers(1, len(FLOATS) + 1)], kind), shape)
        return np.where(rng.random(shape) < nans, np.array(np.nan, kind), x)
    if kind.kind == "b":
        return rng.random(shape) < rng.choice([0.0, 0.05, 0.5])
    info = np.iinfo(kind)
    return rng.choice(np.array([info.min, info.min + 1, 0, 1, info.max][: rng.integers(1, 6)], kind), shape)


def first_maximum(x: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The place and the value of the first maximum over axes, by a loop over the elements; NaN is above all numbers."""
    rest = [i for i in range(x.ndim) if i not in axes]
    rows = x.transpose(*rest, *axes).reshape(*(x.shape[i] for i in rest), -1)
    places = np.zeros(rows.shape[:-1], np.int64)
    for where in np.ndindex(places.shape):
        row = rows[where].tolist()
        nan = [k for k, number in enumerate(row) if number != number]  # noqa: PLR0124
        places[where] = nan[0] if nan else row.index(max(row))
    return places, np.take_along_axis(rows, places[..., None], -1)[..., 0]


def axes_of(ndim: int) -> list[tuple[int, ...]]:
    return [axes for n in range(1, ndim + 1) for axes in itertools.combinations(range(ndim), n)]


@pytest.mark.parametrize("order", ["in the order of memory", "turned"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_first_maximum_is_found(dtype, order):
    """Turned, memory does not run in the order that decides between equal elements."""
    rng = np.random.default_rng(DTYPES.index(dtype))
    for shape in SHAPES:
        turned = order == "turned"
        for axes in axes_of(len(shape)):
            places_as = np.min_scalar_type(math.prod(shape[i] for i in axes) - 1)

            def largest(x, axes=axes, places_as=places_as, turned=turned):
                x = x.transpose() if turned else x
                return x.argmax_kept(axes, places_as), x.max(axes, keepdims=True)

            for nans in (0.0, 0.02, 1.0) if dtype.startswith("float") else (0.0,):
                x = drawn(shape, dtype, rng, nans)
                found, top = (y.numpy() for y in tg.jit(largest)(tg.tensor(x.T.copy() if turned else x)))
                places, values = first_maximum(x, axes)
                np.testing.assert_array_equal(found.reshape(places.shape), places, f"{shape} {axes}")
                np.testing.assert_array_equal(top.reshape(places.shape), values, f"{shape} {axes}")


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 9, 20])
def test_short_rows_are_reduced_at_once(rows):
    """Whole numbers, whose sums are exact in any order."""
    rng = np.random.default_rng(rows)
    for length in (17, 20, 33, 70):
        x = rng.integers(-99, 100, (2, rows, length)).astype(np.float32)
        sums, largest = tg.jit(lambda x: (x.sum(2), x.square().sum(2) + x.max(2)))(tg.tensor(x))
        np.testing.assert_array_equal(sums.numpy(), x.sum(2))
        np.testing.assert_array_equal(largest.numpy(), np.square(x).sum(2) + x.max(2))
