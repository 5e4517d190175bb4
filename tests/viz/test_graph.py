"""What a view knows: nodes, edges, scopes, names, values; from tensors and from functions that are run."""

import json

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn
from tinygrad_cv.core.context import scope
from tinygrad_cv.frontend.random import default_generator

pytestmark = pytest.mark.any_python


def leaf(*values):
    return tg.tensor(np.array(values), requires_grad=True)


def by_kind(view, kind):
    return [node for node in view.nodes if node.kind == kind]


def inputs(view, node):
    return [view.nodes[edge.source] for edge in view.edges if edge.target == node.number]


def test_a_tensor_with_two_users_is_one_node_with_two_edges():
    x, y = tg.tensor(2.0, requires_grad=True), tg.tensor(3.0, requires_grad=True)
    z = x + y
    view = tg.graph(x / z, names={"x": x, "y": y, "z": z})
    assert [(node.kind, node.op, node.name, node.value) for node in view.nodes] == [
        ("leaf", "", "x", "2"),
        ("leaf", "", "y", "3"),
        ("op", "add", "z", "5"),
        ("op", "div", "", "0.4"),
        ("output", "", "", "0.4"),
    ]
    assert [(edge.source, edge.target, edge.place, edge.role) for edge in view.edges] == [
        (0, 2, 0, "a"),
        (1, 2, 1, "b"),
        (0, 3, 0, "a"),
        (2, 3, 1, "b"),
        (3, 4, 0, ""),
    ]


def test_a_node_knows_formula_arguments_shape_dtype_and_place():
    x = tg.tensor(np.ones((2, 3, 5, 5), np.float32), requires_grad=True)
    w = tg.tensor(np.ones((4, 3, 3, 3), np.float32))
    view = tg.graph(F.conv2d(x, w, stride=2, padding=1))
    nodes = {node.op: node for node in view.nodes}
    assert nodes["pad"].detail == "border 1"
    assert nodes["windows"].detail == "3×3, stride 2"
    assert nodes["contract"].detail == "ncijuv, ocuv → noij"
    assert nodes["contract"].formula == "y = Σ a b over the letters that the result lacks"
    assert nodes["contract"].shape == (2, 4, 3, 3)
    assert nodes["contract"].dtype == "float32"
    assert nodes["contract"].family == "contraction"
    assert (nodes["contract"].module, nodes["contract"].function) == ("", "conv2d")
    shapes = [edge.shape for edge in view.edges if edge.target == nodes["contract"].number]
    assert shapes == [(2, 3, 3, 3, 3, 3), (4, 3, 3, 3)]


def test_scopes_are_modules_and_composed_functions_and_each_call_is_one():
    layer = nn.Linear(2, 2)
    model = nn.Sequential({"first": layer, "act": nn.ReLU(), "again": layer})
    view = tg.graph(model, tg.ones(1, 2))
    contractions = [node for node in by_kind(view, "op") if node.op == "contract"]
    assert [node.function for node in contractions] == ["linear", "linear"]
    assert all(node.module.startswith("Sequential.") for node in contractions)
    calls = [s for s in view.scopes if s.kind == "function" and s.name == "linear"]
    assert len(calls) == 2 and calls[0].parent != calls[1].parent
    assert all(s.parent is None or s.parent < s.number for s in view.scopes)


def test_parameters_bear_their_names_and_stand_with_their_users():
    model = nn.Sequential({"fc1": nn.Linear(2, 3), "fc2": nn.Linear(3, 1)})
    view = tg.graph(model, tg.ones(4, 2))
    parameters = {node.name: node for node in by_kind(view, "parameter")}
    assert set(parameters) == {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"}
    for node in parameters.values():
        users = [view.nodes[edge.target] for edge in view.edges if edge.source == node.number]
        assert users and all(user.scope == node.scope for user in users)


def test_a_shared_parameter_stands_where_all_its_users_are():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.encode = nn.Linear(2, 2, bias=False)
            self.decode = nn.Linear(2, 2, bias=False)
            self.decode.weight = self.encode.weight

        def forward(self, x):
            return self.decode(self.encode(x))

    view = tg.graph(Tied(), tg.ones(1, 2))
    (weight,) = by_kind(view, "parameter")
    assert view.scopes[weight.scope].name == "Tied"
    assert len([edge for edge in view.edges if edge.source == weight.number]) == 2


def test_the_network_input_and_its_first_operations_are_drawn():
    view = tg.graph(nn.Conv2d(1, 2, 3), tg.ones(1, 1, 5, 5))
    (x,) = by_kind(view, "input")
    assert (x.name, x.shape) == ("x", (1, 1, 5, 5))
    assert next(node.op for node in by_kind(view, "op")) == "windows"


def test_running_a_model_for_its_graph_leaves_no_trace():
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Dropout(0.5))
    x = tg.tensor([[1.0, 2.0], [3.0, 5.0]])
    buffers = {name: buffer.numpy().copy() for name, buffer in model.named_buffers()}
    state = default_generator.state.numpy().copy()
    tg.graph(model, x)
    assert not x.requires_grad and x.grad is None
    assert all(p.grad is None for p in model.parameters())
    np.testing.assert_array_equal(default_generator.state.numpy(), state)
    for name, buffer in model.named_buffers():
        np.testing.assert_array_equal(buffer.numpy(), buffers[name])


def test_running_keeps_the_values_of_constants_and_the_users_lines():
    view = tg.graph(lambda x: x + 1.5, tg.tensor([1.0, 2.0]))
    (constant,) = by_kind(view, "constant")
    assert constant.value == "1.5"
    add = next(node for node in view.nodes if node.op == "add")
    assert add.value == "[2.5, 3.5]"
    name, line = add.source.split(":")
    assert name == "test_graph.py" and int(line) > 0


def test_constants_of_a_recorded_tensor_are_drawn_with_what_is_known():
    x, w = leaf(1.0, 2.0), tg.tensor(np.array([3.0, 4.0]))
    product, total = tg.graph(x * w), tg.graph(x + w)
    assert [node.value for node in by_kind(product, "constant")] == ["[3, 4]"]  # mul keeps it for its derivative
    assert [(node.value, node.shape) for node in by_kind(total, "constant")] == [("", (2,))]  # add keeps nothing


def test_shapes_of_constants_that_nobody_kept():
    x = leaf(*np.ones(6)).reshape(2, 3)
    condition = by_kind(tg.graph((x.detach() > 0).where(x, 0.0)), "constant")[0]
    assert (condition.shape, condition.dtype) == ((2, 3), "bool")
    y = tg.Tensor(np.ones((4, 5))).contract(leaf(*np.ones(15)).reshape(5, 3), "ik,kj->ij")
    y.sum().backward()
    constant = by_kind(tg.graph(y), "constant")[0]
    assert constant.shape == (4, 5)
    joined = tg.concatenate([x, tg.Tensor(np.ones((1, 3)))])
    assert by_kind(tg.graph(joined), "constant")[0].shape is None


def test_a_constant_that_is_used_twice_is_one_node():
    x, w = leaf(1.0, 2.0), tg.tensor(np.array([3.0, 4.0]))
    assert len(by_kind(tg.graph(x * w + x.square() * w), "constant")) == 1


def test_named_data_are_inputs():
    x, w = tg.tensor(np.array([3.0, 4.0])), leaf(1.0, 2.0)
    with pytest.warns(UserWarning, match="names: 'unused' is not in the graph: it requires no gradient"):
        view = tg.graph((x * w).sum(), names={"x": x, "w": w, "unused": tg.ones(2), "text": "no tensor"})
    assert {(node.kind, node.name) for node in view.nodes if node.name} == {("leaf", "w"), ("input", "x")}


def test_frozen_parameters_keep_their_names():
    model = nn.Linear(2, 3).requires_grad_(False)
    view = tg.graph(model, tg.ones(1, 2))
    assert {node.name for node in by_kind(view, "parameter")} == {"weight", "bias"}


def test_names_may_be_locals_with_a_model_in_it():
    model = nn.Linear(2, 1)
    loss = model(tg.ones(4, 2)).square().mean()
    view = tg.graph(loss, names=locals())
    assert {node.name for node in by_kind(view, "parameter")} == {"weight", "bias"}
    assert by_kind(view, "output")[0].name == "loss"


def test_a_part_of_named_memory_does_not_take_its_name():
    data = tg.tensor(np.arange(6.0))
    with pytest.warns(UserWarning, match="'data' is not in the graph"):
        view = tg.graph(leaf(1.0, 2.0) * data[2:4], names={"data": data})
    assert not any(node.name == "data" for node in view.nodes)


def test_the_graph_can_be_drawn_after_backward():
    x = leaf(1.0, 2.0)
    loss = (x.exp() * x).sum()
    before = tg.graph(loss, names={"x": x, "loss": loss})
    loss.backward()
    after = tg.graph(loss, names={"x": x, "loss": loss})
    assert [(n.kind, n.op, n.shape) for n in after.nodes] == [(n.kind, n.op, n.shape) for n in before.nodes]
    assert [(e.source, e.target) for e in after.edges] == [(e.source, e.target) for e in before.edges]


def test_the_view_holds_no_tensor_and_does_not_change():
    x = leaf(1.0, 2.0)
    view = tg.graph(x * x, names={"x": x})
    text = view.dot()
    with tg.no_grad():
        x.assign(tg.tensor(np.array([7.0, 8.0])))
    del x
    assert view.dot() == text


def test_values_are_those_of_the_time_of_use():
    x = leaf(1.0, 2.0)
    y = x * x
    with tg.no_grad():
        x.assign(tg.tensor(np.array([7.0, 8.0])))
    view = tg.graph(y, names={"x": x, "y": y})
    assert [node.value for node in view.nodes] == ["[1, 2]", "[1, 4]", "[1, 4]"]


def test_the_backward_pass_is_a_graph_too():
    x = leaf(1.0, 2.0)
    (dx,) = tg.grad((x**3).sum(), [x], create_graph=True)
    view = tg.graph(dx, names={"x": x})
    assert len([node for node in view.nodes if node.name == "x"]) == 1
    assert by_kind(view, "output")[0].value == "[3, 12]"


def test_several_outputs_and_shared_parts():
    x = leaf(1.0, 2.0)
    y = x.exp()
    view = tg.graph([y.sum(), y, y])
    assert [node.op for node in by_kind(view, "op")].count("exp") == 1
    assert len(by_kind(view, "output")) == 2
    view = tg.graph(lambda x: {"a": x.exp(), "b": [x.sin(), (x,)]}, tg.ones(2))
    assert len(by_kind(view, "output")) == 3


def test_custom_functions_and_checkpoints_are_nodes():
    class Clamp(tg.CustomFunction):
        """straight through"""

        @staticmethod
        def forward(ctx, x):
            return x.clip(0, 1)

        @staticmethod
        def backward(ctx, g):
            return g

    x = leaf(-1.0, 2.0)
    y = Clamp.apply(x) + tg.checkpoint(lambda z: z.exp(), x)
    view = tg.graph(y)
    operations = [(node.op, node.family) for node in by_kind(view, "op")]
    assert operations == [("Clamp", "custom"), ("checkpoint", "custom"), ("add", "elementwise")]
    assert view.nodes[1].formula == "straight through"
    assert "computed again" in view.nodes[2].formula


def test_integer_inputs_are_passed_on():
    logits = tg.tensor(np.zeros((2, 3), np.float32))
    view = tg.graph(lambda x, labels: F.cross_entropy(x, labels), logits, tg.tensor([0, 2]))
    assert [(node.name, node.shape) for node in by_kind(view, "input")] == [("x", (2, 3)), ("labels", (2,))]


def test_arrays_and_other_arguments_are_passed_on():
    view = tg.graph(lambda x, n, scale: (x**n) * scale, np.array([1.0, 2.0]), 3, 0.5)
    assert by_kind(view, "input")[0].name == "x"
    assert by_kind(view, "output")[0].value == "[0.5, 4]"


def test_scopes_that_were_left_are_known_by_their_call():
    x = leaf(1.0)
    with scope("block", "module"):
        y = F.relu(x)
    view = tg.graph(y * 2)
    assert [(s.name, s.kind, s.parent) for s in view.scopes] == [("block", "module", None), ("relu", "function", 0)]


def test_text_lists_every_node_in_order():
    x = leaf(1.0, 2.0)
    lines = tg.graph((x * 3.0).sum(), names={"x": x}).text().splitlines()
    assert lines[0].split() == ["#", "node", "inputs", "shape", "value", "in"]
    assert [line.split()[1] for line in lines[1:]] == ["leaf", "constant", "mul", "sum", "reshape", "output"]
    assert "#0 #1" in lines[3]


def test_json_says_all_that_is_known():
    x = leaf(1.0, 2.0)
    view = tg.graph((x * 3.0).sum(), names={"x": x})
    data = json.loads(view.json())
    assert len(data["nodes"]) == len(view.nodes) and len(data["edges"]) == len(view.edges)
    assert data["nodes"][2]["op"] == "mul" and data["nodes"][2]["shape"] == [2]
    assert "serial" not in data["nodes"][2]
    assert view.json() == tg.graph((x * 3.0).sum(), names={"x": x}).json()


@pytest.mark.parametrize(
    "target, words",
    [
        (tg.ones(2), r"no graph.*requires_grad_\(\).*graph\(f, x\)"),
        ([], "no graph"),
        (3, "graph of int.*graph\\(model, x\\)"),
        (lambda: tg.ones(2), "function's output has no graph"),
        (lambda: None, "no graph"),
    ],
)
def test_what_cannot_be_drawn_is_explained(target, words):
    with pytest.raises(tg.GraphError, match=words):
        tg.graph(target)


def test_errors_of_the_function_come_through():
    with pytest.raises(tg.ShapeError):
        tg.graph(nn.Linear(3, 2), tg.ones(1, 5))
