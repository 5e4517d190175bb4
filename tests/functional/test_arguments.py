"""The arguments that window operations share."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import DTypeError, ShapeError
from tinygrad_cv.functional.arguments import output_size, sizes, spatial

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("value", [3, (3,), [3], (3, 3), [3, 3], np.int64(3), (np.int32(3), 3)])
def test_one_number_or_one_for_each_axis(value):
    assert sizes("stride", value, 2) == (3, 3)
    assert all(type(n) is int for n in sizes("stride", value, 2))


@pytest.mark.parametrize("value", [1.0, "3", "33", None, (1, 2, 3), (), (1, 2.5), {1, 2}])
def test_anything_else_is_named(value):
    with pytest.raises(ShapeError) as caught:
        sizes("stride", value, 2)
    assert f"stride={value!r}" in str(caught.value) and "pair of integers" in str(caught.value)


def test_numbers_below_the_least_are_named_with_it():
    assert sizes("padding", (0, 2), 2, 0) == (0, 2)
    for value, least in ((0, 1), ((1, 0), 1), (-1, 0)):
        with pytest.raises(ShapeError, match=f"at least {least}"):
            sizes("padding", value, 2, least)


def test_the_output_size_counts_the_places_of_the_kernel():
    for n, k, s, low, high, d in itertools.product(range(1, 9), (1, 2, 3), (1, 2, 3), (0, 1), (0, 2), (1, 2)):
        starts = [i for i in range(0, n + low + high, s) if i + d * (k - 1) < n + low + high]
        arguments = ((n, n), (k, k), (s, s), ((low, high), (low, high)), (d, d))
        if starts:
            assert output_size(*arguments) == (len(starts), len(starts))
        else:
            with pytest.raises(ShapeError, match=f"kernel of {k}.*size {n} with padding {low} \\+ {high}.*H' = floor"):
                output_size(*arguments)


def test_images_are_a_batch_or_one_of_floats():
    @spatial
    def double(x, dims):
        assert x.ndim == dims + 2
        return x + x

    for shape in ((2, 3, 4, 5), (3, 4, 5)):
        assert double(tg.ones(*shape), 2).shape == shape
    with pytest.raises(ShapeError, match=r"\(4, 5\).*N x C x H x W, or C x H x W without a batch"):
        double(tg.ones(4, 5), 2)
    with pytest.raises(DTypeError, match=r"uint8.*/ 255"):
        double(tg.zeros(2, 3, 4, 5, dtype="uint8"), 2)
