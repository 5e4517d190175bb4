"""GoogLeNet, with batch normalization."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from .. import nn
from ..frontend.functions import concatenate
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class GoogLeNetOutputs(NamedTuple):
    """What :class:`GoogLeNet` returns in training: its scores, and those of its auxiliary classifiers."""

    logits: Tensor
    aux_logits2: Tensor | None
    aux_logits1: Tensor | None


class BasicConv2d(nn.Module):
    """Convolution without bias, batch normalization with eps = 0.001, ReLU."""

    def __init__(
        self,
        channels: int,
        width: int,
        kernel_size: int | tuple[int, int] = 1,
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel_size, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=0.001)
        self.relu = nn.ReLU()

    def forward(self, x: TensorLike) -> Tensor:
        return self.relu(self.bn(self.conv(x)))


class Inception(nn.Module):
    """Four branches side by side (Szegedy et al., 2015, fig. 2b): 1 x 1; 1 x 1, 3 x 3; 1 x 1, 3 x 3; max pool, 1 x 1.

    The paper has 5 x 5 kernels in the third branch; torchvision has 3 x 3 there, and so do its weights.

    Args:
        widths: of the convolutions, in the order in which the branches are named.
    """

    def __init__(self, channels: int, widths: tuple[int, int, int, int, int, int]):
        super().__init__()
        one, reduced2, two, reduced3, three, four = widths
        self.branch1 = BasicConv2d(channels, one)
        self.branch2 = nn.Sequential(BasicConv2d(channels, reduced2), BasicConv2d(reduced2, two, 3, padding=1))
        self.branch3 = nn.Sequential(BasicConv2d(channels, reduced3), BasicConv2d(reduced3, three, 3, padding=1))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), BasicConv2d(channels, four))

    def forward(self, x: TensorLike) -> Tensor:
        return concatenate([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class InceptionAux(nn.Module):
    """A classifier in the middle of the network, so that gradients reach its first half (section 5 of the paper)."""

    def __init__(self, channels: int, num_classes: int, dropout: float):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(4)
        self.conv = BasicConv2d(channels, 128)
        self.fc1 = nn.Linear(2048, 1024)
        self.relu = nn.ReLU()
        self.dropout = nn.Dropout(dropout)
        self.fc2 = nn.Linear(1024, num_classes)

    def forward(self, x: TensorLike) -> Tensor:
        y = self.conv(self.avgpool(x)).flatten(1)
        return self.fc2(self.dropout(self.relu(self.fc1(y))))


class GoogLeNet(nn.Module):
    """Three convolutions and nine inceptions with poolings between, global average pooling, dropout, FC.

    N x 3 x 224 x 224 -> 192 x 28 x 28 -> 480 x 14 x 14 -> 832 x 7 x 7 -> 1024 -> num_classes. In training it returns
    :class:`GoogLeNetOutputs`, unless ``aux_logits`` is false.
    """

    def __init__(
        self, num_classes: int = 1000, aux_logits: bool = True, dropout: float = 0.2, dropout_aux: float = 0.7
    ):
        super().__init__()
        pool = partial(nn.MaxPool2d, 3, 2, ceil_mode=True)
        self.conv1 = BasicConv2d(3, 64, 7, stride=2, padding=3)
        self.maxpool1 = pool()
        self.conv2 = BasicConv2d(64, 64)
        self.conv3 = BasicConv2d(64, 192, 3, padding=1)
        self.maxpool2 = pool()
        self.inception3a = Inception(192, (64, 96, 128, 16, 32, 32))
        self.inception3b = Inception(256, (128, 128, 192, 32, 96, 64))
        self.maxpool3 = pool()
        self.inception4a = Inception(480, (192, 96, 208, 16, 48, 64))
        self.inception4b = Inception(512, (160, 112, 224, 24, 64, 64))
        self.inception4c = Inception(512, (128, 128, 256, 24, 64, 64))
        self.inception4d = Inception(512, (112, 144, 288, 32, 64, 64))
        self.inception4e = Inception(528, (256, 160, 320, 32, 128, 128))
        self.maxpool4 = nn.MaxPool2d(2, 2, ceil_mode=True)
        self.inception5a = Inception(832, (256, 160, 320, 32, 128, 128))
        self.inception5b = Inception(832, (384, 192, 384, 48, 128, 128))
        self.aux1 = InceptionAux(512, num_classes, dropout_aux) if aux_logits else None
        self.aux2 = InceptionAux(528, num_classes, dropout_aux) if aux_logits else None
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(1024, num_classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, 0.0, 0.01)

    def forward(self, x: TensorLike) -> Tensor | GoogLeNetOutputs:
        x = self.maxpool2(self.conv3(self.conv2(self.maxpool1(self.conv1(x)))))
        x = self.inception4a(self.maxpool3(self.inception3b(self.inception3a(x))))
        aux1 = self.aux1(x) if self.training and self.aux1 is not None else None
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        aux2 = self.aux2(x) if self.training and self.aux2 is not None else None
        x = self.inception5b(self.inception5a(self.maxpool4(self.inception4e(x))))
        logits = self.fc(self.dropout(self.avgpool(x).flatten(1)))
        return logits if aux1 is None and aux2 is None else GoogLeNetOutputs(logits, aux2, aux1)


@network(channels=3, side=224, threads=None)
def googlenet(num_classes: int = 1000, aux_logits: bool = True, dropout: float = 0.2) -> GoogLeNet:
    """GoogLeNet: 6,624,904 parameters, and 6,379,984 more in its two auxiliary classifiers.

    Szegedy et al., "Going deeper with convolutions", 2015, table 1, with batch normalization.
    """
    return GoogLeNet(num_classes, aux_logits, dropout)
