"""Fully convolutional networks for segmentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .. import nn
from ..core.context import no_grad
from ..frontend.creation import tensor
from .catalog import network
from .vgg import VGG

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor


class FCN32s(nn.Module):
    """The features of VGG-16, its fully connected layers as convolutions, and one upsampling by 32 (Long et al., 2015).

    N x 3 x H x W -> features 512 x H/32 x W/32 -> width -> width -> num_classes -> N x num_classes x H x W. The last
    step is a transposed convolution that starts as bilinear interpolation and learns (section 4.3).
    """

    def __init__(self, num_classes: int = 21, dropout: float = 0.5, width: int = 4096):
        super().__init__()
        self.features = VGG(16).features
        self.classifier = nn.Sequential(
            nn.Conv2d(512, width, 7, padding=3),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Dropout2d(dropout),
            nn.Conv2d(width, num_classes, 1),
        )
        self.upscore = nn.ConvTranspose2d(num_classes, num_classes, 64, stride=32, padding=16, bias=False)
        with no_grad():
            self.upscore.weight.assign(tensor(bilinear(num_classes, 64)))

    def forward(self, x: Tensor) -> Tensor:
        _, _, h, w = x.shape
        y = self.upscore(self.classifier(self.features(x)))
        if y.shape[2:] != (h, w):  # sizes that 32 does not divide lost a border in the poolings
            y = y.pad(((0, 0), (0, 0), (0, h - y.shape[2]), (0, w - y.shape[3])))
        return y


def bilinear(channels: int, kernel_size: int) -> np.ndarray:
    """The weight of a transposed convolution that interpolates each channel bilinearly: C x C x K x K.

    >>> bilinear(1, 4)[0, 0, 0].tolist()
    [0.0625, 0.1875, 0.1875, 0.0625]
    """
    factor = (kernel_size + 1) // 2
    centre = factor - 1 if kernel_size % 2 else factor - 0.5
    taps = 1 - abs(np.arange(kernel_size) - centre) / factor
    weight = np.zeros((channels, channels, kernel_size, kernel_size), np.float32)
    weight[range(channels), range(channels)] = np.outer(taps, taps)
    return weight


@network(channels=3, side=224, threads=None, task="segmentation")
def fcn32s(num_classes: int = 21, dropout: float = 0.5) -> FCN32s:
    """FCN-32s on VGG-16: 136,152,917 parameters for 21 classes (Long et al., 2015, section 4.1)."""
    return FCN32s(num_classes, dropout)
