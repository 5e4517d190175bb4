"""Whole networks: LeNet-5, the classic convolutional network with a choice of normalization, a small VGG, ResNet-20.

``load`` reads a network that ``python -m tinygrad_cv train`` has trained.
"""

from .classic import convnet
from .lenet import lenet5
from .load import load
from .resnet import ResNet, resnet20
from .vgg import vgg_small

__all__ = [
    "convnet",
    "lenet5",
    "load",
    "ResNet",
    "resnet20",
    "vgg_small",
]
