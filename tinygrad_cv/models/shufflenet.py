"""ShuffleNet V2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import functional as F
from .. import nn
from ..frontend.functions import concatenate
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class ShuffleUnit(nn.Module):
    """One half of the channels goes through convolutions, the halves are put together and shuffled (Ma et al., fig. 3).

    With stride 2, all channels go through both branches.
    """

    def __init__(self, channels: int, width: int, stride: int):
        super().__init__()
        half = width // 2
        self.stride = stride
        self.branch1 = (
            nn.Sequential(
                nn.Conv2d(channels, channels, 3, stride, padding=1, groups=channels, bias=False),
                nn.BatchNorm2d(channels),
                nn.Conv2d(channels, half, 1, bias=False),
                nn.BatchNorm2d(half),
                nn.ReLU(),
            )
            if stride > 1
            else nn.Sequential()
        )
        self.branch2 = nn.Sequential(
            nn.Conv2d(channels if stride > 1 else half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
            nn.Conv2d(half, half, 3, stride, padding=1, groups=half, bias=False),
            nn.BatchNorm2d(half),
            nn.Conv2d(half, half, 1, bias=False),
            nn.BatchNorm2d(half),
            nn.ReLU(),
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride == 1:
            kept, x = x.split(2, 1)
        else:
            kept = self.branch1(x)
        return F.channel_shuffle(concatenate([kept, self.branch2(x)], 1), 2)


class ShuffleNetV2(nn.Module):
    """A convolution, max pooling, three stages of shuffle units, a 1 x 1 convolution, global average pooling, FC.

    N x 3 x 224 x 224 -> 24 x 112 x 112 -> 24 x 56 x 56 -> widths[0] x 28 x 28 -> widths[1] x 14 x 14 ->
    widths[2] x 7 x 7 -> last x 7 x 7 -> num_classes.
    """

    def __init__(self, widths: tuple[int, int, int], last: int = 1024, num_classes: int = 1000):
        super().__init__()

        def convolution(channels: int, width: int, kernel: int, stride: int) -> nn.Sequential:
            layer = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
            return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU())

        def stage(channels: int, width: int, count: int) -> nn.Sequential:
            rest = (ShuffleUnit(width, width, 1) for _ in range(count - 1))
            return nn.Sequential(ShuffleUnit(channels, width, 2), *rest)

        self.conv1 = convolution(3, 24, 3, 2)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.stage2 = stage(24, widths[0], 4)
        self.stage3 = stage(widths[0], widths[1], 8)
        self.stage4 = stage(widths[1], widths[2], 4)
        self.conv5 = convolution(widths[2], last, 1, 1)
        self.fc = nn.Linear(last, num_classes)

    def forward(self, x: TensorLike) -> Tensor:
        x = self.stage4(self.stage3(self.stage2(self.maxpool(self.conv1(x)))))
        return self.fc(self.conv5(x).mean((2, 3)))


@network(channels=3, side=224, threads=None)
def shufflenet_v2_x0_5(num_classes: int = 1000) -> ShuffleNetV2:
    """ShuffleNet V2 of half width: 1,366,792 parameters (Ma et al., "ShuffleNet V2", 2018, table 5)."""
    return ShuffleNetV2((48, 96, 192), 1024, num_classes)


@network(channels=3, side=224, threads=None)
def shufflenet_v2_x1_0(num_classes: int = 1000) -> ShuffleNetV2:
    """ShuffleNet V2: 2,278,604 parameters (Ma et al., "ShuffleNet V2", 2018, table 5).

    >>> import tinygrad_cv as tg
    >>> tg.models.shufflenet_v2_x1_0(num_classes=10)(tg.zeros(2, 3, 64, 64)).shape
    (2, 10)
    """
    return ShuffleNetV2((116, 232, 464), 1024, num_classes)
