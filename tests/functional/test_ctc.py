"""CTC beside PyTorch's on longer sequences; targets without an alignment, extreme scores; what is refused."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import DTypeError, ShapeError

INF = math.inf
any_python = pytest.mark.any_python


def loss_and_gradient(scores, *arguments, jit=False, **options):
    """Of scores, behind a log_softmax."""

    def call(x, *arguments):
        loss = F.ctc_loss(F.log_softmax(x, -1), *arguments, **options)
        return loss, tg.grad(loss.sum(), x)

    x = tg.tensor(scores, requires_grad=True)
    return [t.numpy() for t in (tg.jit(call) if jit else call)(x, *arguments)]


@pytest.mark.parametrize(
    ("reduction", "blank", "joined", "jit"),
    [("mean", 0, False, False), ("sum", 5, True, False), ("none", 2, True, False), ("mean", 3, True, True)],
)
def test_it_is_pytorchs_behind_a_log_softmax(reduction, blank, joined, jit):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    times = 6 if jit else 20
    scores, inputs, lengths = rng.normal(size=(times, 4, 6)) * 2, np.array([times, 5, 1, 6]), np.array([3, 2, 0, 2])
    targets = np.array([n for n in range(6) if n != blank])[rng.integers(0, 5, (4, 3))]
    if joined:
        targets = np.concatenate([row[:n] for row, n in zip(targets, lengths, strict=True)])
    found = loss_and_gradient(scores, targets, inputs, lengths, jit=jit, blank=blank, reduction=reduction)
    x = torch.tensor(scores, requires_grad=True)
    arguments = [torch.tensor(numbers) for numbers in (targets, inputs, lengths)]
    loss = torch.nn.functional.ctc_loss(x.log_softmax(-1), *arguments, blank=blank, reduction=reduction)
    loss.sum().backward()
    np.testing.assert_allclose(found[0], loss.detach().numpy(), rtol=1e-12)
    np.testing.assert_allclose(found[1], x.grad.numpy(), rtol=0, atol=1e-12)


@any_python
@pytest.mark.parametrize("zero_infinity", [False, True])
@pytest.mark.parametrize("jit", [False, True])
def test_a_target_without_an_alignment_has_an_infinite_loss_and_no_gradient(jit, zero_infinity):
    """Too long for its input; of equal labels, which need a blank between them; and beside one that fits."""
    scores = np.random.default_rng(0).normal(size=(3, 3, 3))
    targets, lengths = np.array([[1, 2, 1, 2], [1, 1, 2, 0], [1, 2, 0, 0]]), np.array([4, 3, 2])
    options = {"reduction": "none", "zero_infinity": zero_infinity, "jit": jit}
    loss, gradient = loss_and_gradient(scores, targets, np.array([3, 3, 3]), lengths, **options)
    nothing = 0.0 if zero_infinity else INF
    assert loss[:2].tolist() == [nothing] * 2 and 0 < loss[2] < INF
    assert not gradient[:, :2].any() and np.isfinite(gradient).all() and gradient[:, 2].all()


@any_python
def test_second_derivatives_of_targets_without_an_alignment_are_0():
    x = tg.tensor(np.random.default_rng(0).normal(size=(2, 1, 3)), requires_grad=True)
    for zero_infinity in (False, True):
        loss = F.ctc_loss(F.log_softmax(x, -1), [[1, 1]], [2], [2], zero_infinity=zero_infinity)
        first = tg.grad(loss, x, create_graph=True)
        assert not tg.grad(first.sum(), x, allow_unused=True).numpy().any()


@any_python
@pytest.mark.parametrize("size", [1e4, INF])
def test_extreme_scores_have_finite_gradients(size):
    scores = np.full((4, 1, 3), -size)
    scores[[0, 1, 2, 3], 0, [1, 0, 1, 2]] = size if size < INF else 0.0
    for target, wanted in (([1, 1, 2], 0.0), ([1, 2, 2], 4 * size)):
        loss, gradient = loss_and_gradient(scores, [target], [4], [3], reduction="sum")
        assert loss == wanted
        assert np.isfinite(gradient).all()


@any_python
def test_what_lies_beyond_a_length_does_not_count():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 2, 4))
    loss, gradient = loss_and_gradient(scores, [[1, 2, -7], [3, 3, 99]], [4, 6], [2, 2], reduction="none")
    for n, (time, target) in enumerate(((4, [1, 2]), (6, [3, 3]))):
        alone, own = loss_and_gradient(scores[:time, n], target, time, 2, reduction="none")
        assert alone.shape == () and loss[n] == pytest.approx(float(alone), rel=1e-14)
        np.testing.assert_allclose(gradient[:time, n], own, rtol=0, atol=1e-14)
        assert not gradient[time:, n].any()


@any_python
def test_the_probabilities_of_all_targets_add_up_to_1():
    log_probs = F.log_softmax(np.random.default_rng(0).normal(size=(4, 3)), -1)
    targets = [t for n in range(5) for t in itertools.product((1, 2), repeat=n)]
    losses = [F.ctc_loss(log_probs, np.array(t, int), 4, len(t), reduction="sum").item() for t in targets]
    assert sum(map(math.exp, (-x for x in losses))) == pytest.approx(1.0, rel=1e-14)


LOG_PROBS = tg.zeros(4, 2, 3)


@any_python
@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: F.ctc_loss(tg.zeros(4), [1], 4, 1), ShapeError, ["log_probs of shape (4,)", "T x N x C"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4, 5], [1, 1]), ValueError, ["input_lengths=[4, 5]", "0 and 4"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4, 4], [1, 2]), ValueError, ["target_lengths=[1, 2]", "0 and 1"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4, -1], [1, 1]), ValueError, ["input_lengths=[4, -1]"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4], [1, 1]), ShapeError, ["input_lengths of shape (1,)", "(2,)"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4.0, 4.0], [1, 1]), DTypeError, ["input_lengths", "float32"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1.0], [1.0]], [4, 4], [1, 1]), DTypeError, ["targets", "astype('int64')"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1]], [4, 4], [1, 1]), ShapeError, ["targets of shape (1, 1)", "2 examples"]),
        (lambda: F.ctc_loss(LOG_PROBS, [1, 2, 1], [4, 4], [1, 1]), ShapeError, ["(3,)", "add up to 2", "N x S"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [3]], [4, 4], [1, 1]), IndexError, ["class number 3", "3 classes"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [0]], [4, 4], [1, 1]), IndexError, ["class number 0", "blank=0"]),
        (lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4, 4], [1, 1], blank=3), ValueError, ["blank=3", "[0, 3)"]),
        (
            lambda: F.ctc_loss(LOG_PROBS, [[1], [1]], [4, 4], [1, 1], reduction="batch"),
            ValueError,
            ["reduction='batch'"],
        ),
        (
            lambda: F.ctc_loss(tg.zeros(4, 0, 3), tg.zeros(0, 1, dtype="int64"), *[tg.zeros(0, dtype="int64")] * 2),
            ShapeError,
            ["mean loss over nothing"],
        ),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(call, error, words):
    with pytest.raises(error) as caught:
        call()
    for word in words:
        assert word in str(caught.value)
