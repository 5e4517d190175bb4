"""Residual networks for images of 224 x 224, their wide form, and their form with grouped convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from .catalog import network
from .parts import kaiming_

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class BasicBlock(nn.Module):
    """y = ReLU(BN(conv(ReLU(BN(conv(x))))) + shortcut(x)), two 3 x 3 convolutions (He et al., 2016, fig. 2 and eq. 1).

    N x C x H x W -> N x width x H/stride x W/stride. The shortcut is x itself or, if the shape changes, a 1 x 1
    convolution and batch normalization (option B).
    """

    expansion = 1  # output channels by width

    def __init__(self, channels: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _projection(channels, width, stride)

    def start_as_the_shortcut(self) -> None:
        """γ = 0 in the last normalization."""
        if self.bn2.weight is not None:
            nn.init.zeros_(self.bn2.weight)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        return self.relu(self.bn2(self.conv2(y)) + shortcut)


class Bottleneck(nn.Module):
    """Convolutions of 1 x 1 down to ``inner`` channels, 3 x 3, and 1 x 1 up to 4 width, plus the shortcut.

    He et al., 2016, fig. 5; the 3 x 3 convolution has the stride, as in torchvision ("ResNet v1.5"). It is in
    ``groups`` for ResNeXt (Xie et al., 2017, fig. 3c).
    """

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int = 1, groups: int = 1, width_per_group: int = 64):
        super().__init__()
        inner, out = width * width_per_group // 64 * groups, width * self.expansion
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, padding=1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(inner)
        self.conv3 = nn.Conv2d(inner, out, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(out)
        self.relu = nn.ReLU()
        self.downsample = _projection(channels, out, stride)

    def start_as_the_shortcut(self) -> None:
        """γ = 0 in the last normalization."""
        if self.bn3.weight is not None:
            nn.init.zeros_(self.bn3.weight)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        return self.relu(self.bn3(self.conv3(y)) + shortcut)


def _projection(channels: int, out: int, stride: int) -> nn.Sequential | None:
    """The shortcut where the shape changes."""
    if stride == 1 and channels == out:
        return None
    return nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))


class ResNet(nn.Module):
    """A 7 x 7 convolution, max pooling, four stages of blocks, global average pooling, FC (He et al., 2016, table 1).

    N x 3 x 224 x 224 -> 64 x 56 x 56 -> layer1, 56 x 56 -> layer2, 28 x 28 -> layer3, 14 x 14 -> layer4, 7 x 7 ->
    num_classes.

    Args:
        block: :class:`BasicBlock` or :class:`Bottleneck`.
        layers: the number of blocks of each stage.
        groups, width_per_group: of the 3 x 3 convolutions of bottlenecks.
        zero_init_residual: the last normalization of each block starts with γ = 0, so that each block starts as its
            shortcut (Goyal et al., 2017, section 5.1).
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: tuple[int, int, int, int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
        groups: int = 1,
        width_per_group: int = 64,
    ):
        super().__init__()
        options = {"groups": groups, "width_per_group": width_per_group} if block is Bottleneck else {}

        def stage(channels: int, width: int, count: int, stride: int) -> nn.Sequential:
            first, out = block(channels, width, stride, **options), width * block.expansion
            return nn.Sequential(first, *(block(out, width, **options) for _ in range(count - 1)))

        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = stage(64, 64, layers[0], 1)
        self.layer2 = stage(64 * block.expansion, 128, layers[1], 2)
        self.layer3 = stage(128 * block.expansion, 256, layers[2], 2)
        self.layer4 = stage(256 * block.expansion, 512, layers[3], 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        kaiming_(self)
        if zero_init_residual:
            for module in self.modules():
                if isinstance(module, (BasicBlock, Bottleneck)):
                    module.start_as_the_shortcut()

    def forward(self, x: TensorLike) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x).flatten(1))


@network(channels=3, side=224, threads=None)
def resnet18(num_classes: int = 1000, zero_init_residual: bool = False) -> ResNet:
    """The residual network of 18 layers: 11,689,512 parameters.

    He et al., "Deep residual learning for image recognition", 2016, table 1, with projection shortcuts (option B).

    >>> import tinygrad_cv as tg
    >>> tg.models.resnet18(num_classes=10)(tg.zeros(1, 3, 64, 64)).shape
    (1, 10)
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), num_classes, zero_init_residual)


@network(channels=3, side=224, threads=None)
def resnet34(num_classes: int = 1000, zero_init_residual: bool = False) -> ResNet:
    """The residual network of 34 layers: 21,797,672 parameters (He et al., 2016, table 1)."""
    return ResNet(BasicBlock, (3, 4, 6, 3), num_classes, zero_init_residual)


@network(channels=3, side=224, threads=None)
def resnet50(num_classes: int = 1000, zero_init_residual: bool = False) -> ResNet:
    """The residual network of 50 layers: 25,557,032 parameters (He et al., 2016, table 1)."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, zero_init_residual)


@network(channels=3, side=224, threads=None)
def resnet101(num_classes: int = 1000, zero_init_residual: bool = False) -> ResNet:
    """The residual network of 101 layers: 44,549,160 parameters (He et al., 2016, table 1)."""
    return ResNet(Bottleneck, (3, 4, 23, 3), num_classes, zero_init_residual)


@network(channels=3, side=224, threads=None)
def wide_resnet50_2(num_classes: int = 1000, zero_init_residual: bool = False) -> ResNet:
    """ResNet-50 with 3 x 3 convolutions of twice the width: 68,883,240 parameters (Zagoruyko and Komodakis, 2016)."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, zero_init_residual, width_per_group=128)


@network(channels=3, side=224, threads=None)
def resnext50_32x4d(num_classes: int = 1000, zero_init_residual: bool = False) -> ResNet:
    """ResNet-50 with 32 groups of 4 channels: 25,028,904 parameters (Xie et al., 2017, table 1)."""
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes, zero_init_residual, groups=32, width_per_group=4)
