"""The measured networks, each written once: `nn` is `torch.nn`, `tinygrad_cv.nn` or has the same layers.

So structure and parameter names agree by construction, and one set of initial parameters serves all.
"""

from __future__ import annotations

from typing import Any

from benchmarks.workloads import CLASSES


def build(network: str, nn: Any) -> Any:
    """A network by its name, made of the layers of `nn`."""
    return NETWORKS[network](nn)


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
