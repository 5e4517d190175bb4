"""U-Net, for images and for volumes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from .. import nn
from ..core.errors import ShapeError
from ..frontend.functions import concatenate
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor


class Layers(NamedTuple):
    """The layers of a network for a number of spatial axes."""

    conv: Callable[..., nn.Module]
    up: Callable[..., nn.Module]
    norm: Callable[..., nn.Module]
    pool: Callable[..., nn.Module]


LAYERS = {
    2: Layers(nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d, nn.MaxPool2d),
    3: Layers(nn.Conv3d, nn.ConvTranspose3d, nn.BatchNorm3d, nn.MaxPool3d),
}
DEEPEST = 16


class UNet(nn.Module):
    """Down through convolutions and poolings, up again, with what each level had on the way down put beside it.

    N x C x H x W -> N x num_classes x H x W (or N x C x D x H x W for ``dims=3``). At each level are two convolutions
    of K = 3 that keep the size, with batch normalization and ReLU; the channels double downwards from ``width``
    (Ronneberger, Fischer and Brox, 2015, fig. 1; with padding, so that the result has the size of the input).

    Args:
        depth: the number of poolings; sizes must be divisible by 2 to its power.
        dims: 2 for images, 3 for volumes.
    """

    def __init__(self, in_channels: int = 3, num_classes: int = 2, width: int = 64, depth: int = 4, dims: int = 2):
        super().__init__()
        if dims not in LAYERS:
            raise ShapeError(f"UNet: dims={dims!r}; it must be 2 for images or 3 for volumes.")
        if depth > DEEPEST:
            raise ShapeError(f"UNet: depth={depth}; it must be at most {DEEPEST}, since each level halves the image.")
        make = LAYERS[dims]

        def double(channels: int, out: int) -> nn.Sequential:
            layers: list[nn.Module] = []
            for c in (channels, out):
                layers += [make.conv(c, out, 3, padding=1, bias=False), make.norm(out), nn.ReLU()]
            return nn.Sequential(*layers)

        widths = [width << level for level in range(depth + 1)]
        self.depth = depth
        self.down = nn.ModuleList([double(c, out) for c, out in zip([in_channels, *widths], widths, strict=False)])
        self.pool = make.pool(2)
        self.up = nn.ModuleList([make.up(2 * w, w, 2, stride=2) for w in reversed(widths[:-1])])
        self.merge = nn.ModuleList([double(2 * w, w) for w in reversed(widths[:-1])])
        self.head = make.conv(width, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        if any(size % (1 << self.depth) for size in x.shape[2:]):
            raise ShapeError(
                f"UNet: input of shape {x.shape} with {self.depth} poolings: its sizes must be divisible by "
                f"{1 << self.depth}. Pad the images, or take a smaller depth."
            )
        levels = []
        for i, block in enumerate(self.down):
            x = block(x if i == 0 else self.pool(x))
            levels.append(x)
        for beside, up, merge in zip(reversed(levels[:-1]), self.up, self.merge, strict=True):
            x = merge(concatenate([beside, up(x)], 1))
        return self.head(x)


@network(channels=3, side=128, threads=None, task="segmentation")
def unet(num_classes: int = 2, in_channels: int = 3, width: int = 64, depth: int = 4) -> UNet:
    """U-Net for images: 31,037,698 parameters for two classes.

    Ronneberger, Fischer and Brox, "U-Net: convolutional networks for biomedical image segmentation", 2015.

    >>> import tinygrad_cv as tg
    >>> tg.models.unet(width=4, depth=2)(tg.zeros(1, 3, 16, 16)).shape
    (1, 2, 16, 16)
    """
    return UNet(in_channels, num_classes, width, depth, 2)


@network(channels=3, side=32, threads=None, task="segmentation", dims=3)
def unet3d(num_classes: int = 2, in_channels: int = 3, width: int = 32, depth: int = 3) -> UNet:
    """U-Net for volumes N x C x D x H x W (Çiçek et al., "3D U-Net", 2016).

    >>> import tinygrad_cv as tg
    >>> tg.models.unet3d(width=2, depth=1)(tg.zeros(1, 3, 4, 4, 4)).shape
    (1, 2, 4, 4, 4)
    """
    return UNet(in_channels, num_classes, width, depth, 3)
