"""The overlap of regions and the roughness of images by loops; empty regions; what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients
from tinygrad_cv import DTypeError, ShapeError

pytestmark = pytest.mark.quick
MAPS = tg.zeros(2, 3, 4)


@pytest.mark.parametrize("p", [1, 2])
def test_of_sets_it_is_what_they_have_in_common(p):
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 1, 2, 5, 4)) > 0.5
    losses = F.dice_loss(a * 1.0, b, 0.0, p, "none").numpy()
    for c in range(2):
        assert losses[0, c] == pytest.approx(1 - 2 * (a & b)[0, c].sum() / (a[0, c].sum() + b[0, c].sum()), rel=1e-14)


@pytest.mark.parametrize("smooth", [0.0, 1e-5])
def test_two_empty_regions_overlap_wholly(smooth):
    loss, (gx,) = value_and_gradients(
        lambda x: F.dice_loss(x, MAPS, smooth), [np.zeros((2, 3, 4), "f4")], np.float32(1)
    )
    assert loss == 0 and np.isfinite(gx).all()


def test_an_even_image_is_not_rough_and_steps_count_with_their_heights():
    steps = np.array([[0.0, 0.0, 2.0], [0.0, 0.0, 2.0]]).reshape(1, 1, 2, 3)
    loss, (gx,) = value_and_gradients(F.total_variation, [steps], np.array(1.0))
    assert loss == 4
    np.testing.assert_array_equal(gx[0, 0], [[0, -1, 1], [0, -1, 1]])
    assert F.total_variation(steps.reshape(1, 2, 3), "none").tolist() == [4.0]
    assert F.total_variation(steps.reshape(1, 1, 2, 1, 3), "sum").item() == 4
    assert F.total_variation(tg.ones(2, 3, 1, 1)).item() == 0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.dice_loss(tg.zeros(2, 3), tg.zeros(2, 3)), ShapeError, ["(2, 3)", "N x C x d1"]),
        (lambda: F.dice_loss(MAPS, MAPS[:1]), ShapeError, ["(2, 3, 4)", "(1, 3, 4)", "must be equal"]),
        (lambda: F.dice_loss(MAPS, np.full((2, 4), 3)), IndexError, ["class number 3", "[0, 3)"]),
        (lambda: F.dice_loss(MAPS, np.zeros((2, 5), int)), ShapeError, ["(2, 5)", "must be (2, 4)"]),
        (lambda: F.dice_loss(MAPS, tg.zeros(2, 4)), DTypeError, ["float32", "integers"]),
        (lambda: F.dice_loss(MAPS, MAPS, p=3), ValueError, ["p=3", "1 or 2"]),
        (lambda: F.dice_loss(MAPS, MAPS, smooth=-1.0), ValueError, ["smooth=-1.0", "at least 0"]),
        (lambda: F.total_variation(tg.zeros(4, 4)), ShapeError, ["(4, 4)", "N x C x H x W"]),
        (lambda: F.total_variation(np.zeros((1, 1, 4, 4), np.uint8)), DTypeError, ["uint8", "astype('float32')"]),
        (lambda: F.total_variation(MAPS, "all"), ValueError, ["reduction='all'"]),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
