"""Whole models beside their PyTorch twins: one state dict, equal outputs, gradients, statistics and training steps."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import models, optim


def twins(nn, relu):
    """The models in PyTorch, written apart: same structure, same names."""

    def lenet5():
        return nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(1, 20, 5, padding=2),
                relu1=nn.ReLU(),
                pool1=nn.MaxPool2d(2),
                conv2=nn.Conv2d(20, 50, 5, padding=2),
                relu2=nn.ReLU(),
                pool2=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                fc1=nn.Linear(2450, 500),
                relu3=nn.ReLU(),
                fc2=nn.Linear(500, 10),
            )
        )

    def vgg_small():
        layers, channels = [], 3
        for width in (64, 128, 256):
            for _ in range(2):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            layers.append(nn.MaxPool2d(2))
        return nn.Sequential(
            OrderedDict(features=nn.Sequential(*layers), flatten=nn.Flatten(), classifier=nn.Linear(4096, 10))
        )

    class Block(nn.Module):
        def __init__(self, channels, width, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.downsample = None
            if stride == 2:
                self.downsample = nn.Sequential(nn.Conv2d(channels, width, 1, 2, bias=False), nn.BatchNorm2d(width))

        def forward(self, x):
            y = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
            return relu(y + (x if self.downsample is None else self.downsample(x)))

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16)
            for i, (channels, width, stride) in enumerate([(16, 16, 1), (16, 32, 2), (32, 64, 2)], 1):
                blocks = [Block(channels, width, stride), Block(width, width, 1), Block(width, width, 1)]
                setattr(self, f"layer{i}", nn.Sequential(*blocks))
            self.fc = nn.Linear(64, 10)

        def forward(self, x):
            x = self.layer3(self.layer2(self.layer1(relu(self.bn1(self.conv1(x))))))
            return self.fc(x.mean((2, 3)))

    return {"lenet5": lenet5, "vgg_small": vgg_small, "resnet20": ResNet}


@pytest.mark.parametrize(
    "name, shape",
    [("lenet5", (4, 1, 28, 28)), ("vgg_small", (2, 3, 32, 32)), ("resnet20", (2, 3, 32, 32))],
    ids=["lenet5", "vgg_small", "resnet20"],
)
def test_two_training_steps_are_pytorchs(name, shape):
    """In float64: losses, gradients, parameters and running statistics of two steps of momentum SGD, then use."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    torch.set_num_threads(1)
    tg.manual_seed(1)
    ours, theirs = getattr(models, name)().to("float64"), twins(torch.nn, torch.relu)[name]().double()
    theirs.load_state_dict({key: torch.from_numpy(value) for key, value in ours.state_dict().items()}, strict=True)
    ours.load_state_dict(theirs.state_dict())
    rng = np.random.default_rng(0)
    data, labels = rng.normal(size=shape), rng.integers(0, 10, shape[0])
    x, z, t = tg.tensor(data), torch.tensor(data), torch.tensor(labels)
    mine = optim.SGD(ours, lr=0.01, momentum=0.9, weight_decay=1e-4)
    reference = torch.optim.SGD(theirs.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    for _ in range(2):
        mine.zero_grad(), reference.zero_grad()
        loss, wanted = F.cross_entropy(ours(x), tg.tensor(labels)), torch.nn.functional.cross_entropy(theirs(z), t)
        np.testing.assert_allclose(loss.item(), wanted.item(), rtol=1e-9)
        loss.backward(), wanted.backward()
        for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
            scale = np.abs(q.grad.numpy()).max()
            np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-6, atol=1e-8 * scale, err_msg=key)
        mine.step(), reference.step()
    for key, value in theirs.state_dict().items():
        np.testing.assert_allclose(ours.state_dict()[key], value.numpy(), rtol=1e-7, atol=1e-9, err_msg=key)
    y, w = ours.eval()(x).detach().numpy(), theirs.eval()(z).detach().numpy()
    np.testing.assert_allclose(y, w, rtol=1e-7, atol=1e-8)
