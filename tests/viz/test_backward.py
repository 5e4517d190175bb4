"""The backward pass as a graph, tied to the forward pass; values and gradients; what is saved; local derivatives."""

import json

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tinygrad_cv import nn

pytestmark = pytest.mark.any_python


def normal(*shape, seed=0):
    return tg.tensor(np.random.default_rng(seed).normal(size=shape))


def batch_norm(x):
    return F.batch_norm(x, training=True)


def operations(view, part):
    return [node for node in view.nodes if node.kind == "op" and node.part == part]


def test_each_backward_node_belongs_to_a_forward_node():
    view = tg.graph(batch_norm, normal(4, 3), part="both")
    backward = operations(view, "backward")
    assert len(backward) > 15
    for node in backward:
        origin = view.nodes[node.origin]
        assert origin.part == "" and origin.kind == "op"
        assert node.function == origin.function and node.module == "backward"
    square = next(node for node in view.nodes if node.op == "square")
    assert [node.op for node in backward if node.origin == square.number] == ["add", "times", "add"]  # 2 g x, added up


def test_the_results_are_the_gradients():
    x = normal(4, 3)
    view = tg.graph(lambda x: (x * x).sum(), tg.tensor([1.0, 2.0]), part="both")
    (result,) = [node for node in view.nodes if node.kind == "output" and node.part == "backward"]
    assert (result.name, result.value) == ("dx", "[2, 4]")
    model = nn.Linear(3, 2)
    view = tg.graph(model, x.astype("float32"), part="both")
    names = {node.name for node in view.nodes if node.kind == "output" and node.part == "backward"}
    assert names == {"dx", "dweight", "dbias"}


def test_the_backward_pass_alone_reads_forward_values_as_inputs():
    view = tg.graph(lambda x: x.exp() * x, normal(3), part="backward")
    kinds = {node.name: node.kind for node in view.nodes if node.kind == "input"}
    assert kinds == {"x": "input", "exp": "input", "dy": "input"}
    assert all(node.part == "backward" for node in view.nodes if node.kind == "op")
    assert all(edge.source < len(view.nodes) and edge.target < len(view.nodes) for edge in view.edges)


def test_drawing_leaves_gradients_and_graphs_as_they_are():
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    tg.graph(y, part="both", values=True)
    assert x.grad is None
    y.backward()
    assert x.grad.tolist() == [2.0, 4.0]


def test_a_collapsed_backward_pass_ties_layers_to_layers():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU())
    view = tg.graph(model, tg.ones(2, 1, 5, 5), part="both").collapse(1)
    groups = [node for node in view.nodes if node.kind in ("group", "op")]
    assert [node.label for node in groups] == ["conv2d", "batch_norm", "relu", "relu", "batch_norm", "conv2d"]
    for node in groups[3:]:
        assert view.nodes[node.origin].label == node.label
    assert "dir=back" in view.dot() and "style=dashed" in view.dot()


def test_statistics_of_values_and_gradients():
    f = lambda x: (x.relu() * 3.0).sum()  # noqa: E731
    x = tg.tensor(np.array([[1.0, -1.0, -2.0], [3.0, -4.0, 5.0]]))
    view = tg.graph(f, x, values=True)
    relu = next(node for node in view.nodes if node.op == "where")
    values = np.maximum(x.numpy(), 0)
    assert relu.statistics.mean == pytest.approx(values.mean()) and relu.statistics.deviation == pytest.approx(
        values.std()
    )
    assert relu.statistics.norm == pytest.approx(np.linalg.norm(values)) and relu.statistics.zeros == 0.5
    assert relu.statistics.dead == pytest.approx(1 / 3)
    assert (relu.gradient.minimum, relu.gradient.maximum) == (3.0, 3.0)
    entry = next(node for node in view.nodes if node.kind == "input")
    assert entry.gradient.zeros == 0.5
    assert sum(relu.statistics.histogram) == 6
    assert "33% of units dead" in view.dot()


def test_nan_is_marked():
    view = tg.graph(lambda x: x.log() * 2.0, tg.tensor([1.0, -1.0]), values=True)
    log = next(node for node in view.nodes if node.op == "log")
    assert log.statistics.nan == 1 and log.statistics.mean == 0.0
    assert "1 NaN" in view.dot() and "#d62f2f" in view.dot()
    assert "NaN" not in tg.graph(lambda x: x.log(), tg.tensor([1.0]), values=True).dot()


def test_statistics_as_json():
    view = tg.graph(lambda x: x.log() * float("inf"), tg.tensor([1.0, -1.0]), values=True)
    data = json.loads(view.json(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    log = next(node for node in data["nodes"] if node.get("op") == "log")
    assert log["statistics"]["nan"] == 1 and log["statistics"]["edges"] == [0.0, 0.0]
    assert "statistics" not in json.loads(tg.graph(lambda x: x.log(), tg.tensor([1.0])).json())["nodes"][0]


def test_what_is_kept_for_the_backward_pass():
    x = normal(4, 5)
    view = tg.graph(lambda x: (x.exp() * x).sum(), x)
    saved = {node.op: node.saved for node in view.nodes if node.kind == "op"}
    assert saved == {"exp": 160, "mul": 160, "sum": 0, "reshape": 0}  # exp's output, x: each once


def test_edges_know_the_local_derivative():
    view = tg.graph(lambda a, b: a * b + a.tanh(), normal(3), normal(3, seed=1))
    found = {(view.nodes[e.target].op, e.place): e.derivative for e in view.edges if view.nodes[e.target].kind == "op"}
    assert found[("mul", 0)] == "g.times(b)" and found[("tanh", 0)] == "g.times(1.0 - y.square())"


def test_a_part_that_there_is_not():
    with pytest.raises(ValueError, match=r"part='all'.*'forward', 'backward', 'both'"):
        tg.graph(batch_norm, normal(2, 2), part="all")


def test_time_is_measured_where_asked_for():
    f = lambda x: (x @ x).exp()  # noqa: E731
    x = normal(200, 200)
    view = tg.graph(f, x, timed=True)
    seconds = {node.op: node.seconds for node in view.nodes if node.kind == "op"}
    assert all(0 < taken < 10 for taken in seconds.values()) and " ms<" in view.dot()
    assert not any(node.seconds for node in tg.graph(f, x).nodes)
    with pytest.raises(ValueError, match="timed=True needs a function"):
        tg.graph(x.requires_grad_() * 2, timed=True)
