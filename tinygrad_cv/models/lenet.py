"""LeNet-5, as in the lecture."""

from __future__ import annotations

from .. import nn
from .catalog import network


@network(channels=1, side=28)
def lenet5(num_classes: int = 10) -> nn.Sequential:
    """[Conv, ReLU, Pool] x 2, FC, ReLU, FC: 1,256,080 parameters for ten classes.

    After LeCun et al., "Gradient-based learning applied to document recognition", 1998, with ReLU and max pooling.

        N x 1 x 28 x 28 -> conv1 20 x 28 x 28 -> pool1 20 x 14 x 14 -> conv2 50 x 14 x 14 -> pool2 50 x 7 x 7
        -> flatten 2450 -> fc1 500 -> fc2 10

    >>> import tinygrad_cv as tg
    >>> model = tg.models.lenet5()
    >>> [sum(p.size for p in layer.parameters()) for layer in (model.conv1, model.conv2, model.fc1, model.fc2)]
    [520, 25050, 1225500, 5010]
    """
    return nn.Sequential(
        {
            "conv1": nn.Conv2d(1, 20, 5, padding=2),
            "relu1": nn.ReLU(),
            "pool1": nn.MaxPool2d(2),
            "conv2": nn.Conv2d(20, 50, 5, padding=2),
            "relu2": nn.ReLU(),
            "pool2": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "fc1": nn.Linear(50 * 7 * 7, 500),
            "relu3": nn.ReLU(),
            "fc2": nn.Linear(500, num_classes),
        }
    )
