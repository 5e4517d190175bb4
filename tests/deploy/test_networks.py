"""Networks of other kinds, exported: residual blocks, and dropout with group normalization, with the same draws."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from tests.deploy.node import run
from tests.deploy.program import linked, losses_of
from tests.deploy.training import Trained, trained
from tinygrad_cv import nn, optim
from tinygrad_cv.models.resnet_small import SmallResNet

STEPS = 100
CLOSE = 1e-5  # of losses, relative


def resnet8() -> nn.Module:
    return SmallResNet(1)


def with_draws() -> nn.Module:
    return nn.Sequential(
        {
            "conv1": nn.Conv2d(3, 8, 3, padding=1),
            "norm1": nn.GroupNorm(4, 8),
            "relu1": nn.ReLU(),
            "drop1": nn.Dropout2d(0.2),
            "pool1": nn.MaxPool2d(2),
            "flatten": nn.Flatten(),
            "drop2": nn.Dropout(0.5),
            "fc": nn.Linear(8 * 4 * 4, 10),
        }
    )


NETWORKS = {
    "resnet8": (resnet8, lambda m: optim.SGD(m, lr=0.01, momentum=0.9, weight_decay=1e-4)),
    "draws": (with_draws, lambda m: optim.Adam(m, lr=0.003)),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request, tmp_path_factory) -> Trained:
    made, optimizer = NETWORKS[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    return trained(made, optimizer, (4, 3, 8), STEPS, folder, "wasm32", "native")


def test_it_trains_as_it_does_here_in_webassembly(network):
    found = run(network.stem, [["step", {"images": x, "labels": y}] for x, y in network.data])
    np.testing.assert_allclose([x["loss"] for x in found], network.losses, rtol=CLOSE)


def test_it_has_the_bits_of_the_jitted_one_in_c(network):
    assert losses_of(linked(network.stem), network.data, network.stem.with_suffix(".safetensors")) == network.losses
