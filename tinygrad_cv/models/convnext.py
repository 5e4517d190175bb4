"""ConvNeXt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import nn
from ..frontend.creation import full
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike


class LayerNorm2d(nn.LayerNorm):
    """Layer normalization over the channels of each pixel of N x C x H x W."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]  # not everything has permute
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Permute(nn.Module):
    """The axes in another order."""

    def __init__(self, dims: tuple[int, ...]):
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(*self.dims)

    def extra_repr(self) -> str:
        return f"{self.dims}"


class ConvNeXtBlock(nn.Module):
    """Depthwise 7 x 7, layer normalization, 1 x 1 to four times the channels, GELU, 1 x 1 back, plus x.

    Liu et al., 2022, fig. 4. The 1 x 1 convolutions are fully connected layers on N x H x W x C, and each channel is
    scaled by ``layer_scale`` before x is added.
    """

    def __init__(self, channels: int, layer_scale: float, drop: float):
        super().__init__()
        self.layer_scale = nn.Parameter(full((channels, 1, 1), layer_scale, dtype="float32"))
        self.block = nn.Sequential(
            nn.Conv2d(channels, channels, 7, padding=3, groups=channels),
            Permute((0, 2, 3, 1)),
            nn.LayerNorm(channels, eps=1e-6),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Linear(4 * channels, channels),
            Permute((0, 3, 1, 2)),
        )
        self.stochastic_depth = nn.StochasticDepth(drop, "row")

    def forward(self, x: Tensor) -> Tensor:
        return self.stochastic_depth(self.layer_scale * self.block(x)) + x


class ConvNeXt(nn.Module):
    """A 4 x 4 convolution with stride 4, four stages of blocks with 2 x 2 convolutions between, global averages, FC.

    N x 3 x 224 x 224 -> widths[0] x 56 x 56 -> widths[1] x 28 x 28 -> widths[2] x 14 x 14 -> widths[3] x 7 x 7.

    Args:
        stochastic_depth_prob: the probability that the last block is skipped; it rises linearly from 0.
        layer_scale: the scale with which blocks start.
    """

    def __init__(
        self,
        widths: tuple[int, int, int, int],
        counts: tuple[int, int, int, int],
        stochastic_depth_prob: float = 0.0,
        layer_scale: float = 1e-6,
        num_classes: int = 1000,
    ):
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, widths[0], 4, stride=4), LayerNorm2d(widths[0], eps=1e-6))
        layers: list[nn.Module] = [stem]
        total, done = sum(counts), 0
        for i, (width, count) in enumerate(zip(widths, counts, strict=True)):
            if i:
                before = widths[i - 1]
                layers.append(nn.Sequential(LayerNorm2d(before, eps=1e-6), nn.Conv2d(before, width, 2, stride=2)))
            drops = (stochastic_depth_prob * (done + k) / (total - 1.0) for k in range(count))
            layers.append(nn.Sequential(*(ConvNeXtBlock(width, layer_scale, drop) for drop in drops)))
            done += count
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        classes = nn.Linear(widths[-1], num_classes)
        self.classifier = nn.Sequential(LayerNorm2d(widths[-1], eps=1e-6), nn.Flatten(1), classes)
        for module in self.modules():
            if isinstance(module, (nn.Conv2d, nn.Linear)):
                nn.init.trunc_normal_(module.weight, 0.0, 0.02)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: TensorLike) -> Tensor:
        return self.classifier(self.avgpool(self.features(x)))


@network(channels=3, side=224, threads=None)
def convnext_tiny(num_classes: int = 1000, stochastic_depth_prob: float = 0.1) -> ConvNeXt:
    """ConvNeXt-Tiny: 28,589,128 parameters (Liu et al., "A ConvNet for the 2020s", 2022).

    >>> import tinygrad_cv as tg
    >>> tg.models.convnext_tiny(num_classes=10).eval()(tg.zeros(1, 3, 32, 32)).shape
    (1, 10)
    """
    return ConvNeXt((96, 192, 384, 768), (3, 3, 9, 3), stochastic_depth_prob, num_classes=num_classes)
