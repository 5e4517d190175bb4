"""fit: against a loop written out, its figures, its callbacks, and trainings that were stopped and killed."""

from __future__ import annotations

import random
import time

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.training.survivor import EPOCHS, equal, killed, train
from tinygrad_cv import functional as F
from tinygrad_cv import nn, optim
from tinygrad_cv.core.errors import CheckpointError
from tinygrad_cv.training import MulticlassAccuracy, evaluate, fit

any_python = pytest.mark.any_python


def problem():
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 60)
    return (np.eye(3)[labels] + 0.1 * rng.standard_normal((60, 3))).astype(np.float32), labels


def batches(size=20):
    inputs, labels = problem()
    return [(inputs[i : i + size], labels[i : i + size]) for i in range(0, len(labels), size)]


def linear(lr=0.5, **options):
    tg.manual_seed(0)
    model = nn.Linear(3, 3)
    return model, optim.SGD(model, lr=lr, **options)


@pytest.mark.parametrize("jit", [False, True])
def test_it_is_the_loop_that_one_would_write(jit):
    """With a short last batch, momentum, clipping, a schedule and an average."""
    model, optimizer = linear(momentum=0.9)
    average = nn.AveragedModel(model)
    schedule = optim.StepLR(optimizer, 2, 0.5)
    losses = []
    for _ in range(3):
        sums = 0.0
        for inputs, labels in batches(25):
            loss = F.cross_entropy(model(tg.tensor(inputs)), labels)
            optimizer.zero_grad()
            loss.backward()
            optim.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            average.update_parameters(model)
            sums += loss.item() * len(labels)
        losses.append(sums / 60)
        schedule.step()
    other, optimizer = linear(momentum=0.9)
    mean = nn.AveragedModel(other)
    schedule = optim.StepLR(optimizer, 2, 0.5)
    data = batches(25)
    history = fit(other, data, epochs=3, optimizer=optimizer, scheduler=schedule, clip_norm=0.5, ema=mean, jit=jit)
    for mine, theirs in ((other, model), (mean, average)):
        for p, q in zip(mine.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(p.numpy(), q.numpy(), 1e-5, 1e-6)
    np.testing.assert_allclose(history.column("loss"), losses, 1e-5)
    assert history.column("lr") == [0.5, 0.5, 0.25] and history.column("epoch") == [1, 2, 3]
    assert all(p.grad is None for p in other.parameters())


@any_python
def test_accumulated_batches_are_one_large_batch():
    """Of 25, 25 and 10: two of them make an update, then the rest; and three make one of all 60."""
    for accumulate, groups in ((2, ([0, 1], [2])), (3, ([0, 1, 2],))):
        data = batches(25)
        model, optimizer = linear()
        for group in groups:
            inputs, labels = (np.concatenate([data[i][part] for i in group]) for part in (0, 1))
            optimizer.zero_grad()
            F.cross_entropy(model(tg.tensor(inputs)), labels).backward()
            optimizer.step()
        other, optimizer = linear()
        fit(other, data, epochs=1, optimizer=optimizer, accumulate=accumulate, jit=False)
        for p, q in zip(other.parameters(), model.parameters(), strict=True):
            np.testing.assert_allclose(p.numpy(), q.numpy(), 1e-5, 1e-6)


@any_python
def test_validation_is_in_evaluation_mode_and_of_the_average():
    tg.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 3))
    model[0].eval()
    average = nn.AveragedModel(model)
    modes = [module.training for module in model.modules()]
    metrics = {"accuracy": MulticlassAccuracy(3)}
    optimizer = optim.SGD(model, lr=0.1)
    history = fit(model, batches(), batches(7), epochs=2, optimizer=optimizer, metrics=metrics, ema=average, jit=False)
    after = evaluate(average, [problem()], metrics=metrics)
    np.testing.assert_allclose(history[-1]["validation_loss"], after["loss"], 1e-5)
    assert history[-1]["validation_accuracy"] == after["accuracy"]
    assert modes[1] is False and model.training and [m.training for m in average.modules()] == [True] * 2 + modes[1:]


@any_python
def test_callbacks_see_the_training_and_end_it():
    model, optimizer = linear()
    seen = []
    history = fit(
        model,
        batches(),
        epochs=5,
        optimizer=optimizer,
        jit=False,
        after_step=lambda state: seen.append((state.epoch, state.step, state.loss)),
        after_epoch=[lambda state: state.stop("enough") if len(state.history) == 2 else None],
    )
    assert [at[:2] for at in seen] == [(1, 1), (1, 2), (1, 3), (2, 4), (2, 5), (2, 6)] and len(history) == 2
    assert history[0]["loss"] == pytest.approx(np.mean([at[2] for at in seen[:3]]))


@any_python
def test_patience_ends_it_and_the_best_epoch_is_kept(tmp_path):
    model, optimizer = linear()
    worse = optim.LambdaLR(optimizer, lambda epoch: 1.0 if epoch < 2 else 200.0)
    options = {"scheduler": worse, "patience": 3, "folder": tmp_path, "jit": False}
    history = fit(model, batches(), batches(), epochs=30, optimizer=optimizer, **options)
    best = history.best("validation_loss")
    assert len(history) == best + 3 < 30
    kept = nn.Linear(3, 3)
    kept.load_state_dict(tg.load(tmp_path / "best.safetensors")["model"])
    assert evaluate(kept, batches())["loss"] == pytest.approx(history[best - 1]["validation_loss"], rel=1e-5)
    table = (tmp_path / "history.csv").read_text().splitlines()
    assert table[0] == "epoch,loss,validation_loss,lr,seconds,waiting" and len(table) == len(history) + 1


@any_python
def test_it_says_how_much_of_the_time_batches_are_waited_for(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def after(seconds, values):
        for value in values:
            clock[0] += seconds
            yield value

    class Slow:
        def __iter__(self):
            return after(1.0, batches())

    def step(state):
        clock[0] += 3.0

    model, optimizer = linear()
    history = fit(model, Slow(), epochs=2, optimizer=optimizer, after_step=step, jit=False)
    assert history.column("waiting") == [0.25, 0.25] and history.column("seconds") == [4.0 * len(list(batches()))] * 2


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_stopped_at_each_step_it_goes_on_bit_for_bit(jit, accumulate, tmp_path):
    whole = train(tmp_path / "whole", jit, 0, accumulate)
    for step in (1, 5, 12, 13, 31):
        folder = tmp_path / str(step)
        train(
            folder, jit, 0, accumulate, after_step=lambda state, at=step: state.stop("") if state.step >= at else None
        )
        assert equal(train(folder, jit, 0, accumulate), whole)
    assert len(whole[1]) == EPOCHS


@pytest.mark.parametrize("jit, workers", [(True, 2), (False, 0)])
def test_killed_it_goes_on_bit_for_bit(jit, workers, tmp_path):
    """More of them: ``python -m tests.training.survivor``."""
    whole = train(tmp_path / "whole", jit, workers)
    killed(tmp_path / "killed", random.Random(jit), jit, workers, 1)
    assert equal(train(tmp_path / "killed", jit, workers), whole)


@any_python
@pytest.mark.parametrize(
    "options, words",
    [
        ({"epochs": -1}, "epochs is -1"),
        ({"epochs": 1, "accumulate": 0}, "accumulate is 0"),
        ({"epochs": 1, "interval": "batch"}, "interval='batch'"),
        ({"epochs": 1, "resume": True}, "resume needs the folder"),
        ({"epochs": 1, "monitor": "accuracy"}, "monitor='accuracy' is none of the figures epoch, loss, lr, seconds, w"),
    ],
)
def test_what_is_wrong_is_said(options, words):
    model, optimizer = linear()
    with pytest.raises(ValueError, match=words):
        fit(model, batches(), optimizer=optimizer, jit=False, **options)


@any_python
def test_another_training_is_not_resumed(tmp_path):
    model, optimizer = linear()
    fit(model, batches(), epochs=1, optimizer=optimizer, folder=tmp_path, jit=False)
    other = nn.Linear(3, 4)
    before = other.weight.numpy().copy()
    with pytest.raises(CheckpointError, match="weight"):
        fit(other, batches(), epochs=2, optimizer=optim.SGD(other, lr=0.5), folder=tmp_path, resume=True, jit=False)
    assert np.array_equal(other.weight.numpy(), before)
