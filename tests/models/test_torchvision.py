"""Networks under torchvision's names are torchvision's: parameters, names, outputs, gradients.

``python -m tests.models.agreement`` compares all of them whole; here small ones, and the names of all.
"""

from __future__ import annotations

import re

import pytest

from tests.models.agreement import STARTED, compared, differences, shared, still
from tests.models.torchvision_models import torchvision_models
from tinygrad_cv import models

# as published: torchvision's pages of the networks, and the papers named in the docstrings
PARAMETERS = {
    "alexnet": 61_100_840,
    "convnext_tiny": 28_589_128,
    "densenet121": 7_978_856,
    "efficientnet_b0": 5_288_548,
    "googlenet": 6_624_904 + 6_379_984,
    "inception_v3": 23_834_568 + 3_326_696,
    "mnasnet0_5": 2_218_512,
    "mnasnet1_0": 4_383_312,
    "mobilenet_v2": 3_504_872,
    "mobilenet_v3_large": 5_483_032,
    "mobilenet_v3_small": 2_542_856,
    "resnet101": 44_549_160,
    "resnet18": 11_689_512,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnext50_32x4d": 25_028_904,
    "shufflenet_v2_x0_5": 1_366_792,
    "shufflenet_v2_x1_0": 2_278_604,
    "squeezenet1_0": 1_248_424,
    "squeezenet1_1": 1_235_496,
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13_bn": 133_053_736,
    "vgg16": 138_357_544,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
    "wide_resnet50_2": 68_883_240,
}


@pytest.mark.usefixtures("unstarted")
@pytest.mark.parametrize("name", PARAMETERS)
def test_names_shapes_and_order_are_torchvisions_and_parameters_as_many_as_published(name):
    ours = models.get(name)
    assert sum(p.size for p in ours.parameters()) == PARAMETERS[name]
    library = torchvision_models()
    import torch

    with torch.device("meta"):
        theirs = getattr(library, name)(weights=None, **STARTED.get(name, {}))
    found = {key: x.shape for key, x in ours.state_dict().items()}
    wanted = {key: tuple(x.shape) for key, x in theirs.state_dict().items()}
    assert list(found) == list(wanted) and found == wanted


def test_no_network_of_torchvisions_names_is_left_out():
    assert set(shared(torchvision_models())) == set(PARAMETERS)


@pytest.mark.any_python
def test_the_docstrings_say_how_many():
    for name, count in PARAMETERS.items():
        said = re.findall(r"([\d,]+) (?:parameters|more in)", getattr(models, name).__doc__)
        assert sum(int(number.replace(",", "")) for number in said) == count, name


@pytest.mark.parametrize("name", ["squeezenet1_1", "mnasnet0_5", "shufflenet_v2_x0_5", "mobilenet_v3_small"])
def test_outputs_and_gradients_are_torchvisions(name):
    library = torchvision_models()
    import torch

    output, gradient = compared(name, library, torch)
    assert output < 1e-12 and gradient < 1e-6


def small_networks(library):
    """Small networks of the classes whose smallest published ones take long."""
    residual = library.resnet
    layers = (1, 2, 1, 1)
    yield models.resnet.ResNet(models.resnet.BasicBlock, layers, 7), residual.ResNet(residual.BasicBlock, layers, 7)
    for options in ({}, {"groups": 8, "width_per_group": 4}, {"width_per_group": 128}):
        yield (
            models.ResNet(models.resnet.Bottleneck, layers, 7, **options),
            residual.ResNet(residual.Bottleneck, layers, 7, **options),
        )
    dense = (4, (2, 1, 2), 8, 2)
    yield models.DenseNet(*dense, num_classes=7), library.DenseNet(*dense, num_classes=7)
    setting = [library.convnext.CNBlockConfig(*row) for row in ((8, 16, 1), (16, 24, 2), (24, 32, 1), (32, None, 1))]
    yield models.ConvNeXt((8, 16, 24, 32), (1, 2, 1, 1), num_classes=7), library.ConvNeXt(setting, num_classes=7)
    yield models.MobileNetV2(7, 0.25), library.MobileNetV2(7, 0.25)


def test_small_networks_of_the_other_classes_are_torchvisions():
    library = torchvision_models()
    import numpy as np
    import torch

    torch.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(2, 3, 64, 64))
    for ours, theirs in small_networks(library):
        ours, theirs = ours.to("float64"), theirs.double()
        still(ours), still(theirs)
        output, gradient = differences(ours, theirs, x, torch)
        assert output < 1e-12 and gradient < 1e-6, type(ours).__name__
