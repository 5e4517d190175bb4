"""The pair of networks of a deep convolutional generative adversarial network."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from .. import nn
from .catalog import network

if TYPE_CHECKING:
    from ..frontend.tensor import Tensor
    from ..frontend.typing import TensorLike

Halving = partial(nn.Conv2d, kernel_size=4, stride=2, padding=1, bias=False)  # H -> H/2
Doubling = partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1, bias=False)  # H -> 2 H


class Generator(nn.Module):
    """From noise to an image: N x latent x 1 x 1 -> 8 width x 4 x 4 -> ... -> channels x 64 x 64, in (-1, 1)."""

    def __init__(self, latent: int = 100, width: int = 64, channels: int = 3):
        super().__init__()
        layers: list[nn.Module] = [nn.ConvTranspose2d(latent, 8 * width, 4, bias=False)]
        for factor in (8, 4, 2):
            layers += [nn.BatchNorm2d(factor * width), nn.ReLU()]
            layers.append(Doubling(factor * width, factor * width // 2))
        layers += [nn.BatchNorm2d(width), nn.ReLU(), Doubling(width, channels), nn.Tanh()]
        self.main = nn.Sequential(*layers)
        _start(self)

    def forward(self, x: TensorLike) -> Tensor:
        return self.main(x)


class Discriminator(nn.Module):
    """From an image to one score: N x channels x 64 x 64 -> width x 32 x 32 -> ... -> 8 width x 4 x 4 -> N.

    The score has no sigmoid: use ``binary_cross_entropy_with_logits``.
    """

    def __init__(self, width: int = 64, channels: int = 3):
        super().__init__()
        layers: list[nn.Module] = [Halving(channels, width), nn.LeakyReLU(0.2)]
        for factor in (1, 2, 4):
            layers.append(Halving(factor * width, 2 * factor * width))
            layers += [nn.BatchNorm2d(2 * factor * width), nn.LeakyReLU(0.2)]
        self.main = nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, bias=False))
        _start(self)

    def forward(self, x: TensorLike) -> Tensor:
        return self.main(x).flatten()


def _start(model: nn.Module) -> None:
    """Weights start from a normal distribution of deviation 0.02, γ around 1 (Radford et al., 2016, section 4)."""
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d) and module.weight is not None:
            nn.init.normal_(module.weight, 1.0, 0.02)


@network(channels=100, side=1, threads=None, task="generation")
def dcgan_generator(latent: int = 100, width: int = 64, channels: int = 3) -> Generator:
    """The generator of a DCGAN: 3,576,704 parameters.

    Radford, Metz and Chintala, "Unsupervised representation learning with deep convolutional generative adversarial
    networks", 2016, fig. 1, with widths of 64 instead of 128.

    >>> import tinygrad_cv as tg
    >>> tg.models.dcgan_generator(8, width=2)(tg.zeros(2, 8, 1, 1)).shape
    (2, 3, 64, 64)
    """
    return Generator(latent, width, channels)


@network(channels=3, side=64, threads=None, task="discrimination")
def dcgan_discriminator(width: int = 64, channels: int = 3) -> Discriminator:
    """The discriminator of a DCGAN: 2,765,568 parameters (Radford et al., 2016, section 3).

    >>> import tinygrad_cv as tg
    >>> tg.models.dcgan_discriminator(width=2)(tg.zeros(2, 3, 64, 64)).shape
    (2,)
    """
    return Discriminator(width, channels)
