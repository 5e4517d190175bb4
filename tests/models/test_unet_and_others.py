"""Networks that torchvision does not have, beside twins in PyTorch with the same state dict: outputs and gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.models.agreement import differences, still
from tinygrad_cv import ShapeError, models

torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
nn = torch.nn
torch.set_num_threads(1)


class TwinUNet(nn.Module):
    """Levels by recursion instead of lists, with the names of ours given to the parts."""

    def __init__(self, channels, classes, width, depth, dims):
        super().__init__()
        conv, up = getattr(nn, f"Conv{dims}d"), getattr(nn, f"ConvTranspose{dims}d")
        norm, self.pool = getattr(nn, f"BatchNorm{dims}d"), getattr(nn, f"MaxPool{dims}d")(2)

        def block(c, o):
            return nn.Sequential(
                conv(c, o, 3, padding=1, bias=False),
                norm(o),
                nn.ReLU(),
                conv(o, o, 3, padding=1, bias=False),
                norm(o),
                nn.ReLU(),
            )

        self.down = nn.ModuleList(
            [block(channels if i == 0 else width * 2 ** (i - 1), width * 2**i) for i in range(depth + 1)]
        )
        order = range(depth - 1, -1, -1)
        self.up = nn.ModuleList([up(width * 2 ** (i + 1), width * 2**i, 2, stride=2) for i in order])
        self.merge = nn.ModuleList([block(width * 2 ** (i + 1), width * 2**i) for i in order])
        self.head, self.depth = conv(width, classes, 1), depth

    def level(self, x, i):
        x = self.down[i](x)
        if i == self.depth:
            return x
        k = self.depth - 1 - i
        return self.merge[k](torch.cat([x, self.up[k](self.level(self.pool(x), i + 1))], 1))

    def forward(self, x):
        return self.head(self.level(x, 0))


class TwinFCN(nn.Module):
    def __init__(self, features, classes, width):
        super().__init__()
        self.features = features
        self.classifier = nn.Sequential(
            nn.Conv2d(512, width, 7, padding=3),
            nn.ReLU(),
            nn.Identity(),
            nn.Conv2d(width, width, 1),
            nn.ReLU(),
            nn.Identity(),
            nn.Conv2d(width, classes, 1),
        )
        self.upscore = nn.ConvTranspose2d(classes, classes, 64, stride=32, padding=16, bias=False)

    def forward(self, x):
        y = self.upscore(self.classifier(self.features(x)))
        return nn.functional.pad(y, (0, x.shape[3] - y.shape[3], 0, x.shape[2] - y.shape[2]))


def twin_generator(latent, width, channels):
    sizes = [latent, 8 * width, 4 * width, 2 * width, width, channels]
    layers = []
    for i, (c, o) in enumerate(itertools.pairwise(sizes)):
        layers.append(nn.ConvTranspose2d(c, o, 4, 2 if i else 1, 1 if i else 0, bias=False))
        layers += [nn.Tanh()] if i == 4 else [nn.BatchNorm2d(o), nn.ReLU()]
    return nn.ModuleDict({"main": nn.Sequential(*layers)})


def twin_discriminator(width, channels):
    layers = [nn.Conv2d(channels, width, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)]
    for factor in (1, 2, 4):
        layers += [
            nn.Conv2d(factor * width, 2 * factor * width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(2 * factor * width),
        ]
        layers.append(nn.LeakyReLU(0.2))
    return nn.ModuleDict({"main": nn.Sequential(*layers, nn.Conv2d(8 * width, 1, 4, bias=False))})


def assert_alike(ours, theirs, shape):
    ours, theirs = ours.to("float64"), theirs.double()
    still(ours)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    output, gradient = differences(ours, theirs, np.random.default_rng(0).normal(size=shape), torch)
    assert output < 1e-12 and gradient < 1e-8


@pytest.mark.parametrize("dims", [2, 3])
def test_unet(dims):
    assert_alike(models.UNet(2, 3, 4, 2, dims), TwinUNet(2, 3, 4, 2, dims), (2, 2, *(8, 12, 4)[:dims]))


def test_unet_says_which_sizes_it_takes():
    with pytest.raises(ShapeError, match=r"\(1, 3, 20, 16\) with 3 poolings.*divisible by 8.*Pad"):
        models.unet(width=2, depth=3)(tg.zeros(1, 3, 20, 16))
    with pytest.raises(ShapeError, match="dims=4; it must be 2"):
        models.UNet(dims=4)


@pytest.mark.usefixtures("unstarted")
def test_fcn():
    """At a size that 32 divides, and at one that it does not; the features of VGG have tests of their own."""
    ours = models.FCN32s(3, width=8)
    assert [type(m).__name__ for m in ours.features] == [type(m).__name__ for m in models.vgg16().features]
    ours.features = tg.nn.Sequential(tg.nn.Conv2d(3, 512, 1), tg.nn.MaxPool2d(32))
    features = nn.Sequential(nn.Conv2d(3, 512, 1), nn.MaxPool2d(32))
    for shape in ((1, 3, 32, 64), (1, 3, 40, 33)):
        assert_alike(ours, TwinFCN(features, 3, 8), shape)


def test_bilinear_weights_interpolate():
    x = np.random.default_rng(0).normal(size=(1, 2, 5, 4))
    weight = tg.tensor(models.fcn.bilinear(2, 4).astype("float64"))
    found = F.conv_transpose2d(x, weight, stride=2, padding=1).numpy()
    wanted = nn.functional.interpolate(torch.tensor(x), scale_factor=2, mode="bilinear").numpy()
    np.testing.assert_allclose(found[..., 1:-1, 1:-1], wanted[..., 1:-1, 1:-1], rtol=1e-12)  # borders fade to 0


def test_dcgan():
    generator, discriminator = twin_generator(5, 2, 3), twin_discriminator(2, 3)
    generator.forward = generator["main"].forward
    discriminator.forward = lambda x: discriminator["main"](x).flatten()
    assert_alike(models.dcgan_generator(5, 2), generator, (2, 5, 1, 1))
    assert_alike(models.dcgan_discriminator(2), discriminator, (2, 3, 64, 64))


@pytest.mark.usefixtures("unstarted")
def test_parameters_of_the_published_sizes():
    """Ronneberger's U-Net with padding and batch normalization has 31.0 million, as other implementations count."""
    counts = {
        "unet": 31_037_698,
        "dcgan_generator": 3_576_704,
        "dcgan_discriminator": 2_765_568,
        "efficientnet_lite0": 4_652_008,
        "fcn32s": 136_152_917,
    }
    for name, count in counts.items():
        assert sum(p.size for p in models.get(name).parameters()) == count, name
