"""AlexNet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class AlexNet(nn.Module):
    """Five convolutions, three poolings, three fully connected layers, with dropout before the first two of these.

    N x 3 x 224 x 224 -> 64 x 55 x 55 -> 192 x 27 x 27 -> 384 x 13 x 13 -> 256 x 13 x 13 -> 256 x 6 x 6 -> 4096 -> 4096
    -> num_classes. Other sizes of at least 63 are averaged to 6 x 6.
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(3, 2),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(6)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


@network(channels=3, side=224, threads=None)
def alexnet(num_classes: int = 1000, dropout: float = 0.5) -> AlexNet:
    """AlexNet on one device: 61,100,840 parameters (Krizhevsky, "One weird trick", 2014, section 5).

    >>> import tinygrad_cv as tg
    >>> tg.models.alexnet(num_classes=10)(tg.zeros(1, 3, 64, 64)).shape
    (1, 10)
    """
    return AlexNet(num_classes, dropout)
