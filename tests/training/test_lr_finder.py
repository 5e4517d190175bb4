"""The learning-rate finder: on a problem whose limit is known, and that it leaves nothing behind."""

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import nn, optim
from tinygrad_cv.data import DataLoader, TensorDataset
from tinygrad_cv.training import find_lr

pytestmark = pytest.mark.any_python


class Point(nn.Module):
    """x, whose loss is 1/2 c x² + 1: gradient descent diverges from lr = 2 / c on."""

    def __init__(self):
        super().__init__()
        self.x = nn.Parameter(tg.tensor([1.0]))

    def forward(self, inputs):
        return self.x * inputs.mean()


@pytest.mark.parametrize("curvature", [0.5, 50.0])
def test_it_ends_where_gradient_descent_diverges(curvature):
    model = Point()

    def loss(outputs, targets):
        return 0.5 * curvature * outputs.square().sum() + 1

    data = [(np.ones(4, np.float32), np.zeros(4))]
    optimizer = optim.SGD(model, lr=0.1)
    curve = find_lr(model, data, optimizer, loss, start=1e-4 / curvature, end=1e3 / curvature, steps=200, smoothing=0.5)
    x, average, expected = 1.0, 0.0, []
    for number, rate in enumerate(np.geomspace(1e-4 / curvature, 1e3 / curvature, 200), 1):
        average = 0.5 * average + 0.5 * (0.5 * curvature * x**2 + 1)
        expected.append(average / (1 - 0.5**number))
        if expected[-1] > 4 * min(expected):
            break
        x *= 1 - rate * curvature
    np.testing.assert_allclose(curve.losses, expected[:-1], 1e-4)
    assert 2 / curvature < curve.rates[-1] and curve.suggestion < 2 / curvature


def test_everything_is_as_before(tmp_path):
    tg.manual_seed(0)
    model = nn.Sequential(nn.BatchNorm1d(3), nn.Dropout(0.5), nn.Linear(3, 3)).eval()
    optimizer = optim.SGD(model, lr=0.25, momentum=0.9)
    rng = np.random.default_rng(0)
    data = DataLoader(TensorDataset(rng.random((20, 3), np.float32), rng.integers(0, 3, 20)), 8, shuffle=True)
    before = {name: np.asarray(value).copy() for name, value in model.state_dict().items()}
    place = data.state_dict()
    curve = find_lr(model, data, optimizer, steps=30, jit=False)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    assert not model.training and optimizer.param_groups[0]["lr"] == 0.25 and not optimizer.state
    assert data.state_dict() == place and all(p.grad is None for p in model.parameters())
    drawn = tg.rand(2).tolist()
    tg.manual_seed(0)
    nn.Linear(3, 3)
    assert drawn == tg.rand(2).tolist()
    curve.save(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "options, words",
    [
        ({"start": 0.0}, "start=0.0"),
        ({"start": 1.0, "end": 0.5}, "end=0.5"),
        ({"steps": 2}, "steps=2"),
        ({}, "no batch"),
    ],
)
def test_what_is_wrong_is_said(options, words):
    model = nn.Linear(2, 2)
    with pytest.raises(ValueError, match=words):
        find_lr(model, [], optim.SGD(model, lr=0.1), jit=False, **options)
