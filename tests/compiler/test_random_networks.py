"""Random networks: what they learn compiled is what they learn eagerly, and in PyTorch.

``python -m tests.compiler.networks`` trains more of them.
"""

import numpy as np
import pytest

from tests.compiler import networks

pytest.importorskip("llvmlite")


@pytest.mark.parametrize("seed", range(6))
def test_what_is_learned_is_the_same(seed):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'tinygrad_cv[torch]'")
    network = networks.generate(seed)
    found = list(networks.complaints(network, torch))
    assert not found, f"{network}\n{found}"


def test_a_wrong_network_is_found():
    """Losses that are off by a thousandth, in float64."""
    network = next(n for n in map(networks.generate, range(100)) if n.dtype == "float64")
    right = networks.train(network, False)
    wrong = [right[0] * 1.001, *right[1:]]
    assert list(networks.differences("it", wrong, right, [1e-6] * len(right)))
    assert not list(networks.differences("it", right, right, [1e-6] * len(right)))


def test_all_kinds_occur():
    made = [networks.generate(seed) for seed in range(120)]
    layers = {layer.name for network in made for layer in network.layers}
    assert len(layers) >= 24, sorted(layers)
    assert {network.loss[0] for network in made} >= {"CrossEntropyLoss", "NLLLoss", "MSELoss", "L1Loss"}
    assert {network.threads for network in made} == {1, 2, 3}
    assert {network.optimizer[0] for network in made} == {"SGD", "Adam", "AdamW"}
    assert np.mean([network.dtype == "float32" for network in made]) > 0.3
