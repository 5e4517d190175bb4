"""Networks as they are used: outputs beside ONNX Runtime's and float64, a derivative beside differences."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

import tinygrad_cv as tg
from tests.onnx.agreement import distances
from tests.onnx.networks import SHIPPED, before_sigmoid, light, shipped


def check(found, theirs=1e-4):
    assert found.theirs < theirs, found
    assert found.compiled < theirs, found
    assert found.exact < 1e-4, found
    assert found.derivative < 1e-4, found


@pytest.mark.parametrize("name", ["squeezenet", "shufflenet"])
def test_architectures_with_random_weights(name):
    """`python -m tests.onnx --networks` takes all nine."""
    check(distances(light(name)))


@pytest.mark.parametrize("name", SHIPPED)
def test_networks_with_their_weights(name):
    network = shipped(name)
    if network is None:
        pytest.skip(f"{SHIPPED[name][0]} is not installed")
    check(distances(before_sigmoid(network), compiled=name == "text direction"))


@pytest.mark.parametrize("name", ["text detector", "text direction", "text recognizer"])
def test_constants_that_hold_weights_are_parameters(name):
    network = shipped(name)
    if network is None:
        pytest.skip(f"{SHIPPED[name][0]} is not installed")
    model = network.model
    assert not model.graph.initializer
    floats = {
        node.output[0]
        for node in model.graph.node
        if node.op_type == "Constant" and node.attribute[0].t.data_type == 1 and node.attribute[0].t.dims
    }
    factors = {name for node in model.graph.node if node.op_type == "Resize" for name in node.input[1:]}
    net = tg.onnx.load(model)
    state = net.state_dict()
    assert floats - factors == set(state) and len(state) > 100
    running = {name for node in model.graph.node if node.op_type == "BatchNormalization" for name in node.input[3:]}
    assert running == {name for name, _ in net.named_buffers()} and running


def test_a_text_recognizer_learns():
    """The gradients of all parameters, through what training mode changes, lower the loss."""
    network = shipped("text direction")
    if network is None:
        pytest.skip("rapidocr-onnxruntime is not installed")
    net = tg.onnx.load(network.model).train()
    optimizer = tg.optim.SGD(net.parameters(), lr=0.01)
    x, target = tg.tensor(network.x[:, :, :, :48]), np.array([0, 1])
    losses = []
    for _ in range(3):
        loss = -(net(x)[np.arange(2), target].log().mean())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert all(p.grad is not None for p in net.parameters())
    assert losses[-1] < losses[0]
