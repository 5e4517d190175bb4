"""The models: shapes, parameters, names, and that they learn."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import ShapeError, models, nn, optim

pytestmark = pytest.mark.any_python


def size(model):
    return sum(p.size for p in model.parameters())


def kinds(model):
    return [type(m).__name__ for m in model.modules() if not any(m.children())]


def test_lenet5():
    """Lecture row 9."""
    model = models.lenet5()
    assert [size(layer) for layer in (model.conv1, model.conv2, model.fc1, model.fc2)] == [
        520,
        25_050,
        1_225_500,
        5_010,
    ]
    assert size(model) == 1_256_080
    assert model(tg.zeros(3, 1, 28, 28)).shape == (3, 10)
    assert models.lenet5(7)(tg.zeros(1, 1, 28, 28)).shape == (1, 7)


def test_vgg_small():
    model = models.vgg_small()
    assert size(model) == 1_187_274
    convolution = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds(model) == [*convolution, *convolution, "MaxPool2d"] * 3 + ["Flatten", "Linear"]
    assert all(m.bias is None for m in model.modules() if isinstance(m, nn.Conv2d))


def test_resnet20():
    model = models.resnet20()
    assert size(model) == 272_474
    assert sum(isinstance(m, (nn.Conv2d, nn.Linear)) for m in model.modules()) == 20 + 2  # and two projections
    names = [name for name, _ in model.named_parameters()]
    assert names[:9] == [
        "conv1.weight",
        "bn1.weight",
        "bn1.bias",
        "layer1.0.conv1.weight",
        "layer1.0.bn1.weight",
        "layer1.0.bn1.bias",
        "layer1.0.conv2.weight",
        "layer1.0.bn2.weight",
        "layer1.0.bn2.bias",
    ]
    assert {"layer2.0.downsample.0.weight", "layer3.0.downsample.1.bias", "fc.weight", "fc.bias"} <= set(names)
    assert not any("layer1.0.downsample" in name for name in names) and len(names) == 65
    table = nn.summary(model, (3, 32, 32))
    shapes = {row.path: row.shape for row in table.rows}
    assert (shapes["layer1.2.conv2"], shapes["layer2.2.conv2"], shapes["layer3.2.conv2"]) == (
        (16, 32, 32),
        (32, 16, 16),
        (64, 8, 8),
    )


@pytest.mark.parametrize("norm", ["batch", "layer", "instance", "group", "none"])
@pytest.mark.parametrize("channels, hidden", [((4,), ()), ((4, 8), (6,)), ((4, 4, 8), (6, 5, 4))])
def test_row_8_any_number_of_convolutions_and_fully_connected_layers(norm, channels, hidden):
    """Lecture row 8: [Conv, Norm, ReLU, Pool] x N, flatten, [FC, ReLU] x N, FC; softmax is in the loss."""
    model = models.convnet(2, 17, channels, hidden, 3, norm, kernel_size=5)
    layer = {"batch": "BatchNorm2d", "layer": "LayerNorm", "instance": "InstanceNorm2d", "group": "GroupNorm"}
    block = ["Conv2d", *([layer[norm]] if norm in layer else []), "ReLU", "MaxPool2d"]
    assert kinds(model) == block * len(channels) + ["Flatten"] + ["Linear", "ReLU"] * len(hidden) + ["Linear"]
    x = tg.tensor(np.random.default_rng(0).normal(size=(2, 2, 17, 17)).astype(np.float32))
    y = model(x)
    assert y.shape == (2, 3)
    y.backward(tg.tensor(np.random.default_rng(1).normal(size=(2, 3)).astype(np.float32)))
    assert all(p.grad is not None and np.isfinite(p.grad.numpy()).all() for p in model.parameters())


def test_convnet_options():
    model = models.convnet(3, 8, (4,), (6,), pool=1, dropout=0.5, norm="group", groups=2)
    assert kinds(model) == ["Conv2d", "GroupNorm", "ReLU", "Flatten", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert model.classifier[1].in_features == 4 * 8 * 8 and model.features[1].num_groups == 2


@pytest.mark.parametrize(
    "kwargs, error, message",
    [
        ({"norm": "spectral"}, ValueError, "norm='spectral'; it must be one of 'batch'"),
        ({"kernel_size": 4}, ShapeError, "kernel_size=4; it must be odd"),
        ({"image_size": 4, "channels": (4, 4, 4)}, ShapeError, "image_size=4 with 3 poolings by 2"),
        ({"channels": (6,), "norm": "group"}, ShapeError, "num_groups=4 with num_channels=6"),
        ({"dropout": 2.0}, ValueError, "p=2.0"),
    ],
)
def test_wrong_arguments(kwargs, error, message):
    with pytest.raises(error, match=message):
        models.convnet(**kwargs)


@pytest.mark.parametrize("norm", ["batch", "layer", "none"])
def test_a_small_network_learns_its_batch(norm):
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    x, labels = tg.tensor(rng.normal(size=(16, 1, 8, 8)).astype(np.float32)), tg.tensor(rng.integers(0, 4, 16))
    model = models.convnet(1, 8, (8,), (16,), 4, norm)
    optimizer = optim.SGD(model, lr=0.1, momentum=0.9)
    for _ in range(25):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), labels)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
    assert (model(x).argmax(1) == labels).numpy().mean() > 0.9
