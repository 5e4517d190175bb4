"""Receptive fields and unused rows: against NaN that is put in one row after another, and against published figures."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import functional as F
from tinygrad_cv import models, nn


class Function(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def reached(layer, shape, axis):
    """By position along an axis of the image, which elements of the result a NaN there reaches."""
    parts = []
    for position in range(shape[axis]):
        x = np.ones((1, *shape), np.float32)
        np.moveaxis(x, axis + 1, 0)[position] = np.nan
        parts.append(np.isnan(layer(tg.tensor(x)).numpy()))
    return np.stack(parts)


def measured(layer, shape):
    """(receptive field within the image, unused rows), by NaN."""
    fields, unused = [], []
    for axis in range(1, len(shape)):
        hit = reached(layer, shape, axis)
        hit = hit.reshape(len(hit), -1)
        unused.append(int((~hit.any(1)).sum()))
        reaching = hit[:, hit.any(0)]
        last = len(hit) - 1 - reaching[::-1].argmax(0)
        fields.append(int((last - reaching.argmax(0) + 1).max()))
    return tuple(fields), tuple(unused)


LAYERS = {
    "conv": lambda: nn.Conv2d(4, 6, 3, stride=2),
    "grouped and dilated": lambda: nn.Conv2d(4, 4, (3, 2), dilation=(2, 3), groups=2),
    "dilated with a stride": lambda: nn.Conv2d(4, 2, 3, stride=2, dilation=2),
    "1x1 with a stride": lambda: nn.Conv2d(4, 2, 1, stride=3),
    "depthwise": lambda: nn.Conv2d(4, 4, 5, groups=4, stride=(1, 3)),
    "transposed": lambda: nn.ConvTranspose2d(4, 3, 3, stride=2),
    "transposed, cut": lambda: nn.ConvTranspose2d(4, 3, 2, stride=3, padding=2),
    "max pooling": lambda: nn.MaxPool2d(3, 2),
    "max pooling, dilated": lambda: nn.MaxPool2d(2, 3, dilation=3),
    "average pooling, ceil": lambda: nn.AvgPool2d(3, 2, ceil_mode=True),
    "global": lambda: nn.AdaptiveAvgPool2d(1),
    "reflected": lambda: nn.Conv2d(4, 2, 3, padding=1, padding_mode="reflect"),
    "wrapped": lambda: nn.Conv2d(4, 2, 3, padding=1, padding_mode="circular"),
    "instance norm": lambda: nn.InstanceNorm2d(4),
    "shuffle": lambda: nn.PixelShuffle(2),
    "unshuffle": lambda: Function(lambda x: F.pixel_unshuffle(x[..., :12, :10], 2)),
    "nearest": lambda: nn.Upsample(scale_factor=2, mode="nearest"),
    "flip and cut": lambda: Function(lambda x: x.flip(2)[:, 1:, ::2, 3:]),
    "flattened": lambda: nn.Flatten(),
    "sums along an axis": lambda: Function(lambda x: x.cumsum(3)),
    "one row gathered": lambda: Function(lambda x: x[:, :, [0, 5, 5], :]),
    "padded channels": lambda: Function(lambda x: tg.concatenate([x, x * 0 + 1, tg.zeros(1, 2, *x.shape[2:])], 1)),
    "squeezed and excited": lambda: Function(lambda x: x * x.mean((2, 3), keepdims=True).sigmoid()),
}


@pytest.mark.quick
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_by_nan(name):
    layer = LAYERS[name]()
    shape = (4, 13, 11)
    row = nn.summary(layer, shape).rows[-1]
    field, unused = measured(layer, shape)
    assert row.unused == unused
    assert row.receptive_field == field


def test_one_and_three_axes():
    line = nn.Conv1d(2, 3, 3, stride=4)
    assert nn.summary(line, (2, 14)).rows[-1].unused == measured(line, (2, 14))[1] == (5,)
    volume = nn.Conv3d(1, 1, (1, 2, 3), stride=(1, 2, 3))
    row = nn.summary(volume, (1, 3, 5, 7)).rows[-1]
    assert (row.receptive_field, row.unused) == measured(volume, (1, 3, 5, 7)) == ((1, 2, 3), (0, 1, 1))


def test_unused_rows_are_the_layers_own():
    """H = 28: 3x3 with stride 2 leaves one row, and pooling by 2 one of the 13 that come out."""
    model = nn.Sequential(nn.Conv2d(1, 1, 3, stride=2), nn.MaxPool2d(2))
    assert [row.unused for row in nn.summary(model, (1, 28, 28)).rows] == [(), (1, 1), (1, 1)]


@pytest.mark.parametrize(
    "name, side, layer, field",
    [
        ("alexnet", 224, "features.12", 195),
        ("vgg16", 224, "features.30", 212),
        ("inception_v3", 299, "Mixed_7c", 1311),
        ("mobilenet_v2", 224, "features.18.2", 491),
    ],
)
def test_published_receptive_fields(name, side, layer, field):
    """A. Araujo, W. Norris, J. Sim, Distill 2019, table in the appendix; MobileNetV2 by its equation 2."""
    rows = nn.summary(models.get(name), (3, side, side)).rows
    found = [row.receptive_field for row in rows if row.path.startswith(layer)]
    assert tuple(map(max, zip(*found, strict=True))) == (field, field)
