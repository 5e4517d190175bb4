"""The matrices of Toom and Cook: sums over sliding windows by fewer multiplications, in exact rational numbers.

    y[i] = Σ_u d[i + u] g[u]    for i < m and u < r    takes m r multiplications, and
    y = Aᵀ ((G g) ∘ (B d))                             takes m + r - 1

Two polynomials, with the coefficients g and with m others, are multiplied: both are evaluated at m + r - 1 points, the
values are multiplied, and the product is interpolated. That is a convolution, and its transpose with respect to the m
others is the sum above. So G and A evaluate, and B is the transposed inverse of a Vandermonde matrix.

After Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from typing import NamedTuple

Row = tuple[Fraction, ...]
Matrix = tuple[Row, ...]

# Points near 1 in magnitude keep the matrices small, and so rounding: Barabasz, Anderson, Soodhalter and Gregg, "Error
# analysis and improving the accuracy of Winograd convolution for deep neural networks", 2020. The last is infinity.
POINTS = tuple(map(Fraction, ("0", "1", "-1", "1/2", "-2", "-1/2", "2", "3", "-3")))


class Transforms(NamedTuple):
    """The three matrices, for n points: ``data`` (n x n) is B, ``kernel`` (n x r) is G, ``output`` (m x n) is Aᵀ."""

    data: Matrix
    kernel: Matrix
    output: Matrix


@cache
def transforms(outputs: int, kernel: int) -> Transforms:
    """The matrices for m outputs and a kernel of r elements. The rows of B are whole numbers without a divisor."""
    n = outputs + kernel - 1
    points = [*POINTS[: n - 1], None]
    assert len(points) == n, f"{n} points, and {len(POINTS) + 1} are chosen"
    data, kernels = [], []
    for point, column in zip(points, zip(*inverse([_powers(p, n) for p in points]), strict=True), strict=True):
        scale = Fraction(math.lcm(*(x.denominator for x in column)))
        scale /= math.gcd(*(int(scale * x) for x in column))
        data.append(tuple(scale * x for x in column))
        kernels.append(tuple(x / scale for x in _powers(point, kernel)))
    return Transforms(tuple(data), tuple(kernels), tuple(zip(*(_powers(p, outputs) for p in points), strict=True)))


@cache
def rounding(outputs: int, kernel: int) -> float:
    """How many times as large the rounding errors are as those of r m multiplications, where many products are added.

    Errors of the n products of a tile reach its outputs by A. They are as large as the products, whose factors have the
    variances of rows of G and B; and each of them is a sum of r times fewer terms, whose errors add up at random.
    """
    data, kernels, output = transforms(outputs, kernel)
    products = [sum(x * x for x in b) * sum(x * x for x in g) for b, g in zip(data, kernels, strict=True)]
    variances = [sum(a * a * p for a, p in zip(row, products, strict=True)) for row in output]
    return math.sqrt(sum(variances) / outputs) / kernel


def inverse(matrix: Sequence[Row]) -> list[list[Fraction]]:
    """The inverse of a matrix that has one, by Gauss and Jordan."""
    n = len(matrix)
    rows = [[*row, *(Fraction(i == k) for k in range(n))] for i, row in enumerate(matrix)]
    for k in range(n):
        pivot = next(i for i in range(k, n) if rows[i][k])
        rows[k], rows[pivot] = rows[pivot], rows[k]
        rows[k] = [x / rows[k][k] for x in rows[k]]
        for i in range(n):
            if i != k and rows[i][k]:
                rows[i] = [x - rows[i][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
    return [row[n:] for row in rows]


def _powers(point: Fraction | None, size: int) -> Row:
    """What evaluates a polynomial of so many coefficients at a point; at infinity, which is None, its last one."""
    if point is None:
        return tuple(Fraction(k == size - 1) for k in range(size))
    return tuple(point**k for k in range(size))
