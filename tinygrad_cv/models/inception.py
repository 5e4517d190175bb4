"""Inception v3."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .. import functional as F
from .. import nn
from ..frontend.functions import concatenate
from .catalog import network
from .googlenet import BasicConv2d

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class InceptionOutputs(NamedTuple):
    """What :class:`Inception3` returns in training: its scores, and those of its auxiliary classifier."""

    logits: Tensor
    aux_logits: Tensor | None


Row7, Column7 = (partial(BasicConv2d, kernel_size=k, padding=p) for k, p in (((1, 7), (0, 3)), ((7, 1), (3, 0))))
Row3, Column3 = (partial(BasicConv2d, kernel_size=k, padding=p) for k, p in (((1, 3), (0, 1)), ((3, 1), (1, 0))))


class InceptionA(nn.Module):
    """1 x 1; 5 x 5; two 3 x 3; average pool (Szegedy et al., 2016, fig. 5)."""

    def __init__(self, channels: int, pooled: int):
        super().__init__()
        self.branch1x1 = BasicConv2d(channels, 64)
        self.branch5x5_1 = BasicConv2d(channels, 48)
        self.branch5x5_2 = BasicConv2d(48, 64, 5, padding=2)
        self.branch3x3dbl_1 = BasicConv2d(channels, 64)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3, padding=1)
        self.branch_pool = BasicConv2d(channels, pooled)

    def forward(self, x: Tensor) -> Tensor:
        five = self.branch5x5_2(self.branch5x5_1(x))
        three = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        pooled = self.branch_pool(F.avg_pool2d(x, 3, 1, 1))
        return concatenate([self.branch1x1(x), five, three, pooled], 1)


class InceptionB(nn.Module):
    """Halves the image: 3 x 3; two 3 x 3; max pool, the last of each with stride 2 (fig. 10)."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch3x3 = BasicConv2d(channels, 384, 3, stride=2)
        self.branch3x3dbl_1 = BasicConv2d(channels, 64)
        self.branch3x3dbl_2 = BasicConv2d(64, 96, 3, padding=1)
        self.branch3x3dbl_3 = BasicConv2d(96, 96, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        return concatenate([self.branch3x3(x), double, F.max_pool2d(x, 3, 2)], 1)


class InceptionC(nn.Module):
    """7 x 7 kernels taken apart into rows and columns (fig. 6)."""

    def __init__(self, channels: int, width: int):
        super().__init__()
        self.branch1x1 = BasicConv2d(channels, 192)
        self.branch7x7_1 = BasicConv2d(channels, width)
        self.branch7x7_2 = Row7(width, width)
        self.branch7x7_3 = Column7(width, 192)
        self.branch7x7dbl_1 = BasicConv2d(channels, width)
        self.branch7x7dbl_2 = Column7(width, width)
        self.branch7x7dbl_3 = Row7(width, width)
        self.branch7x7dbl_4 = Column7(width, width)
        self.branch7x7dbl_5 = Row7(width, 192)
        self.branch_pool = BasicConv2d(channels, 192)

    def forward(self, x: Tensor) -> Tensor:
        seven = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        pooled = self.branch_pool(F.avg_pool2d(x, 3, 1, 1))
        return concatenate([self.branch1x1(x), seven, double, pooled], 1)


class InceptionD(nn.Module):
    """Halves the image: 3 x 3; 7 x 7 in rows and columns, 3 x 3; max pool, the last of each with stride 2."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch3x3_1 = BasicConv2d(channels, 192)
        self.branch3x3_2 = BasicConv2d(192, 320, 3, stride=2)
        self.branch7x7x3_1 = BasicConv2d(channels, 192)
        self.branch7x7x3_2 = Row7(192, 192)
        self.branch7x7x3_3 = Column7(192, 192)
        self.branch7x7x3_4 = BasicConv2d(192, 192, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_2(self.branch3x3_1(x))
        seven = self.branch7x7x3_4(self.branch7x7x3_3(self.branch7x7x3_2(self.branch7x7x3_1(x))))
        return concatenate([three, seven, F.max_pool2d(x, 3, 2)], 1)


class InceptionE(nn.Module):
    """1 x 1; 3 x 3 as a row and a column side by side; 3 x 3 and the same; average pool (fig. 7)."""

    def __init__(self, channels: int):
        super().__init__()
        self.branch1x1 = BasicConv2d(channels, 320)
        self.branch3x3_1 = BasicConv2d(channels, 384)
        self.branch3x3_2a = Row3(384, 384)
        self.branch3x3_2b = Column3(384, 384)
        self.branch3x3dbl_1 = BasicConv2d(channels, 448)
        self.branch3x3dbl_2 = BasicConv2d(448, 384, 3, padding=1)
        self.branch3x3dbl_3a = Row3(384, 384)
        self.branch3x3dbl_3b = Column3(384, 384)
        self.branch_pool = BasicConv2d(channels, 192)

    def forward(self, x: Tensor) -> Tensor:
        three = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        parts = [self.branch1x1(x), self.branch3x3_2a(three), self.branch3x3_2b(three)]
        parts += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return concatenate([*parts, self.branch_pool(F.avg_pool2d(x, 3, 1, 1))], 1)


class InceptionAux(nn.Module):
    """A classifier in the middle of the network (section 4 of the paper)."""

    def __init__(self, channels: int, num_classes: int):
        super().__init__()
        self.conv0 = BasicConv2d(channels, 128)
        self.conv1 = BasicConv2d(128, 768, 5)
        self.fc = nn.Linear(768, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv1(self.conv0(F.avg_pool2d(x, 5, 3)))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class Inception3(nn.Module):
    """Five convolutions, eleven inceptions of five kinds, global average pooling, dropout, FC.

    N x 3 x 299 x 299 -> 192 x 35 x 35 -> 288 x 35 x 35 -> 768 x 17 x 17 -> 2048 x 8 x 8 -> num_classes. In training it
    returns :class:`InceptionOutputs`, unless ``aux_logits`` is false; the auxiliary classifier needs images of 299.
    """

    def __init__(self, num_classes: int = 1000, aux_logits: bool = True, dropout: float = 0.5):
        super().__init__()
        self.Conv2d_1a_3x3 = BasicConv2d(3, 32, 3, stride=2)
        self.Conv2d_2a_3x3 = BasicConv2d(32, 32, 3)
        self.Conv2d_2b_3x3 = BasicConv2d(32, 64, 3, padding=1)
        self.maxpool1 = nn.MaxPool2d(3, 2)
        self.Conv2d_3b_1x1 = BasicConv2d(64, 80)
        self.Conv2d_4a_3x3 = BasicConv2d(80, 192, 3)
        self.maxpool2 = nn.MaxPool2d(3, 2)
        self.Mixed_5b = InceptionA(192, 32)
        self.Mixed_5c = InceptionA(256, 64)
        self.Mixed_5d = InceptionA(288, 64)
        self.Mixed_6a = InceptionB(288)
        self.Mixed_6b = InceptionC(768, 128)
        self.Mixed_6c = InceptionC(768, 160)
        self.Mixed_6d = InceptionC(768, 160)
        self.Mixed_6e = InceptionC(768, 192)
        self.AuxLogits = InceptionAux(768, num_classes) if aux_logits else None
        self.Mixed_7a = InceptionD(768)
        self.Mixed_7b = InceptionE(1280)
        self.Mixed_7c = InceptionE(2048)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(2048, num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, 0.0, 0.1)
        if self.AuxLogits is not None:
            nn.init.trunc_normal_(self.AuxLogits.conv1.conv.weight, 0.0, 0.01)
            nn.init.trunc_normal_(self.AuxLogits.fc.weight, 0.0, 0.001)

    def forward(self, x: TensorLike) -> Tensor | InceptionOutputs:
        y = self.maxpool1(self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(x))))
        y = self.maxpool2(self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(y)))
        y = self.Mixed_5d(self.Mixed_5c(self.Mixed_5b(y)))
        y = self.Mixed_6e(self.Mixed_6d(self.Mixed_6c(self.Mixed_6b(self.Mixed_6a(y)))))
        aux = self.AuxLogits(y) if self.training and self.AuxLogits is not None else None
        y = self.Mixed_7c(self.Mixed_7b(self.Mixed_7a(y)))
        logits = self.fc(self.dropout(self.avgpool(y)).flatten(1))
        return logits if aux is None else InceptionOutputs(logits, aux)


@network(channels=3, side=299, threads=None)
def inception_v3(num_classes: int = 1000, aux_logits: bool = True, dropout: float = 0.5) -> Inception3:
    """Inception v3: 23,834,568 parameters, and 3,326,696 more in its auxiliary classifier.

    Szegedy et al., "Rethinking the Inception architecture for computer vision", 2016, table 1.
    """
    return Inception3(num_classes, aux_logits, dropout)
