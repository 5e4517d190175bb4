"""Whole networks: LeNet-5, the classic convolutional network with a choice of normalization, a small VGG, ResNet-20."""

from .classic import convnet
from .lenet import lenet5
from .resnet import ResNet, resnet20
from .vgg import vgg_small

__all__ = [
    "convnet",
    "lenet5",
    "ResNet",
    "resnet20",
    "vgg_small",
]
