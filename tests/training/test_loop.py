"""The training loop, on problems whose answers are known."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.training.loop import evaluate, predict, train_epoch, training_step
from tinygrad_cv.training.run import confusion_matrix

pytestmark = pytest.mark.quick


def problem() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 60)
    return (np.eye(3)[labels] + 0.1 * rng.standard_normal((60, 3))).astype(np.float32), labels


def batches(size: int = 20) -> list[tuple[np.ndarray, np.ndarray]]:
    images, labels = problem()
    return [(images[i : i + size], labels[i : i + size]) for i in range(0, len(labels), size)]


def test_an_epoch_reports_means_over_its_examples():
    tg.manual_seed(0)
    model = nn.Linear(3, 3)
    images, labels = problem()
    before = F.cross_entropy(model(tg.tensor(images)), labels).item()
    steps = []
    epoch = train_epoch(model, optim.SGD(model, lr=0.0), batches(), lambda: steps.append(1))
    assert len(steps) == 3
    assert epoch.loss == pytest.approx(before, rel=1e-5)
    assert epoch.accuracy == evaluate(model, images, labels).accuracy


def test_training_learns():
    tg.manual_seed(0)
    model = nn.Linear(3, 3)
    optimizer = optim.SGD(model, lr=1.0)
    losses = [train_epoch(model, optimizer, batches()).loss for _ in range(20)]
    assert losses[-1] < 0.2 < losses[0]
    assert evaluate(model, *problem()).accuracy == 1.0


def test_an_epoch_trains_in_training_mode():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Linear(3, 3)).eval()
    before = model[0].running_mean.numpy().copy()
    train_epoch(model, optim.SGD(model, lr=0.1), batches())
    assert model.training and not np.array_equal(model[0].running_mean.numpy(), before)


def test_prediction_uses_running_averages_and_restores_the_mode():
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5))
    images, _ = problem()
    whole = predict(model, images)
    assert np.array_equal(whole, predict(model, images, batch_size=7))
    assert model.training and model[1].training
    model.eval()
    predict(model, images)
    assert not model.training


def test_confusion_matrix_counts_truth_by_row():
    labels, answers = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 1, 1, 0, 2, 2])
    assert confusion_matrix(labels, answers, 3).tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 2]]


def test_compiled_steps_learn_what_eager_ones_do():
    def run(jit):
        tg.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
        optimizer = optim.SGD(model, lr=0.3, momentum=0.9)
        step = jit(training_step(model, optimizer))
        losses = [train_epoch(model, optimizer, batches(), step=step).loss for _ in range(5)]
        return [*losses, evaluate(model, *problem(), batch_size=25, forward=jit(model)).loss]

    assert run(tg.jit) == pytest.approx(run(lambda function: function), rel=1e-4)
