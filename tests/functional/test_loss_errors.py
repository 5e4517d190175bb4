"""What losses refuse: the message names the function, the values, the rule and the remedy."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.test_loss import NUMBERS
from tinygrad_cv import DTypeError, ShapeError

pytestmark = pytest.mark.quick

SCORES = tg.zeros(2, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.cross_entropy(SCORES, [1, 3]), IndexError, ["class number 3", "3 classes", "[0, 3)"]),
        (lambda: F.cross_entropy(SCORES, [-1, 0]), IndexError, ["class number -1", "3 classes", "ignore_index=-100"]),
        (lambda: F.nll_loss(SCORES, [1, 7]), IndexError, ["class number 7", "3 classes"]),
        (lambda: F.cross_entropy(SCORES, [1.0, 2.0]), DTypeError, ["float32", "(2,)", "astype('int64')"]),
        (lambda: F.nll_loss(SCORES, [1.0, 2.0]), DTypeError, ["float32", "astype('int64')"]),
        (lambda: F.cross_entropy(SCORES, [True, False]), DTypeError, ["bool", "astype('int64')"]),
        (lambda: F.cross_entropy(SCORES, [1, 2, 0]), ShapeError, ["(2, 3)", "(3,)", "must be (2,)"]),
        (lambda: F.cross_entropy(SCORES, [[1], [2]]), ShapeError, ["(2, 3)", "(2, 1)", "must be (2,)"]),
        (lambda: F.cross_entropy(tg.zeros(2, 3, 4), [1, 2]), ShapeError, ["(2, 3, 4)", "(2,)", "must be (2, 4)"]),
        (lambda: F.cross_entropy(tg.zeros(3), [1]), ShapeError, ["(3,)", "must be ()"]),
        (lambda: F.cross_entropy(tg.tensor(1.0), 0), ShapeError, ["()", "N x C"]),
        (
            lambda: F.cross_entropy(SCORES, SCORES, ignore_index=1),
            ValueError,
            ["ignore_index=1", "weight of the class"],
        ),
        (lambda: F.cross_entropy(SCORES, [1, 2], weight=[1.0, 2.0]), ShapeError, ["(2,)", "(2, 3)", "must be (3,)"]),
        (lambda: F.cross_entropy(SCORES, [1, 2], label_smoothing=1.5), ValueError, ["label_smoothing=1.5", "[0, 1]"]),
        (
            lambda: F.cross_entropy(SCORES, [1, 2], reduction="total"),
            ValueError,
            ["reduction='total'", "'mean', 'sum'"],
        ),
        (lambda: F.mse_loss(SCORES, SCORES, reduction="total"), ValueError, ["reduction='total'", "'none'"]),
        (lambda: F.mse_loss(SCORES, SCORES, "sum"), ValueError, ["mse_loss: size_average='sum'", "reduction='mean'"]),
        (lambda: F.l1_loss(SCORES, SCORES, reduce=0), ValueError, ["l1_loss: reduce=0", "True, False or None"]),
        (lambda: F.mse_loss(SCORES, SCORES, weight=[1.0, 1.0, 1.0]), ShapeError, ["weight of shape (3,)", "(2, 3)"]),
        (lambda: F.mse_loss(SCORES, SCORES, weight=SCORES), ShapeError, ["weights add up to 0"]),
        (lambda: F.huber_loss(SCORES, SCORES, weight=[1.0, 1.0, 1.0]), ShapeError, ["weight of shape (3,)", "(2, 3)"]),
        (lambda: F.huber_loss(SCORES, SCORES, delta=0), ValueError, ["delta=0", "above 0"]),
        (lambda: F.smooth_l1_loss(SCORES, SCORES, beta=-1), ValueError, ["beta=-1", "at least 0"]),
        (
            lambda: F.binary_cross_entropy(SCORES - 1, SCORES),
            ValueError,
            ["[0, 1]", "binary_cross_entropy_with_logits"],
        ),
        (
            lambda: F.binary_cross_entropy(SCORES, SCORES, tg.ones(3, 3)),
            ShapeError,
            ["weight of shape (3, 3)", "(2, 3)"],
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(tg.ones(2), tg.ones(2), tg.ones(2, 1)),
            ShapeError,
            ["weight of shape (2, 1)", "must broadcast to (2,)"],
        ),
        (
            lambda: F.binary_cross_entropy_with_logits(SCORES, SCORES, pos_weight=[1.0, 1.0]),
            ShapeError,
            ["pos_weight of shape (2,)", "(2, 3)"],
        ),
        (lambda: F.sigmoid_focal_loss(SCORES, SCORES, alpha=2), ValueError, ["alpha=2", "-1 for no weights"]),
        (lambda: F.sigmoid_focal_loss(SCORES, SCORES, gamma=-1), ValueError, ["gamma=-1", "at least 0"]),
        (lambda: F.multilabel_soft_margin_loss(tg.tensor(1.0), tg.tensor(1.0)), ShapeError, ["()", "... x C"]),
        (lambda: F.multi_margin_loss(SCORES, [1, 3]), IndexError, ["class number 3", "3 classes", "[0, 3)"]),
        (lambda: F.multi_margin_loss(SCORES, [1, -100]), IndexError, ["class number -100"]),
        (lambda: F.multi_margin_loss(SCORES, [1, 2], p=3), ValueError, ["p=3", "1 or 2"]),
        (lambda: F.multi_margin_loss(tg.zeros(2, 3, 4), [1, 2]), ShapeError, ["(2, 3, 4)", "N x C"]),
        (lambda: F.multilabel_margin_loss(SCORES, [1, 2, -1]), ShapeError, ["(2, 3)", "(3,)", "must be equal"]),
        (lambda: F.multilabel_margin_loss(SCORES[0], [1, 3, -1]), IndexError, ["class number 3", "-1 after the last"]),
        (lambda: F.multilabel_margin_loss(SCORES[0], [1, -1, -2]), IndexError, ["class number -2"]),
        (lambda: F.multilabel_margin_loss(SCORES, SCORES), DTypeError, ["float32", "astype('int64')"]),
        (lambda: F.kl_div(SCORES, SCORES[0]), ShapeError, ["(2, 3)", "(3,)", "must be equal"]),
        (
            lambda: F.kl_div(tg.zeros(0, 3), tg.zeros(0, 3), reduction="batchmean"),
            ShapeError,
            ["mean loss over nothing"],
        ),
        (lambda: F.gaussian_nll_loss(SCORES, SCORES, SCORES - 1), ValueError, ["variance must not be below 0"]),
        (lambda: F.gaussian_nll_loss(SCORES, SCORES, tg.ones(3)), ShapeError, ["var of shape (3,)", "(2,)"]),
        (lambda: F.gaussian_nll_loss(SCORES, SCORES, 1.0, eps=0), ValueError, ["eps=0", "above 0"]),
        (lambda: F.hinge_embedding_loss(SCORES, SCORES), ValueError, ["1 or -1", "2 * target - 1"]),
        (lambda: F.hinge_embedding_loss(tg.ones(2), tg.ones(2, 1)), ShapeError, ["(2, 1)", "must broadcast to (2,)"]),
        (lambda: F.margin_ranking_loss(SCORES, SCORES[0], 1.0), ShapeError, ["input1", "input2", "must be equal"]),
        (lambda: F.cosine_embedding_loss(SCORES, SCORES, [0, 1]), ValueError, ["1 or -1"]),
        (lambda: F.cosine_embedding_loss(SCORES, SCORES, SCORES), ShapeError, ["N x D, N x D and N"]),
        (lambda: F.triplet_margin_loss(SCORES, SCORES, SCORES, margin=0), ValueError, ["margin=0", "above 0"]),
        (lambda: F.triplet_margin_loss(SCORES, SCORES, SCORES[0]), ShapeError, ["negative of shape (3,)", "axes"]),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("function", NUMBERS)
def test_a_column_is_not_silently_compared_with_a_row(function):
    with pytest.raises(ShapeError, match=r"\(4,\).*\(4, 1\).*must be equal"):
        function(tg.ones(4), tg.ones(4, 1))


@pytest.mark.parametrize("function", NUMBERS)
def test_the_mean_of_nothing_is_an_error_that_says_the_batch_is_empty(function):
    with pytest.raises(ShapeError, match=r"mean loss over nothing.*empty.*\(0"):
        function(tg.zeros(0, 3), tg.zeros(0, 3), reduction="mean")
    assert function(tg.zeros(0, 3), tg.zeros(0, 3), reduction="sum").item() == 0
    shape = (0,) if function is F.multilabel_soft_margin_loss else (0, 3)  # a number for each example
    assert function(tg.zeros(0, 3), tg.zeros(0, 3), reduction="none").shape == shape


def test_the_mean_over_no_example_that_counts_is_an_error_that_says_why():
    nothing = np.zeros(0, np.int64)
    for function in (F.cross_entropy, F.nll_loss):
        with pytest.raises(ShapeError, match=r"mean loss over nothing.*the batch is empty"):
            function(tg.zeros(0, 3), nothing)
        with pytest.raises(ShapeError, match=r"mean loss over nothing.*every label is ignored"):
            function(SCORES, [-100, -100])
        with pytest.raises(ShapeError, match=r"mean loss over nothing.*weight 0"):
            function(SCORES, [1, 1], weight=[1.0, 0.0, 1.0])
        assert function(tg.zeros(0, 3), nothing, reduction="sum").item() == 0
        assert function(SCORES, [-100, -100], reduction="none").tolist() == [0, 0]
    with pytest.raises(ShapeError, match=r"mean loss over nothing.*the batch is empty"):
        F.cross_entropy(tg.zeros(0, 3), tg.zeros(0, 3))
