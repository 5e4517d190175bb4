"""Depth: layers, what they compose, primitives."""

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import models, nn

pytestmark = pytest.mark.any_python


def boxes(view):
    return [(node.kind, node.op, node.name) for node in view.nodes if node.kind in ("op", "group")]


def is_in_order(view):
    numbers = [node.number for node in view.nodes]
    return numbers == list(range(len(numbers))) and all(edge.source < edge.target for edge in view.edges)


def test_lenet_at_depth_1_is_its_layers():
    view = tg.graph(models.lenet5(), tg.ones(1, 1, 28, 28)).collapse(1)
    assert [(node.op, node.name, node.shape) for node in view.nodes if node.kind == "group"] == [
        ("conv2d", "conv1", (1, 20, 28, 28)),
        ("relu", "relu1", (1, 20, 28, 28)),
        ("max_pool2d", "pool1", (1, 20, 14, 14)),
        ("conv2d", "conv2", (1, 50, 14, 14)),
        ("relu", "relu2", (1, 50, 14, 14)),
        ("max_pool2d", "pool2", (1, 50, 7, 7)),
        ("reshape", "flatten", (1, 2450)),
        ("linear", "fc1", (1, 500)),
        ("relu", "relu3", (1, 500)),
        ("linear", "fc2", (1, 10)),
    ]
    assert [node.kind for node in view.nodes if node.kind != "group"] == ["input", "output"]
    assert view.nodes[1].detail == "520 parameters"
    assert [(edge.source, edge.target) for edge in view.edges] == [(i, i + 1) for i in range(11)]
    assert [s.name for s in view.scopes] == ["Sequential"]


def test_depth_2_opens_layers_into_primitives_and_depth_none_is_all():
    view = tg.graph(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1)), tg.ones(1, 1, 4, 4))
    assert [op for _, op, _ in boxes(view.collapse(2))] == ["pad", "windows", "contract", "reshape", "expand", "add"]
    assert view.collapse(None).nodes == view.nodes


def test_functions_without_modules_are_the_first_level_and_what_they_call_the_second():
    x = tg.tensor(np.zeros((2, 3), np.float32), requires_grad=True)
    view = tg.graph(F.cross_entropy(F.relu(x), tg.tensor([0, 1])), names={"x": x})
    assert boxes(view.collapse(1)) == [("group", "relu", ""), ("group", "cross_entropy", "")]
    second = boxes(view.collapse(2))
    assert ("group", "log_softmax", "") in second and ("op", "where", "") in second
    assert all(kind == "op" for kind, _, _ in boxes(view.collapse(3)))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        return F.relu(self.conv(x) + x)


def test_residual_connections_stay_visible():
    view = tg.graph(nn.Sequential(Residual(), Residual()), tg.ones(1, 2, 4, 4)).collapse(1)
    assert [op for _, op, _ in boxes(view)] == ["conv2d", "add", "relu"] * 2
    adds = [node.number for node in view.nodes if node.op == "add"]
    sources = [[view.nodes[edge.source] for edge in view.edges if edge.target == number] for number in adds]
    sources = [[node.op or node.name for node in nodes] for nodes in sources]
    assert sources == [["conv2d", "x"], ["conv2d", "relu"]]
    assert [(s.name, s.parent) for s in view.scopes] == [("Sequential", None), ("0", 0), ("1", 0)]
    assert is_in_order(view)


def test_a_tensor_that_a_layer_uses_several_times_is_one_edge():
    view = tg.graph(nn.BatchNorm1d(3), tg.tensor(np.arange(12.0, dtype=np.float32).reshape(4, 3)))
    x = next(node.number for node in view.nodes if node.kind == "input")
    assert sum(edge.source == x for edge in view.edges) > 1
    view = view.collapse(1)
    assert [(edge.source, edge.target) for edge in view.edges] == [(0, 1), (1, 2)]


def test_leaves_that_are_no_parameters_of_a_module_stay():
    x, w = tg.ones(2, 3, requires_grad=True), tg.ones(4, 3, requires_grad=True)
    view = tg.graph(F.linear(x, w), names={"x": x, "w": w}).collapse(1)
    assert [node.kind for node in view.nodes] == ["leaf", "leaf", "group", "output"]


def test_a_shared_layer_is_drawn_once_for_each_call_and_its_parameter_outside():
    layer = nn.Linear(2, 2, bias=False)
    view = tg.graph(lambda x: layer(layer(x)), tg.ones(1, 2), names={"layer": layer}).collapse(1)
    assert [op for _, op, _ in boxes(view)] == ["linear", "linear"]
    assert [node.name for node in view.nodes if node.kind == "parameter"] == ["weight"]


def test_layers_that_compute_by_themselves_are_boxes_with_their_name():
    class Gate(nn.Module):
        def forward(self, x):
            return x * x.sigmoid()

    view = tg.graph(nn.Sequential({"gate": Gate()}), tg.ones(2)).collapse(1)
    assert [(node.label, node.name) for node in view.nodes if node.kind == "group"] == [("gate", "")]


def test_several_outputs_of_one_layer():
    class Split(nn.Module):
        def forward(self, x):
            return x.exp(), x.sin()

    view = tg.graph(Split(), tg.ones(2)).collapse(1)
    assert [node.kind for node in view.nodes] == ["input", "group", "output", "output"]
    assert [(edge.source, edge.target) for edge in view.edges] == [(0, 1), (1, 2), (1, 3)]


@pytest.mark.parametrize("depth", [1, 2, 3, None])
def test_every_depth_keeps_order_inputs_and_outputs(depth):
    view = tg.graph(nn.Sequential(Residual(), nn.Flatten(), nn.Linear(32, 3), nn.ReLU()), tg.ones(1, 2, 4, 4))
    view = view.collapse(depth)
    assert is_in_order(view)
    assert [node.kind for node in view.nodes if node.kind in ("input", "output")] == ["input", "output"]
    reached = {edge.target for edge in view.edges}
    assert all(node.number in reached for node in view.nodes if node.kind in ("op", "group", "output"))
    assert all(node.scope is None or node.scope < len(view.scopes) for node in view.nodes)


@pytest.mark.parametrize("depth", [0, -1, True, 1.5, "1"])
def test_bad_depths_are_explained(depth):
    x = tg.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match=r"must be 1 \(layers\), 2, ... or None"):
        tg.graph(x * x).dot(depth)
