"""Borders and crops: what PyTorch cannot judge, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import DTypeError, ShapeError

pytestmark = pytest.mark.quick
ROW = np.array([[1, 2, 3, 4]], "int16")


@pytest.mark.parametrize(
    ("mode", "border", "crop"),
    [
        ("constant", [7, 7, 1, 2, 3, 4, 7], [2, 3, 4, 7]),
        ("reflect", [3, 2, 1, 2, 3, 4, 3], [2, 3, 4, 3]),
        ("replicate", [1, 1, 1, 2, 3, 4, 4], [2, 3, 4, 4]),
        ("circular", [3, 4, 1, 2, 3, 4, 1], [2, 3, 4, 2]),
    ],
)
def test_the_table_of_the_docstring_with_integers(mode, border, crop):
    value = 7 if mode == "constant" else None
    for pad, expected in (((2, 1), border), ((-1, 1), crop)):
        y = F.pad(ROW, pad, mode, value)
        assert y.tolist() == [expected] and y.dtype == np.int16


def test_an_empty_batch_stays_empty_and_everything_may_be_removed():
    for mode in ("constant", "reflect", "replicate", "circular"):
        assert F.pad(np.zeros((0, 3, 4, 4)), (1, 2, 0, 1), mode).shape == (0, 3, 5, 7)
        assert F.pad(ROW, (-3, -1), mode).shape == (1, 0)


def test_a_border_of_nothing_is_a_copy():
    x = tg.tensor([[1.0, 2.0]])
    y = F.pad(x, (0, 0))
    y -= 1.0
    assert x.tolist() == [[1.0, 2.0]]


def test_the_border_is_a_constant_and_the_image_has_the_gradient():
    x = tg.tensor([[1.0, 2.0]], requires_grad=True)
    y = F.pad(x, (1, 1), value=float("inf"))
    (g,) = tg.grad([y], [x], [np.array([[float("inf"), 3.0, 4.0, float("nan")]])])
    assert y.tolist() == [[float("inf"), 1.0, 2.0, float("inf")]] and g.tolist() == [[3.0, 4.0]]


IMAGES = np.ones((1, 2, 3, 4))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.pad(IMAGES, (1, 2, 3)), ShapeError, "pad=(1, 2, 3) (in pad): it must be pairs of integers"),
        (lambda: F.pad(IMAGES, 1), ShapeError, "pad=1 (in pad): it must be pairs"),
        (lambda: F.pad(IMAGES, "ab"), ShapeError, "pad='ab'"),
        (lambda: F.pad(IMAGES, (1.5, 2)), ShapeError, "pad=(1.5, 2)"),
        (lambda: F.pad(IMAGES, (1,) * 10), ShapeError, "(in pad): give a pair of numbers for each axis"),
        (lambda: F.pad(IMAGES, (1,) * 8, "reflect"), ShapeError, "for each spatial axis of N x C x ... or"),
        (lambda: F.pad(IMAGES, (1, 1), "circular"), ShapeError, "input of shape (1, 2, 3, 4), pad=(1, 1), mode='circ"),
        (lambda: F.pad(IMAGES, (), "replicate"), ShapeError, "pad=(), mode='replicate'"),
        (lambda: F.pad(IMAGES, (1, 1), "edge"), ValueError, "mode='edge' (in pad): it must be one of 'constant'"),
        (lambda: F.pad(IMAGES, (1, 1, 1, 1), "reflect", 2), ValueError, "value=2, mode='reflect'"),
        (lambda: F.pad(IMAGES, (1, 1), value="0"), ValueError, "value='0' (in pad): it must be a number"),
        (lambda: F.pad(IMAGES, (4, 0, 0, 0), "reflect"), ShapeError, "it must be at most 3 on each side"),
        (lambda: F.pad(IMAGES, (0, 5, 0, 0), "circular"), ShapeError, "it must be at most 4 on each side"),
        (lambda: F.pad(IMAGES, (-3, 4, 0, 0), "circular"), ShapeError, "on an axis of size 1, mode='circular'"),
        (lambda: F.pad(IMAGES[:, :, :0], (1, 0, 1, 0), "replicate"), ShapeError, "at most 0 on each side"),
        (lambda: F.pad(IMAGES, (-3, -2)), ShapeError, "it removes 3 + 2 elements from an axis of 4"),
        (lambda: F.pad(ROW, (1, 1), value=1e9), DTypeError, "pad: 1000000000.0 does not fit int16"),
    ],
)
def test_wrong_arguments_are_named(call, error, words):
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)
