"""Graphs inside of nodes: branches, loops, and functions that a file defines."""

import re

import numpy as np
import pytest

pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper, parser

import tinygrad_cv as tg

FUNCTIONS = """
<ir_version: 10, opset_import: ["": 17, "own": 1]>
g (float[N] x) => (float[N] y, float[N] z) <float[1] w = {3.0}> {
    [first] y = own.scaled <factor = 2.0> (x, w)
    [second] z = own.twice (x)
}
<domain: "own", opset_import: ["": 13]>
scaled <factor> (x, w) => (y) {
    f = Constant <value_float: float = @factor> ()
    v = Mul (x, w)
    y = Mul (v, f)
}
<domain: "own", opset_import: ["": 13, "own": 1]>
twice (x) => (y) { one = Constant <value = float {1.0}> ()  y = own.scaled <factor = 2.0> (x, one) }
"""


def test_functions_of_the_file():
    net = tg.onnx.load(parser.parse_model(FUNCTIONS))
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    y, z = net(x)
    assert y.tolist() == [6.0, 12.0] and z.tolist() == [2.0, 4.0]
    assert tg.grad(y.sum(), [x, net.get_parameter("w")])[1].tolist() == [6.0]
    assert [name for name, _ in net.named_parameters()] == ["w"]
    assert "first" in tg.graph(net, x).text(depth=1)
    assert tg.jit(net)(x)[0].tolist() == [6.0, 12.0]


def test_a_function_that_calls_itself():
    text = re.sub(r"\{ one = .*", "{ y = own.twice(x) }", FUNCTIONS)
    with pytest.raises(tg.onnx.OnnxError, match="the function calls itself"):
        tg.onnx.load(parser.parse_model(text))


def test_what_a_function_is_called_with():
    text = FUNCTIONS.replace("own.scaled <factor = 2.0> (x, w)", "own.scaled (x, w)")
    with pytest.raises(
        tg.onnx.OnnxError, match=r"first .own.scaled, opset 1.: attribute 'factor' of the function is missing"
    ):
        tg.onnx.load(parser.parse_model(text))


def graph_of(nodes, inputs, outputs, weights=()):
    entries = [
        [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in several]
        for several in (inputs, outputs)
    ]
    return helper.make_graph(nodes, "body", *entries, list(weights))


def model_of(graph):
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def with_branches(weights=(), inputs=()):
    y = [("y", TensorProto.FLOAT, ["N"])]
    there = graph_of(
        [helper.make_node("Mul", ["x", "w"], ["y"])], [], y, [numpy_helper.from_array(np.float32([5.0]), "w")]
    )
    other = graph_of([helper.make_node("Unknown", ["x"], ["y"])], [], y)
    node = helper.make_node("If", ["yes"], ["y"], name="choice", then_branch=there, else_branch=other)
    x = ("x", TensorProto.FLOAT, ["N"])
    return model_of(graph_of([node], [x, *inputs], y, weights))


def test_a_branch_that_is_never_taken_is_not_looked_at():
    yes = numpy_helper.from_array(np.array(True), "yes")
    net = tg.onnx.load(with_branches([yes]))
    x = tg.tensor([1.0, 2.0], requires_grad=True)
    assert net(x).tolist() == [5.0, 10.0]
    assert [name for name, _ in net.named_parameters()] == ["w"]  # a weight of the branch, under its name
    assert tg.grad(net(x).sum(), x).tolist() == [5.0, 5.0]
    assert tg.jit(net)(x).tolist() == [5.0, 10.0]
    with pytest.raises(tg.onnx.OnnxError, match=r"Unknown_0 .Unknown, opset 17.: there is no such operator"):
        tg.onnx.load(with_branches(inputs=[("yes", TensorProto.BOOL, [])]))


def test_a_condition_from_the_inputs_is_not_compiled():
    model = with_branches(inputs=[("yes", TensorProto.BOOL, [])])
    (other,) = (attribute.g for attribute in model.graph.node[0].attribute if attribute.name == "else_branch")
    other.node[0].op_type = "Neg"
    net = tg.onnx.load(model)
    assert net([1.0, 2.0], True).tolist() == [5.0, 10.0]
    assert net([1.0, 2.0], False).tolist() == [-1.0, -2.0]
    with pytest.raises(tg.onnx.OnnxError, match=r"choice .If, opset 17.: input 0, of shape .*tg.jit"):
        tg.jit(net)(tg.tensor([1.0, 2.0]), tg.tensor(True))


def test_a_loop_carries_values_and_stacks_others():
    body = graph_of(
        [
            helper.make_node("Mul", ["a", "x"], ["b"]),
            helper.make_node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["b", "f"], ["s"]),
            helper.make_node("Identity", ["c"], ["d"]),
        ],
        [("i", TensorProto.INT64, []), ("c", TensorProto.BOOL, []), ("a", TensorProto.FLOAT, ["N"])],
        [("d", TensorProto.BOOL, []), ("b", TensorProto.FLOAT, ["N"]), ("s", TensorProto.FLOAT, ["N"])],
    )
    node = helper.make_node("Loop", ["count", "", "x"], ["last", "all"], name="powers", body=body)
    outputs = [("last", TensorProto.FLOAT, ["N"]), ("all", TensorProto.FLOAT, ["T", "N"])]
    count = numpy_helper.from_array(np.array(3), "count")
    net = tg.onnx.load(model_of(graph_of([node], [("x", TensorProto.FLOAT, ["N"])], outputs, [count])))
    x = tg.tensor([2.0], requires_grad=True)
    last, steps = net(x)
    assert last.tolist() == [16.0] and steps.tolist() == [[4.0], [9.0], [18.0]]
    assert tg.grad(last.sum(), x).tolist() == [32.0]  # 4 x³
    assert tg.jit(net)(x)[1].tolist() == steps.tolist()
