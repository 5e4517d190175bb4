"""The matrices of Toom and Cook: the identity holds exactly, over the rational numbers."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from tinygrad_cv.ir.toom_cook import inverse, rounding, transforms

pytestmark = pytest.mark.any_python


def applied(matrix, column):
    return [sum(x * y for x, y in zip(row, column, strict=True)) for row in matrix]


def unit(k, n):
    return [Fraction(i == k) for i in range(n)]


@pytest.mark.parametrize(("outputs", "kernel"), [(m, r) for m, r in product(range(1, 8), range(1, 8)) if m + r <= 10])
def test_fewer_products_make_the_same_sums(outputs, kernel):
    """Both sides are bilinear, so it is enough that they agree on all pairs of unit vectors."""
    t, n = transforms(outputs, kernel), outputs + kernel - 1
    assert (len(t.data), len(t.kernel), len(t.output[0])) == (n, n, n)
    for i, k in product(range(n), range(kernel)):
        d, g = unit(i, n), unit(k, kernel)
        right = [sum(d[o + u] * g[u] for u in range(kernel)) for o in range(outputs)]
        products = [x * y for x, y in zip(applied(t.data, d), applied(t.kernel, g), strict=True)]
        assert applied(t.output, products) == right


def test_data_are_multiplied_by_whole_numbers():
    for row in transforms(4, 3).data:
        assert all(x.denominator == 1 for x in row) and any(abs(x) < 4 for x in row if x)


def test_two_results_of_a_kernel_of_three_are_those_of_the_literature():
    """Lavin and Gray, 2016, equation 7, but for the sign of the last point."""
    t = transforms(2, 3)
    half = Fraction(1, 2)
    assert t.data == ((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1))
    assert t.kernel == ((1, 0, 0), (half, half, half), (half, -half, half), (0, 0, 1))
    assert t.output == ((1, 1, 1, 0), (0, 1, -1, 1))


def test_inverses():
    matrix = [(Fraction(0), Fraction(2), Fraction(1)), (Fraction(1), Fraction(1), Fraction(0)), unit(2, 3)]
    assert [applied(inverse(matrix), applied(matrix, unit(k, 3))) for k in range(3)] == [unit(k, 3) for k in range(3)]


def test_larger_tiles_round_more():
    assert rounding(2, 3) < 1 < rounding(3, 3) < rounding(4, 3) < 1.6 < rounding(5, 3)
