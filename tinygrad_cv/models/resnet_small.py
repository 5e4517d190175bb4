"""Residual networks for small images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import nn
from ..core.errors import ShapeError
from .catalog import network
from .parts import kaiming_
from .resnet import BasicBlock

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

MOST = 1000  # blocks of a stage


class SmallResNet(nn.Module):
    """A 3 x 3 convolution, three stages of basic blocks, global average pooling, FC (He et al., 2016, section 4.2).

    N x 3 x H x W -> layer1 widths[0] x H x W -> layer2 widths[1] x H/2 x W/2 -> layer3 widths[2] x H/4 x W/4 ->
    num_classes. Parameters have the names of torchvision's residual networks.
    """

    def __init__(self, blocks: int, widths: Sequence[int] = (16, 32, 64), num_classes: int = 10):
        super().__init__()
        if not 1 <= blocks <= MOST:
            raise ShapeError(f"SmallResNet: blocks={blocks}; it must be from 1 to {MOST}.")
        self.conv1 = nn.Conv2d(3, widths[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU()
        self.layer1 = _stage(blocks, widths[0], widths[0], 1)
        self.layer2 = _stage(blocks, widths[0], widths[1], 2)
        self.layer3 = _stage(blocks, widths[1], widths[2], 2)
        self.avgpool = nn.GlobalAvgPool2d()
        self.fc = nn.Linear(widths[2], num_classes)
        kaiming_(self)

    def forward(self, x: TensorLike) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x))


def _stage(blocks: int, channels: int, width: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(channels, width, stride), *(BasicBlock(width, width) for _ in range(blocks - 1)))


@network(channels=3, side=32, threads=None)
def resnet20(num_classes: int = 10) -> SmallResNet:
    """The residual network of 20 layers for 3 x 32 x 32 images: 272,474 parameters for ten classes.

    He et al., "Deep residual learning for image recognition", 2016, section 4.2, with projection shortcuts (option B).

        N x 3 x 32 x 32 -> 16 x 32 x 32 (7 convolutions) -> 32 x 16 x 16 (6) -> 64 x 8 x 8 (6) -> 64 -> 10

    >>> import tinygrad_cv as tg
    >>> model = tg.models.resnet20()
    >>> sum(p.size for p in model.parameters()), model(tg.zeros(2, 3, 32, 32)).shape
    (272474, (2, 10))
    """
    return SmallResNet(3, num_classes=num_classes)


@network(channels=3, side=32, threads=None)
def resnet56(num_classes: int = 10) -> SmallResNet:
    """:func:`resnet20` with nine blocks in each stage instead of three: 855,770 parameters for ten classes."""
    return SmallResNet(9, num_classes=num_classes)
