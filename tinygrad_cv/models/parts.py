"""Blocks that several networks share, with the names that torchvision gives their parts, and how weights start."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from .. import nn

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

Layer = Callable[[], nn.Module]
Norm = Callable[[int], nn.Module]


class ConvNormActivation(nn.Sequential):
    """Convolution that keeps the size at stride 1, normalization, activation: "0", "1", "2".

    N x C x H x W -> N x width x ceil(H / S) x ceil(W / S), for odd kernels. Without ``norm`` it has a bias.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        kernel_size: int = 3,
        stride: int = 1,
        groups: int = 1,
        norm: Norm | None = nn.BatchNorm2d,
        activation: Layer | None = nn.ReLU,
    ):
        padding = (kernel_size - 1) // 2
        super().__init__(
            nn.Conv2d(channels, width, kernel_size, stride, padding, groups=groups, bias=norm is None),
            *([norm(width)] if norm else []),
            *([activation()] if activation else []),
        )


class SqueezeExcitation(nn.Module):
    """x times one factor for each channel, computed from the channels' means (Hu et al., 2018, eq. 2 to 4).

    scale = gate(fc2(activation(fc1(mean x)))), N x C x H x W -> N x C x 1 x 1; fc1 and fc2 are 1 x 1 convolutions.
    """

    def __init__(self, channels: int, squeezed: int, activation: Layer = nn.ReLU, gate: Layer = nn.Sigmoid):
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = activation()
        self.scale_activation = gate()

    def forward(self, x: TensorLike) -> Tensor:
        scale = self.activation(self.fc1(self.avgpool(x)))
        return self.scale_activation(self.fc2(scale)) * x


def divisible(width: float, divisor: int = 8) -> int:
    """The multiple of ``divisor`` nearest to a width, at least ``divisor``, and at least 0.9 of the width.

    >>> [divisible(width) for width in (3, 19.2, 20, 33.6)]
    [8, 24, 24, 32]
    """
    rounded = max(divisor, int(width + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * width else rounded


def kaiming_(model: nn.Module, mode: Literal["fan_in", "fan_out"] = "fan_out") -> None:
    """Convolutions start from a normal distribution with variance 2 / fan (He et al., 2015, eq. 10), biases from 0."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode=mode, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def small_linear_(model: nn.Module, std: float = 0.01) -> None:
    """Fully connected layers start from a normal distribution of this deviation, their biases from 0."""
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
