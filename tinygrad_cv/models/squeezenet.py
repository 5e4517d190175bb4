"""SqueezeNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from ..frontend.functions import concatenate
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class Fire(nn.Module):
    """1 x 1 convolution down to ``squeezed`` channels, then 1 x 1 and 3 x 3 convolutions side by side.

    N x C x H x W -> N x 2 expanded x H x W (Iandola et al., 2016, section 3.2). Every convolution has a ReLU.
    """

    def __init__(self, channels: int, squeezed: int, expanded: int):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.squeeze_activation = nn.ReLU()
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand1x1_activation = nn.ReLU()
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)
        self.expand3x3_activation = nn.ReLU()

    def forward(self, x: TensorLike) -> Tensor:
        x = self.squeeze_activation(self.squeeze(x))
        parts = (self.expand1x1_activation(self.expand1x1(x)), self.expand3x3_activation(self.expand3x3(x)))
        return concatenate(parts, 1)


class SqueezeNet(nn.Module):
    """A convolution, eight fire modules with poolings between, a 1 x 1 convolution to the classes, global averages.

    Args:
        first: K and width of the first convolution.
        poolings: the fire modules, counted from 0, that a pooling precedes.
    """

    def __init__(self, first: tuple[int, int], poolings: tuple[int, ...], num_classes: int, dropout: float):
        super().__init__()
        kernel, channels = first
        layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel, stride=2), nn.ReLU()]
        for i, squeezed in enumerate((16, 16, 32, 32, 48, 48, 64, 64)):
            if i in poolings:
                layers.append(nn.MaxPool2d(3, 2, ceil_mode=True))
            layers.append(Fire(channels, squeezed, 4 * squeezed))
            channels = 8 * squeezed
        self.features = nn.Sequential(*layers)
        classes = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), classes, nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d) and module.bias is not None:
                nn.init.kaiming_uniform_(module.weight)
                nn.init.zeros_(module.bias)
        nn.init.normal_(classes.weight, 0.0, 0.01)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.features(x)).flatten(1)


@network(channels=3, side=224, threads=None)
def squeezenet1_0(num_classes: int = 1000, dropout: float = 0.5) -> SqueezeNet:
    """SqueezeNet 1.0: 1,248,424 parameters (Iandola et al., "SqueezeNet", 2016, table 1).

    >>> import tinygrad_cv as tg
    >>> tg.models.squeezenet1_0(num_classes=10)(tg.zeros(1, 3, 64, 64)).shape
    (1, 10)
    """
    return SqueezeNet((7, 96), (0, 3, 7), num_classes, dropout)


@network(channels=3, side=224, threads=None)
def squeezenet1_1(num_classes: int = 1000, dropout: float = 0.5) -> SqueezeNet:
    """SqueezeNet 1.1, with poolings earlier, so that it needs 2.4 times fewer multiplications: 1,235,496 parameters."""
    return SqueezeNet((3, 64), (0, 2, 4), num_classes, dropout)
