"""The arguments that window operations share."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import DTypeError, ShapeError
from tinygrad_cv.functional.arguments import images, output_size, pair

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("value", [3, (3, 3), [3, 3], np.int64(3), (np.int32(3), 3)])
def test_a_number_or_two_make_a_pair(value):
    assert pair("stride", value) == (3, 3)
    assert all(type(n) is int for n in pair("stride", value))


@pytest.mark.parametrize("value", [1.0, "3", None, (1, 2, 3), (1,), (), (1, 2.5), {1, 2}])
def test_anything_else_is_named(value):
    with pytest.raises(ShapeError) as caught:
        pair("stride", value)
    assert f"stride={value!r}" in str(caught.value) and "pair of integers" in str(caught.value)


def test_numbers_below_the_least_are_named_with_it():
    assert pair("padding", (0, 2), 0) == (0, 2)
    for value, least in ((0, 1), ((1, 0), 1), (-1, 0)):
        with pytest.raises(ShapeError, match=f"at least {least}"):
            pair("padding", value, least)


def test_the_output_size_counts_the_places_of_the_kernel():
    for n, k, s, low, high, d in itertools.product(range(1, 9), (1, 2, 3), (1, 2, 3), (0, 1), (0, 2), (1, 2)):
        starts = [i for i in range(0, n + low + high, s) if i + d * (k - 1) < n + low + high]
        arguments = ((n, n), (k, k), (s, s), ((low, high), (low, high)), (d, d))
        if starts:
            assert output_size(*arguments) == (len(starts), len(starts))
        else:
            with pytest.raises(ShapeError, match=f"kernel of {k}.*size {n} with padding {low} \\+ {high}.*H' = floor"):
                output_size(*arguments)


def test_images_have_four_axes_of_floats():
    assert images(tg.ones(2, 3, 4, 5)) == (2, 3, 4, 5)
    with pytest.raises(ShapeError, match=r"\(3, 4, 5\).*N x C x H x W"):
        images(tg.ones(3, 4, 5))
    with pytest.raises(DTypeError, match=r"uint8.*/ 255"):
        images(tg.zeros(2, 3, 4, 5, dtype="uint8"))
