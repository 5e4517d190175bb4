"""VGG, and a small one for small images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from .catalog import network
from .parts import kaiming_, small_linear_

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

WIDTHS = (64, 128, 256, 512, 512)  # of the five stages, each of which ends with a pooling
CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # of each stage


class VGG(nn.Module):
    """Stages of 3 x 3 convolutions and ReLU, each followed by max pooling, and three fully connected layers.

    N x 3 x 224 x 224 -> 64 x 112 x 112 -> 128 x 56 x 56 -> 256 x 28 x 28 -> 512 x 14 x 14 -> 512 x 7 x 7 -> 4096 ->
    4096 -> num_classes. Other sizes of at least 32 are averaged to 7 x 7.

    Args:
        depth: the number of layers with weights: 11, 13, 16 or 19.
        norm: batch normalization after each convolution.
    """

    def __init__(self, depth: int, norm: bool = False, num_classes: int = 1000, dropout: float = 0.5):
        super().__init__()
        layers: list[nn.Module] = []
        channels = 3
        for width, count in zip(WIDTHS, CONVOLUTIONS[depth], strict=True):
            for _ in range(count):
                layers += [nn.Conv2d(channels, width, 3, padding=1), *([nn.BatchNorm2d(width)] if norm else [])]
                layers.append(nn.ReLU())
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        kaiming_(self)
        small_linear_(self)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@network(channels=3, side=224, threads=None)
def vgg11(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """VGG of 11 layers: 132,863,336 parameters (Simonyan and Zisserman, 2015, configuration A)."""
    return VGG(11, False, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg11_bn(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """:func:`vgg11` with batch normalization: 132,868,840 parameters."""
    return VGG(11, True, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg13(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """VGG of 13 layers: 133,047,848 parameters (Simonyan and Zisserman, 2015, configuration B)."""
    return VGG(13, False, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg13_bn(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """:func:`vgg13` with batch normalization: 133,053,736 parameters."""
    return VGG(13, True, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg16(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """VGG of 16 layers: 138,357,544 parameters (Simonyan and Zisserman, 2015, configuration D)."""
    return VGG(16, False, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg16_bn(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """:func:`vgg16` with batch normalization: 138,365,992 parameters."""
    return VGG(16, True, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg19(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """VGG of 19 layers: 143,667,240 parameters (Simonyan and Zisserman, 2015, configuration E)."""
    return VGG(19, False, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def vgg19_bn(num_classes: int = 1000, dropout: float = 0.5) -> VGG:
    """:func:`vgg19` with batch normalization: 143,678,248 parameters."""
    return VGG(19, True, num_classes, dropout)


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
