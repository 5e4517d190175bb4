"""EfficientNet-B0, and its Lite form without squeeze and excitation."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .. import nn
from .catalog import network
from .parts import ConvNormActivation, Layer, Norm, SqueezeExcitation, kaiming_

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Stage(NamedTuple):
    """A row of table 1 of the paper: expansion, kernel, stride of the first block, channels in and out, blocks."""

    expansion: int
    kernel: int
    stride: int
    channels: int
    width: int
    blocks: int


B0 = (
    Stage(1, 3, 1, 32, 16, 1),
    Stage(6, 3, 2, 16, 24, 2),
    Stage(6, 5, 2, 24, 40, 2),
    Stage(6, 3, 2, 40, 80, 3),
    Stage(6, 5, 1, 80, 112, 3),
    Stage(6, 5, 2, 112, 192, 4),
    Stage(6, 3, 1, 192, 320, 1),
)


class MBConv(nn.Module):
    """1 x 1 up to ``expansion`` C channels, depthwise K x K, squeeze and excitation, 1 x 1 down to ``width``.

    Where the shape is kept, x is added, and in training a sample skips the block with probability ``drop``
    (Huang et al., "Deep networks with stochastic depth", 2016).
    """

    def __init__(
        self,
        channels: int,
        stage: Stage,
        stride: int,
        drop: float,
        norm: Norm,
        activation: Layer,
        squeeze: bool,
    ):
        super().__init__()
        hidden = channels * stage.expansion
        convolution = partial(ConvNormActivation, norm=norm, activation=activation)
        self.block = nn.Sequential(
            *([convolution(channels, hidden, 1)] if stage.expansion != 1 else []),
            convolution(hidden, hidden, stage.kernel, stride, groups=hidden),
            *([SqueezeExcitation(hidden, max(1, channels // 4), activation)] if squeeze else []),
            ConvNormActivation(hidden, stage.width, 1, norm=norm, activation=None),
        )
        self.stochastic_depth = nn.StochasticDepth(drop, "row")
        self.use_res_connect = stride == 1 and channels == stage.width

    def forward(self, x: Tensor) -> Tensor:
        y = self.block(x)
        return self.stochastic_depth(y) + x if self.use_res_connect else y


class EfficientNet(nn.Module):
    """A convolution, seven stages of :class:`MBConv`, a 1 x 1 convolution, global average pooling, dropout, FC.

    N x 3 x 224 x 224 -> 32 x 112 x 112 -> ... -> 320 x 7 x 7 -> 1280 x 7 x 7 -> num_classes.

    Args:
        stochastic_depth_prob: the probability that the last block is skipped; it rises linearly from 0.
        squeeze: squeeze and excitation in every block.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        dropout: float = 0.2,
        stochastic_depth_prob: float = 0.2,
        norm: Norm = nn.BatchNorm2d,
        activation: Layer = nn.SiLU,
        squeeze: bool = True,
    ):
        super().__init__()
        convolution = partial(ConvNormActivation, norm=norm, activation=activation)
        layers: list[nn.Module] = [convolution(3, 32, stride=2)]
        total, done = sum(stage.blocks for stage in B0), 0
        for stage in B0:
            chain = []
            for i in range(stage.blocks):
                channels, stride = (stage.channels, stage.stride) if i == 0 else (stage.width, 1)
                drop = stochastic_depth_prob * done / total
                chain.append(MBConv(channels, stage, stride, drop, norm, activation, squeeze))
                done += 1
            layers.append(nn.Sequential(*chain))
        self.features = nn.Sequential(*layers, convolution(320, 1280, 1))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(1280, num_classes))
        kaiming_(self)
        bound = num_classes**-0.5
        nn.init.uniform_(self.classifier[1].weight, -bound, bound)
        nn.init.zeros_(self.classifier[1].bias)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@network(channels=3, side=224, threads=None)
def efficientnet_b0(num_classes: int = 1000, dropout: float = 0.2, stochastic_depth_prob: float = 0.2) -> EfficientNet:
    """EfficientNet-B0: 5,288,548 parameters (Tan and Le, "EfficientNet", 2019, table 1).

    >>> import tinygrad_cv as tg
    >>> sum(p.size for p in tg.models.efficientnet_b0().parameters())
    5288548
    """
    return EfficientNet(num_classes, dropout, stochastic_depth_prob)


@network(channels=3, side=224, threads=None)
def efficientnet_lite0(
    num_classes: int = 1000, dropout: float = 0.2, stochastic_depth_prob: float = 0.2
) -> EfficientNet:
    """EfficientNet-Lite0, for devices: no squeeze and excitation, ReLU6 for SiLU, eps = 0.001: 4,652,008 parameters.

    R. Liu, "Higher accuracy on vision models with EfficientNet-Lite", 2020.
    """
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.01)
    return EfficientNet(num_classes, dropout, stochastic_depth_prob, norm, nn.ReLU6, squeeze=False)
