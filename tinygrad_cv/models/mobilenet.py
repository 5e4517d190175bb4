"""MobileNet V2 and V3: depthwise convolutions between 1 x 1 convolutions that widen and narrow."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .. import nn
from .catalog import network
from .parts import ConvNormActivation, SqueezeExcitation, divisible, kaiming_, small_linear_

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class InvertedResidual(nn.Module):
    """1 x 1 up to ``expansion`` C channels, depthwise 3 x 3, 1 x 1 down to ``width``; plus x where the shape is kept.

    Sandler et al., 2018, table 1. The last convolution has no activation (section 3.2).
    """

    def __init__(self, channels: int, width: int, stride: int, expansion: int):
        super().__init__()
        hidden = channels * expansion
        convolution = partial(ConvNormActivation, activation=nn.ReLU6)
        self.conv = nn.Sequential(
            *([convolution(channels, hidden, 1)] if expansion != 1 else []),
            convolution(hidden, hidden, 3, stride, groups=hidden),
            nn.Conv2d(hidden, width, 1, bias=False),
            nn.BatchNorm2d(width),
        )
        self.use_res_connect = stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """A convolution, seventeen inverted residuals, a 1 x 1 convolution, global average pooling, dropout, FC.

    N x 3 x 224 x 224 -> 32 x 112 x 112 -> ... -> 320 x 7 x 7 -> 1280 x 7 x 7 -> num_classes.
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.2):
        super().__init__()
        channels, last = divisible(32 * width_mult), divisible(1280 * max(1.0, width_mult))
        layers: list[nn.Module] = [ConvNormActivation(3, channels, stride=2, activation=nn.ReLU6)]
        # expansion, width, blocks, stride of the first
        for t, c, n, s in (
            (1, 16, 1, 1),
            (6, 24, 2, 2),
            (6, 32, 3, 2),
            (6, 64, 4, 2),
            (6, 96, 3, 1),
            (6, 160, 3, 2),
            (6, 320, 1, 1),
        ):
            width = divisible(c * width_mult)
            for i in range(n):
                layers.append(InvertedResidual(channels, width, s if i == 0 else 1, t))
                channels = width
        self.features = nn.Sequential(*layers, ConvNormActivation(channels, last, 1, activation=nn.ReLU6))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(last, num_classes))
        kaiming_(self)
        small_linear_(self)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class Bneck(NamedTuple):
    """A row of the tables of MobileNet V3: kernel, channels inside and out, squeezing, hard swish, stride."""

    kernel: int
    expanded: int
    width: int
    squeeze: bool
    hard_swish: bool
    stride: int


LARGE = (
    Bneck(3, 16, 16, False, False, 1),
    Bneck(3, 64, 24, False, False, 2),
    Bneck(3, 72, 24, False, False, 1),
    Bneck(5, 72, 40, True, False, 2),
    Bneck(5, 120, 40, True, False, 1),
    Bneck(5, 120, 40, True, False, 1),
    Bneck(3, 240, 80, False, True, 2),
    Bneck(3, 200, 80, False, True, 1),
    Bneck(3, 184, 80, False, True, 1),
    Bneck(3, 184, 80, False, True, 1),
    Bneck(3, 480, 112, True, True, 1),
    Bneck(3, 672, 112, True, True, 1),
    Bneck(5, 672, 160, True, True, 2),
    Bneck(5, 960, 160, True, True, 1),
    Bneck(5, 960, 160, True, True, 1),
)
SMALL = (
    Bneck(3, 16, 16, True, False, 2),
    Bneck(3, 72, 24, False, False, 2),
    Bneck(3, 88, 24, False, False, 1),
    Bneck(5, 96, 40, True, True, 2),
    Bneck(5, 240, 40, True, True, 1),
    Bneck(5, 240, 40, True, True, 1),
    Bneck(5, 120, 48, True, True, 1),
    Bneck(5, 144, 48, True, True, 1),
    Bneck(5, 288, 96, True, True, 2),
    Bneck(5, 576, 96, True, True, 1),
    Bneck(5, 576, 96, True, True, 1),
)
NORM = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)


class SqueezedResidual(nn.Module):
    """An inverted residual with squeeze and excitation, and a choice of activation (Howard et al., 2019, fig. 4)."""

    def __init__(self, channels: int, row: Bneck):
        super().__init__()
        convolution = partial(ConvNormActivation, norm=NORM, activation=nn.Hardswish if row.hard_swish else nn.ReLU)
        gate = partial(SqueezeExcitation, row.expanded, divisible(row.expanded // 4), gate=nn.Hardsigmoid)
        self.block = nn.Sequential(
            *([convolution(channels, row.expanded, 1)] if row.expanded != channels else []),
            convolution(row.expanded, row.expanded, row.kernel, row.stride, groups=row.expanded),
            *([gate()] if row.squeeze else []),
            ConvNormActivation(row.expanded, row.width, 1, norm=NORM, activation=None),
        )
        self.use_res_connect = row.stride == 1 and channels == row.width

    def forward(self, x: Tensor) -> Tensor:
        return x + self.block(x) if self.use_res_connect else self.block(x)


class MobileNetV3(nn.Module):
    """A convolution, inverted residuals, a 1 x 1 convolution, global average pooling, FC, hard swish, dropout, FC.

    Args:
        rows: of the table of the paper.
        last: the number of features between the fully connected layers.
    """

    def __init__(self, rows: Sequence[Bneck], last: int, num_classes: int = 1000, dropout: float = 0.2):
        super().__init__()
        swish = partial(ConvNormActivation, norm=NORM, activation=nn.Hardswish)
        layers: list[nn.Module] = [swish(3, 16, stride=2)]
        channels = 16
        for row in rows:
            layers.append(SqueezedResidual(channels, row))
            channels = row.width
        self.features = nn.Sequential(*layers, swish(channels, 6 * channels, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * channels, last), nn.Hardswish(), nn.Dropout(dropout), nn.Linear(last, num_classes)
        )
        kaiming_(self)
        small_linear_(self)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@network(channels=3, side=224, threads=None)
def mobilenet_v2(num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.2) -> MobileNetV2:
    """MobileNet V2: 3,504,872 parameters (Sandler et al., "MobileNetV2", 2018, table 2).

    >>> import tinygrad_cv as tg
    >>> tg.models.mobilenet_v2(num_classes=10).eval()(tg.zeros(1, 3, 64, 64)).shape
    (1, 10)
    """
    return MobileNetV2(num_classes, width_mult, dropout)


@network(channels=3, side=224, threads=None)
def mobilenet_v3_large(num_classes: int = 1000, dropout: float = 0.2) -> MobileNetV3:
    """MobileNet V3, large: 5,483,032 parameters (Howard et al., "Searching for MobileNetV3", 2019, table 1)."""
    return MobileNetV3(LARGE, 1280, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def mobilenet_v3_small(num_classes: int = 1000, dropout: float = 0.2) -> MobileNetV3:
    """MobileNet V3, small: 2,542,856 parameters (Howard et al., "Searching for MobileNetV3", 2019, table 2)."""
    return MobileNetV3(SMALL, 1024, num_classes, dropout)
