"""A run that is recorded: statistics of every step, training as it would be without."""

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn

pytestmark = pytest.mark.any_python


def train(recorded):
    tg.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 3))
    opt = tg.optim.SGD(model, lr=0.1)
    rng = np.random.default_rng(0)
    x = tg.tensor(rng.normal(size=(16, 4)).astype(np.float32))
    y = tg.tensor(rng.integers(0, 3, 16))

    def loss_of(x, y):
        return F.cross_entropy(model(x), y)

    run = tg.record(loss_of, names={"model": model}, every=2)
    losses = []
    for _ in range(6):
        if recorded:
            run(x, y)
        loss = loss_of(x, y)
        losses.append(loss.item())
        opt.zero_grad()
        loss.backward()
        opt.step()
    return run, losses, model


def test_training_is_as_it_would_be_without():
    _, losses, model = train(True)
    _, plain, other = train(False)
    assert losses == plain
    for (name, a), (_, b) in zip(model.named_buffers(), other.named_buffers(), strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy(), err_msg=name)


def test_every_second_step_is_kept_with_its_loss_and_all_nodes():
    run, losses, _ = train(True)
    assert [step.step for step in run.steps] == [0, 2, 4]
    np.testing.assert_allclose([step.loss for step in run.steps], losses[::2], rtol=1e-6)
    weight = next(node for node in run.view.nodes if node.name.endswith("0.weight"))
    first, last = (run.steps[i].nodes[weight.number] for i in (0, -1))
    assert first["statistics"].norm != last["statistics"].norm and first["gradient"].norm > 0
    assert repr(run) == "TrainingRecord(3 steps)"


def test_another_graph_is_refused():
    run = tg.record(lambda x: x.sum() if x.size > 2 else x.exp().sum())
    run(tg.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(tg.GraphError, match="step 1 has another graph"):
        run(tg.tensor([1.0]))


def test_bad_use_is_explained(tmp_path):
    with pytest.raises(ValueError, match="every=0"):
        tg.record(lambda x: x, every=0)
    with pytest.raises(tg.GraphError, match="nothing was recorded"):
        tg.record(lambda x: x).html(tmp_path / "x.html")
