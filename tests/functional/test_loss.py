"""Losses by their definitions in loops; extreme scores, and labels in every dtype."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.oracles import value_and_gradients

pytestmark = pytest.mark.quick
INF = math.inf


# of scores or probabilities and targets, of one shape
NUMBERS = (
    F.mse_loss,
    F.l1_loss,
    F.smooth_l1_loss,
    F.huber_loss,
    F.binary_cross_entropy,
    F.binary_cross_entropy_with_logits,
    F.sigmoid_focal_loss,
    F.soft_margin_loss,
    F.multilabel_soft_margin_loss,
    F.kl_div,
    F.poisson_nll_loss,
)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def cross_entropy_of_one(scores, label, weights, smoothing):
    """-Σ q log softmax(scores), where q is the label's distribution; and the label's weight."""
    logp = scores - scores.max() - math.log(np.exp(scores - scores.max()).sum())
    q = np.full(len(scores), smoothing / len(scores))
    q[label] += 1 - smoothing
    return -sum(q[k] * weights[k] * logp[k] for k in range(len(scores)))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 2, 2)])
def test_cross_entropy_is_a_sum_over_examples(shape, weighted, smoothing):
    rng = np.random.default_rng(0)
    scores, labels = normal(*shape) * 3, rng.integers(0, 3, (shape[0], *shape[2:]))
    labels.flat[0] = -100
    weights = rng.uniform(0.5, 2.0, 3) if weighted else np.ones(3)
    each, counted = np.zeros(labels.shape), 0.0
    for at in np.ndindex(labels.shape):
        if labels[at] != -100:
            each[at] = cross_entropy_of_one(scores[(at[0], slice(None), *at[1:])], labels[at], weights, smoothing)
            counted += weights[labels[at]]
    expected = {"none": each, "sum": each.sum(), "mean": each.sum() / counted}
    for reduction, value in expected.items():
        found = F.cross_entropy(
            tg.tensor(scores), labels, weights if weighted else None, reduction=reduction, label_smoothing=smoothing
        )
        np.testing.assert_allclose(found.numpy(), value, rtol=1e-14)


def test_the_gradient_is_softmax_minus_the_label():
    x, labels = normal(4, 3), np.array([2, 0, 0, 1])
    _, (gx,) = value_and_gradients(lambda x: F.cross_entropy(x, labels, reduction="sum"), [x], np.array(1.0))
    np.testing.assert_allclose(gx, F.softmax(tg.tensor(x)).numpy() - np.eye(3)[labels], rtol=0, atol=1e-15)


def test_cross_entropy_of_the_labels_own_distribution_is_that_of_the_labels():
    x, labels = tg.tensor(normal(4, 3)), np.array([2, 0, 0, 1])
    hot = tg.tensor(np.eye(3)[labels])
    for smoothing in (0.0, 0.3):
        a, b = (F.cross_entropy(x, target, label_smoothing=smoothing).item() for target in (labels, hot))
        assert a == pytest.approx(b, rel=1e-15)


def test_nll_loss_takes_what_log_softmax_gives():
    x, labels = tg.tensor(normal(4, 3)), np.array([2, 0, 0, 1])
    assert F.nll_loss(F.log_softmax(x, 1), labels).item() == F.cross_entropy(x, labels).item()


def test_ignored_examples_have_no_part_in_value_or_gradient():
    x, labels = normal(4, 3), np.array([2, -100, 0, 1])
    loss, (gx,) = value_and_gradients(lambda x: F.cross_entropy(x, labels), [x], np.array(1.0))
    kept = [0, 2, 3]
    other, (gx_kept,) = value_and_gradients(lambda x: F.cross_entropy(x, labels[kept]), [x[kept]], np.array(1.0))
    assert loss == pytest.approx(other, rel=1e-15)
    assert not gx[1].any()
    np.testing.assert_allclose(gx[kept], gx_kept, rtol=1e-14)


def test_an_ignored_example_of_nan_or_infinite_scores_disturbs_nobody():
    x = normal(3, 3)
    x[1] = [math.nan, INF, -INF]
    for smoothing in (0.0, 0.1):
        loss, (gx,) = value_and_gradients(
            lambda x: F.cross_entropy(x, np.array([2, -100, 0]), label_smoothing=smoothing),  # noqa: B023
            [x],
            np.array(1.0),
        )
        assert np.isfinite(loss) and np.isfinite(gx[[0, 2]]).all()


def test_large_scores_have_finite_losses_and_gradients():
    x = np.array([[1e4, -1e4, 0.0], [3e38, -3e38, 0.0]])
    loss, (gx,) = value_and_gradients(lambda x: F.cross_entropy(x, np.array([1, 0])), [x], np.array(1.0))
    assert loss == 1e4 and np.isfinite(gx).all()


def test_an_excluded_class_is_no_trouble_unless_it_is_the_label():
    x = np.array([[0.0, -INF, 1.0]])
    loss, (gx,) = value_and_gradients(lambda x: F.cross_entropy(x, np.array([2])), [x], np.array(1.0))
    assert np.isfinite(loss) and np.isfinite(gx).all() and gx[0, 1] == 0
    assert F.cross_entropy(tg.tensor(x), np.array([1])).item() == INF


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_labels_may_have_any_integer_dtype(dtype):
    x, labels = tg.tensor(normal(3, 300)), np.array([3, 0, 100])
    assert F.cross_entropy(x, labels.astype(dtype)).item() == F.cross_entropy(x, labels).item()


def test_labels_in_a_byte_may_use_255_for_ignored():
    x = tg.tensor(normal(3, 4))
    found = F.cross_entropy(x, np.array([3, 255, 1], np.uint8), ignore_index=255)
    assert found.item() == F.cross_entropy(x[[0, 2]], np.array([3, 1])).item()


def test_labels_and_weights_may_be_lists():
    x = tg.tensor(np.float32(normal(2, 3)))
    assert F.cross_entropy(x, [2, 0], weight=[1.0, 1.0, 1.0]).item() == pytest.approx(F.cross_entropy(x, [2, 0]).item())


# ---------------------------------------------------------------- losses of numbers


@pytest.mark.parametrize(("function", "formula"), [(F.mse_loss, lambda d: d**2), (F.l1_loss, np.abs)])
def test_losses_of_differences(function, formula):
    x, t = normal(3, 4), normal(3, 4, seed=1)
    each = formula(x - t)
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", each.mean())):
        np.testing.assert_allclose(
            function(tg.tensor(x), tg.tensor(t), reduction=reduction).numpy(), expected, rtol=1e-14
        )


def test_the_absolute_difference_has_slope_zero_where_there_is_none():
    _, (gx, gt) = value_and_gradients(F.l1_loss, [np.array([1.0, 3.0]), np.array([1.0, 2.0])], np.array(1.0))
    assert gx.tolist() == [0, 0.5] and gt.tolist() == [0, -0.5]


@pytest.mark.parametrize("pos_weight", [None, np.array([0.5, 2.0, 3.0])])
@pytest.mark.parametrize("weight", [None, np.array([[1.0], [2.0]])])
def test_binary_cross_entropy_is_its_formula(weight, pos_weight):
    x, t = normal(2, 3), np.random.default_rng(1).uniform(0, 1, (2, 3))
    p = 1 / (1 + np.exp(-x))
    each = -((1 if pos_weight is None else pos_weight) * t * np.log(p) + (1 - t) * np.log(1 - p))
    each = each * (1 if weight is None else weight)
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", each.mean())):
        found = F.binary_cross_entropy_with_logits(tg.tensor(x), t, weight, reduction=reduction, pos_weight=pos_weight)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-13)


def test_binary_cross_entropy_of_large_scores_is_finite():
    x, t = np.array([1e4, -1e4, 1e4, -1e4]), np.array([1.0, 0.0, 0.0, 1.0])
    loss, (gx,) = value_and_gradients(
        lambda x: F.binary_cross_entropy_with_logits(x, t, reduction="none"), [x], np.array([1.0, 2.0, 3.0, 4.0])
    )
    assert loss.tolist() == [0, 0, 1e4, 1e4] and gx.tolist() == [0, 0, 3, -4]


def test_binary_targets_may_be_booleans_or_integers():
    x = tg.tensor(normal(3))
    expected = F.binary_cross_entropy_with_logits(x, np.array([1.0, 0.0, 1.0])).item()
    for target in (np.array([True, False, True]), np.array([1, 0, 1])):
        assert F.binary_cross_entropy_with_logits(x, target).item() == expected


def test_dtypes_are_kept():
    for dtype, reduction in itertools.product(("float32", "float64"), ("mean", "sum", "none")):
        x = np.array([[0.5, -1.0, 2.0]], dtype)
        calls = [lambda x: F.cross_entropy(x, [1], reduction=reduction, label_smoothing=0.1)]  # noqa: B023
        calls += [
            lambda x, f=function: f(x.sigmoid(), x.sigmoid().detach(), reduction=reduction)  # noqa: B023
            for function in NUMBERS
        ]
        for call in calls:
            y = call(tg.tensor(x))
            loss, (gx,) = value_and_gradients(call, [x], np.ones(y.shape, dtype))
            assert loss.dtype == gx.dtype == dtype
