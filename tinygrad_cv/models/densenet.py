"""DenseNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from ..frontend.functions import concatenate
from .catalog import network
from .parts import kaiming_

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class DenseLayer(nn.Module):
    """BN, ReLU, 1 x 1 convolution to ``bottleneck`` channels, BN, ReLU, 3 x 3 convolution to ``growth`` channels.

    Huang et al., 2017, section 3 ("DenseNet-B").
    """

    def __init__(self, channels: int, growth: int, bottleneck: int, drop_rate: float):
        super().__init__()
        self.norm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU()
        self.conv1 = nn.Conv2d(channels, bottleneck, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bottleneck)
        self.relu2 = nn.ReLU()
        self.conv2 = nn.Conv2d(bottleneck, growth, 3, padding=1, bias=False)
        self.dropout = nn.Dropout(drop_rate) if drop_rate else None

    def forward(self, x: TensorLike) -> Tensor:
        y = self.conv1(self.relu1(self.norm1(x)))
        y = self.conv2(self.relu2(self.norm2(y)))
        return y if self.dropout is None else self.dropout(y)


class DenseBlock(nn.Module):
    """Each layer reads the block's input and the outputs of all layers before it (Huang et al., 2017, eq. 2).

    N x C x H x W -> N x (C + count growth) x H x W.
    """

    def __init__(self, count: int, channels: int, growth: int, bottleneck: int, drop_rate: float):
        super().__init__()
        for i in range(count):
            layer = DenseLayer(channels + i * growth, growth, bottleneck, drop_rate)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, x: TensorLike) -> Tensor:
        features = [x]
        for _, layer in self.named_children():
            features.append(layer(concatenate(features, 1)))
        return concatenate(features, 1)


class Transition(nn.Sequential):
    """BN, ReLU, 1 x 1 convolution to half of the channels, averages of 2 x 2 (Huang et al., 2017, section 3)."""

    def __init__(self, channels: int):
        super().__init__(
            {
                "norm": nn.BatchNorm2d(channels),
                "relu": nn.ReLU(),
                "conv": nn.Conv2d(channels, channels // 2, 1, bias=False),
                "pool": nn.AvgPool2d(2),
            }
        )


class DenseNet(nn.Module):
    """A 7 x 7 convolution, max pooling, dense blocks with transitions between, global average pooling, FC.

    Args:
        growth_rate: the number of channels that each layer adds (k in the paper).
        block_config: the number of layers of each block.
        num_init_features: the number of filters of the first convolution.
        bn_size: each layer's bottleneck has bn_size growth_rate channels.
        drop_rate: dropout after each layer.
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: tuple[int, ...] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0.0,
        num_classes: int = 1000,
    ):
        super().__init__()
        channels = num_init_features
        layers: dict[str, nn.Module] = {
            "conv0": nn.Conv2d(3, channels, 7, stride=2, padding=3, bias=False),
            "norm0": nn.BatchNorm2d(channels),
            "relu0": nn.ReLU(),
            "pool0": nn.MaxPool2d(3, 2, 1),
        }
        for i, count in enumerate(block_config, 1):
            layers[f"denseblock{i}"] = DenseBlock(count, channels, growth_rate, bn_size * growth_rate, drop_rate)
            channels += count * growth_rate
            if i < len(block_config):
                layers[f"transition{i}"] = Transition(channels)
                channels //= 2
        layers["norm5"] = nn.BatchNorm2d(channels)
        self.features = nn.Sequential(layers)
        self.relu = nn.ReLU()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(channels, num_classes)
        kaiming_(self, mode="fan_in")
        if self.classifier.bias is not None:
            nn.init.zeros_(self.classifier.bias)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.relu(self.features(x))).flatten(1))


@network(channels=3, side=224, threads=None)
def densenet121(num_classes: int = 1000, drop_rate: float = 0.0) -> DenseNet:
    """DenseNet of 121 layers: 7,978,856 parameters.

    Huang et al., "Densely connected convolutional networks", 2017, table 1.

    >>> import tinygrad_cv as tg
    >>> sum(p.size for p in tg.models.densenet121().parameters())
    7978856
    """
    return DenseNet(drop_rate=drop_rate, num_classes=num_classes)
