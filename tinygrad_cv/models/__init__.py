"""Networks of computer vision, one function each, with the structure and the parameter names of torchvision.

``list`` names them, ``get`` makes one by name, ``load`` reads one that ``python -m tinygrad_cv train`` has trained.
A state dict of torchvision's network of the same name loads as it is.
"""

from .alexnet import AlexNet, alexnet
from .catalog import get, list
from .classic import convnet
from .convnext import ConvNeXt, convnext_tiny
from .dcgan import Discriminator, Generator, dcgan_discriminator, dcgan_generator
from .densenet import DenseNet, densenet121
from .efficientnet import EfficientNet, efficientnet_b0, efficientnet_lite0
from .fcn import FCN32s, fcn32s
from .googlenet import GoogLeNet, GoogLeNetOutputs, googlenet
from .inception import Inception3, InceptionOutputs, inception_v3
from .lenet import lenet5
from .load import load
from .mnasnet import MNASNet, mnasnet0_5, mnasnet1_0
from .mobilenet import MobileNetV2, MobileNetV3, mobilenet_v2, mobilenet_v3_large, mobilenet_v3_small
from .resnet import ResNet, resnet18, resnet34, resnet50, resnet101, resnext50_32x4d, wide_resnet50_2
from .resnet_small import SmallResNet, resnet20, resnet56
from .shufflenet import ShuffleNetV2, shufflenet_v2_x0_5, shufflenet_v2_x1_0
from .squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from .unet import UNet, unet, unet3d
from .vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn, vgg_small

__all__ = [
    "AlexNet",
    "alexnet",
    "convnet",
    "ConvNeXt",
    "convnext_tiny",
    "dcgan_discriminator",
    "dcgan_generator",
    "DenseNet",
    "densenet121",
    "Discriminator",
    "EfficientNet",
    "efficientnet_b0",
    "efficientnet_lite0",
    "FCN32s",
    "fcn32s",
    "Generator",
    "get",
    "GoogLeNet",
    "googlenet",
    "GoogLeNetOutputs",
    "Inception3",
    "inception_v3",
    "InceptionOutputs",
    "lenet5",
    "list",
    "load",
    "MNASNet",
    "mnasnet0_5",
    "mnasnet1_0",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mobilenet_v3_small",
    "MobileNetV2",
    "MobileNetV3",
    "ResNet",
    "resnet101",
    "resnet18",
    "resnet20",
    "resnet34",
    "resnet50",
    "resnet56",
    "resnext50_32x4d",
    "shufflenet_v2_x0_5",
    "shufflenet_v2_x1_0",
    "ShuffleNetV2",
    "SmallResNet",
    "SqueezeNet",
    "squeezenet1_0",
    "squeezenet1_1",
    "UNet",
    "unet",
    "unet3d",
    "VGG",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
    "vgg_small",
    "wide_resnet50_2",
]
