"""A small VGG."""

from __future__ import annotations

from .. import nn
from .catalog import network


@network(channels=3, side=32, threads=None)
def vgg_small(num_classes: int = 10) -> nn.Sequential:
    """([Conv, BN, ReLU] x 2, Pool) x 3, FC on 3 x 32 x 32 images: 1,187,274 parameters for ten classes.

    After Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015: 3 x 3
    kernels only, and channels that double when the image is halved. Convolutions have no bias, since batch
    normalization has one.

        N x 3 x 32 x 32 -> 64 x 16 x 16 -> 128 x 8 x 8 -> 256 x 4 x 4 -> flatten 4096 -> 10

    >>> import tinygrad_cv as tg
    >>> model = tg.models.vgg_small()
    >>> sum(p.size for p in model.parameters()), model(tg.zeros(1, 3, 32, 32)).shape
    (1187274, (1, 10))
    """
    layers: list[nn.Module] = []
    channels = 3
    for width in (64, 128, 256):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    classifier = nn.Linear(256 * 4 * 4, num_classes)
    return nn.Sequential({"features": nn.Sequential(*layers), "flatten": nn.Flatten(), "classifier": classifier})
