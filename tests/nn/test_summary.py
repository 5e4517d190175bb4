"""The model summary: the lecture's numbers, and that looking changes nothing."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import models, nn

pytestmark = pytest.mark.any_python


def test_a_1x1_convolution():
    """Lecture row 1: 64 x 56 x 56, 32 filters: 32 x 56 x 56, 2,048 weights, 6,422,528 multiply-adds."""
    table = nn.summary(nn.Conv2d(64, 32, 1, bias=False), (64, 56, 56))
    (row,) = table.rows[1:]
    assert (row.shape, row.parameters, row.multiply_adds) == ((32, 56, 56), 2048, 6_422_528)
    assert "6,422,528" in str(table) and "32 x 56 x 56" in str(table)


def test_ten_5x5_filters():
    """Lecture row 3: 3 x 32 x 32 with ten 5 x 5, P 2: 10 x 32 x 32, 760 parameters, 768,000 multiply-adds."""
    table = nn.summary(nn.Conv2d(3, 10, 5, padding=2), (3, 32, 32))
    (row,) = table.rows[1:]
    assert (row.shape, row.parameters, row.multiply_adds) == ((10, 32, 32), 760, 768_000)
    assert "768,000" in str(table)


@pytest.mark.parametrize(
    "kwargs, size",
    [
        ({"kernel_size": 3, "padding": 1}, 32),
        ({"kernel_size": 5, "padding": 2}, 32),
        ({"kernel_size": 1}, 32),
        ({"kernel_size": 3, "padding": 1, "stride": 2}, 16),
    ],
)
def test_usual_settings_keep_or_halve_the_image(kwargs, size):
    """Lecture row 3: K3 P1 S1, K5 P2 S1, K1 P0 S1 keep H, W; K3 P1 S2 halves."""
    assert nn.summary(nn.Conv2d(3, 4, **kwargs), (3, 32, 32)).rows[-1].shape == (4, size, size)


def test_lenet5():
    """Lecture rows 9 and 10: shapes, parameters, activation counts."""
    table = nn.summary(models.lenet5(), (1, 28, 28))
    shapes = [row.shape for row in table.rows if row.type in ("", "Conv2d", "MaxPool2d", "Flatten", "Linear")]
    assert shapes == [
        (1, 28, 28),
        (20, 28, 28),
        (20, 14, 14),
        (50, 14, 14),
        (50, 7, 7),
        (2450,),
        (500,),
        (10,),
    ]
    assert [row.parameters for row in table.rows if row.parameters] == [520, 25_050, 1_225_500, 5_010]
    assert table.parameters == table.trainable == 1_256_080
    counts = [row.activations for row in table.rows]
    assert [n for n, before in zip(counts, [0, *counts], strict=False) if n != before] == [
        784,
        15680,
        3920,
        9800,
        2450,
        500,
        10,
    ]
    assert "1,256,080" in str(table) and "15,680" in str(table)


def test_going_deeper():
    """Lecture row 19: spatial size falls and channels grow."""
    table = nn.summary(models.vgg_small(), (3, 32, 32))
    images = [row.shape for row in table.rows if len(row.shape) == 3]
    assert all(c <= d and h >= k for (c, h, _), (d, k, _) in pairwise(images))
    assert images[0] == (3, 32, 32) and images[-1] == (256, 4, 4)


def test_multiply_adds_by_hand():
    """Grouped, strided and transposed convolutions, and two images: all per image."""
    model = nn.Sequential(
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=2),
        nn.ConvTranspose2d(8, 2, 2, stride=2),
        nn.Flatten(),
        nn.Linear(128, 3),
    )
    for x in ((4, 8, 8), tg.ones(2, 4, 8, 8), np.ones((5, 4, 8, 8), np.float32)):
        rows = nn.summary(model, x).rows
        assert [row.multiply_adds for row in rows] == [0, 8 * 16 * 2 * 9, 8 * 16 * 2 * 4, 0, 384]
        assert [row.activations for row in rows] == [256, 128, 128, 128, 3]


def test_containers_with_parameters_or_products_have_rows_and_shared_parameters_count_once():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.act = nn.ReLU()
            self.mix = nn.Parameter(tg.ones(3, 3))
            self.fc = nn.Linear(3, 3, bias=False)

        def forward(self, x):
            return self.act(self.fc(self.act(self.fc(x @ self.mix))))

    table = nn.summary(Net(), (3,))
    assert [(row.path, row.parameters, row.multiply_adds) for row in table.rows] == [
        ("input", 0, 0),
        ("fc", 9, 9),
        ("act", 0, 0),
        ("fc", 0, 9),
        ("act", 0, 0),
        ("Net", 9, 9),
    ]
    assert (table.parameters, table.multiply_adds) == (18, 27)


def test_looking_changes_nothing():
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    model[1].eval()
    before = model.state_dict()
    tg.manual_seed(2)
    wanted = tg.rand(3).tolist()
    tg.manual_seed(2)
    table = nn.summary(model, (3,))
    assert tg.rand(3).tolist() == wanted
    assert [m.training for m in model] == [True, False, True, True] and model.training
    assert all((before[key] == value).all() for key, value in model.state_dict().items())
    assert all(m._hooks == ((), ()) for m in model.modules()) and all(p.grad is None for p in model.parameters())
    assert table.parameters - table.trainable == 16 and "of which fixed: 16" in str(table)


def test_an_error_inside_leaves_the_model_as_it_was():
    model = nn.Sequential(nn.Linear(3, 4))
    with pytest.raises(ValueError, match="in_features=5"):
        nn.summary(model, (5,))
    assert model[0]._hooks == ((), ()) and model.training
    with pytest.raises(ValueError, match="holds no image"):
        nn.summary(model, tg.zeros(0, 3))
