"""MNASNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from .catalog import network
from .parts import divisible, kaiming_

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

MOMENTUM = 1 - 0.9997


class MBBlock(nn.Module):
    """1 x 1 up to ``expansion`` C channels, depthwise K x K, 1 x 1 to ``width``; plus x where the shape is kept."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = channels * expansion
        self.layers = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden, momentum=MOMENTUM),
            nn.ReLU(),
            nn.Conv2d(hidden, hidden, kernel, stride, padding=kernel // 2, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden, momentum=MOMENTUM),
            nn.ReLU(),
            nn.Conv2d(hidden, width, 1, bias=False),
            nn.BatchNorm2d(width, momentum=MOMENTUM),
        )
        self.apply_residual = stride == 1 and channels == width

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x) + x if self.apply_residual else self.layers(x)


class MNASNet(nn.Module):
    """Two convolutions, six stages of :class:`MBBlock`, a 1 x 1 convolution, global averages, dropout, FC.

    Args:
        alpha: the width, relative to that of the paper.
    """

    def __init__(self, alpha: float, num_classes: int = 1000, dropout: float = 0.2):
        super().__init__()
        stem, first, *widths = (divisible(alpha * width) for width in (32, 16, 24, 40, 80, 96, 192, 320))
        layers: list[nn.Module] = [
            nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(stem, momentum=MOMENTUM),
            nn.ReLU(),
            nn.Conv2d(stem, stem, 3, padding=1, groups=stem, bias=False),
            nn.BatchNorm2d(stem, momentum=MOMENTUM),
            nn.ReLU(),
            nn.Conv2d(stem, first, 1, bias=False),
            nn.BatchNorm2d(first, momentum=MOMENTUM),
        ]
        channels = first
        # kernel, stride, expansion, blocks of each stage
        table = ((3, 2, 3, 3), (5, 2, 3, 3), (5, 2, 6, 3), (3, 1, 6, 2), (5, 2, 6, 4), (3, 1, 6, 1))
        for width, (kernel, stride, expansion, count) in zip(widths, table, strict=True):
            rest = (MBBlock(width, width, kernel, 1, expansion) for _ in range(count - 1))
            layers.append(nn.Sequential(MBBlock(channels, width, kernel, stride, expansion), *rest))
            channels = width
        last = [nn.Conv2d(channels, 1280, 1, bias=False), nn.BatchNorm2d(1280, momentum=MOMENTUM), nn.ReLU()]
        self.layers = nn.Sequential(*layers, *last)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(1280, num_classes))
        kaiming_(self)
        nn.init.kaiming_uniform_(self.classifier[1].weight, mode="fan_out", nonlinearity="sigmoid")
        nn.init.zeros_(self.classifier[1].bias)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.layers(x).mean((2, 3)))


@network(channels=3, side=224, threads=None)
def mnasnet0_5(num_classes: int = 1000, dropout: float = 0.2) -> MNASNet:
    """MNASNet-B1 of half width: 2,218,512 parameters (Tan et al., "MnasNet", 2019)."""
    return MNASNet(0.5, num_classes, dropout)


@network(channels=3, side=224, threads=None)
def mnasnet1_0(num_classes: int = 1000, dropout: float = 0.2) -> MNASNet:
    """MNASNet-B1: 4,383,312 parameters (Tan et al., "MnasNet: platform-aware neural architecture search", 2019)."""
    return MNASNet(1.0, num_classes, dropout)
