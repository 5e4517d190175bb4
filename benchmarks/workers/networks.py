"""The measured networks, most written once: `nn` is `torch.nn`, `tinygrad_cv.nn` or has the same layers.

So structure and parameter names agree by construction, and one set of initial parameters serves all. Networks of the
literature are those of `tinygrad_cv.models`, and beside them torchvision's, which have the same parameters by the same
names.
"""

from __future__ import annotations

from typing import Any

from benchmarks.workers.functions import FUNCTIONS
from benchmarks.workloads import CLASSES

# Networks that a framework has itself, with the arguments that leave out what draws random numbers.
MODELS: dict[str, dict[str, float]] = {
    "resnet18": {},
    "resnet50": {},
    "densenet121": {},
    "mobilenet_v2": {"dropout": 0.0},
    "efficientnet_b0": {"dropout": 0.0, "stochastic_depth_prob": 0.0},
    "shufflenet_v2_x1_0": {},
    "convnext_tiny": {"stochastic_depth_prob": 0.0},
}


def build(network: str, framework: Any) -> Any:
    """A network or a function by its name, as a module of a framework: one that has `nn`, and what else it asks for."""
    if network in FUNCTIONS:
        return FUNCTIONS[network].make(framework)
    if network in MODELS:
        return getattr(framework.models, network)(**MODELS[network])
    if network in UNETS:
        return unet(framework, **UNETS[network])
    return NETWORKS[network](framework.nn)


def lenet_bn(nn: Any) -> Any:
    """LeNet-5 with batch normalization and max pooling, for 1 x 28 x 28 images."""
    return nn.Sequential(
        *_conv_bn_relu(nn, 1, 6, kernel_size=5, padding=2),
        nn.MaxPool2d(2),
        *_conv_bn_relu(nn, 6, 16, kernel_size=5, padding=0),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, CLASSES),
    )


def vgg_small_bn(nn: Any) -> Any:
    """Three pairs of 3 x 3 convolutions, each followed by max pooling, for 3 x 32 x 32 images."""
    layers, channels = [], 3
    for width in (64, 128, 256):
        layers += _conv_bn_relu(nn, channels, width, kernel_size=3, padding=1)
        layers += _conv_bn_relu(nn, width, width, kernel_size=3, padding=1)
        layers.append(nn.MaxPool2d(2))
        channels = width
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(4096, CLASSES))


def resnet20(nn: Any) -> Any:
    """The residual network for 3 x 32 x 32 images with 16, 32 and 64 channels and projection shortcuts."""

    class BasicBlock(nn.Module):
        """Two 3 x 3 convolutions beside a shortcut, which is a projection where the shape changes."""

        def __init__(self, channels: int, width: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.relu = nn.ReLU()
            self.downsample = None
            if stride > 1:
                self.downsample = nn.Sequential(
                    nn.Conv2d(channels, width, 1, stride=stride, bias=False), nn.BatchNorm2d(width)
                )

        def forward(self, x: Any) -> Any:
            shortcut = x if self.downsample is None else self.downsample(x)
            x = self.relu(self.bn1(self.conv1(x)))
            return self.relu(self.bn2(self.conv2(x)) + shortcut)

    class ResNet20(nn.Module):
        """A convolution, three stages of three blocks, global average pooling and a linear layer."""

        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            self.relu = nn.ReLU()
            self.layer1 = nn.Sequential(BasicBlock(16, 16, 1), BasicBlock(16, 16, 1), BasicBlock(16, 16, 1))
            self.layer2 = nn.Sequential(BasicBlock(16, 32, 2), BasicBlock(32, 32, 1), BasicBlock(32, 32, 1))
            self.layer3 = nn.Sequential(BasicBlock(32, 64, 2), BasicBlock(64, 64, 1), BasicBlock(64, 64, 1))
            self.avgpool = nn.AdaptiveAvgPool2d(1)
            self.flatten = nn.Flatten()
            self.fc = nn.Linear(64, CLASSES)

        def forward(self, x: Any) -> Any:
            x = self.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.fc(self.flatten(self.avgpool(x)))

    return ResNet20()


def bn_relu(nn: Any) -> Any:
    """Batch normalization of 64 channels and ReLU."""
    return nn.Sequential(nn.BatchNorm2d(64), nn.ReLU())


def separable(nn: Any) -> Any:
    """A depthwise-separable block as in MobileNet, from 64 to 128 channels."""
    return nn.Sequential(
        *_conv_bn_relu(nn, 64, 64, kernel_size=3, padding=1, groups=64),
        *_conv_bn_relu(nn, 64, 128, kernel_size=1, padding=0),
    )


def unet(framework: Any, channels: int, width: int, depth: int, axes: int) -> Any:
    """U-Net for images or volumes, with padding and batch normalization: `width` channels, doubled at each pooling."""
    nn, concatenate = framework.nn, framework.concatenate
    conv, up, norm, pool = (getattr(nn, f"{name}{axes}d") for name in ("Conv", "ConvTranspose", "BatchNorm", "MaxPool"))

    def double(channels: int, width: int) -> Any:
        layers: list[Any] = []
        for before in (channels, width):
            layers += [conv(before, width, 3, padding=1, bias=False), norm(width), nn.ReLU()]
        return nn.Sequential(*layers)

    class UNet(nn.Module):
        """Down through convolutions and poolings, and up again beside what each level had on the way down."""

        def __init__(self) -> None:
            super().__init__()
            widths = [width << level for level in range(depth + 1)]
            above = widths[-2::-1]
            self.down = nn.ModuleList([double(*pair) for pair in zip([channels, *widths], widths)])  # noqa: B905
            self.pool = pool(2)
            self.up = nn.ModuleList([up(2 * w, w, 2, stride=2) for w in above])
            self.merge = nn.ModuleList([double(2 * w, w) for w in above])
            self.head = conv(width, CLASSES, 1)

        def forward(self, x: Any) -> Any:
            levels: list[Any] = []
            for block in self.down:
                x = block(self.pool(x) if levels else x)
                levels.append(x)
            for beside, upward, merge in zip(levels[-2::-1], self.up, self.merge, strict=True):
                x = merge(concatenate((beside, upward(x)), 1))
            return self.head(x)

    return UNet()


def _conv_bn_relu(nn: Any, channels: int, width: int, kernel_size: int, padding: int, groups: int = 1) -> list[Any]:
    convolution = nn.Conv2d(channels, width, kernel_size, padding=padding, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(width), nn.ReLU()]


NETWORKS = {
    "lenet": lenet_bn,
    "vgg": vgg_small_bn,
    "resnet20": resnet20,
    "bn_relu": bn_relu,
    "separable": separable,
}
UNETS: dict[str, dict[str, int]] = {
    "unet": {"channels": 3, "width": 32, "depth": 4, "axes": 2},
    "unet3d": {"channels": 1, "width": 16, "depth": 3, "axes": 3},
}
