"""Files that are damaged, or have what is not supported: an OnnxError says what, where, and what was expected."""

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("onnx")

import onnx
from onnx import TensorProto, helper, numpy_helper, parser

import tinygrad_cv as tg
from tests.onnx.weights import conv_bn_relu
from tinygrad_cv.onnx.skeleton import skeleton

OnnxError = tg.onnx.OnnxError


def changed(change):
    model = conv_bn_relu()
    change(model)
    return model


def attribute(model, node, name, value):
    model.graph.node[node].attribute.append(helper.make_attribute(name, value))


def external(model, **entries):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=str(value))


WRONG = {
    "a size and its data": (
        lambda m: m.graph.initializer[0].dims.__setitem__(0, 6),
        "tensor 'conv.weight': shape \\(6, 3, 3, 3\\) of float32 takes 648 bytes, but there are 540",
    ),
    "a size beyond all memory": (lambda m: m.graph.initializer[0].dims.__setitem__(0, 2**60), "takes .* bytes"),
    "a size below zero": (lambda m: m.graph.initializer[0].dims.__setitem__(0, -5), "no size may be below 0"),
    "an element type": (
        lambda m: setattr(m.graph.initializer[0], "data_type", TensorProto.BFLOAT16),
        "tensor 'conv.weight': elements of type bfloat16, which tensors do not have",
    ),
    "two initializers": (
        lambda m: m.graph.initializer.append(numpy_helper.from_array(np.ones(1), "bn.bias")),
        "initializer 'bn.bias' is there twice",
    ),
    "a cycle": (
        lambda m: m.graph.node[0].input.__setitem__(0, "y"),
        "the nodes conv, bn, Relu_2 wait for each other, a cycle",
    ),
    "a name that nothing makes": (
        lambda m: m.graph.node[2].input.__setitem__(0, "nothing"),
        "input 'nothing' of Relu_2: nothing makes it",
    ),
    "an output that nothing makes": (
        lambda m: setattr(m.graph.output[0], "name", "nothing"),
        "output 'nothing' of the model: nothing makes it",
    ),
    "two values of a name": (
        lambda m: m.graph.node[2].output.__setitem__(0, "c"),
        "output 'c' of Relu_2: another value has this name",
    ),
    "an operator": (
        lambda m: setattr(m.graph.node[2], "op_type", "Rleu"),
        "Rleu_2 \\(Rleu, opset 17\\): there is no such operator",
    ),
    "an operator of a later version": (
        lambda m: setattr(m.graph.node[2], "op_type", "Mish"),
        "Mish_2 \\(Mish, opset 17\\): the operator is there from opset 18 on",
    ),
    "a domain": (
        lambda m: setattr(m.graph.node[2], "domain", "com.example"),
        "Relu_2 \\(com.example.Relu, opset None\\): the file imports no operators of the domain 'com.example'",
    ),
    "an opset": (lambda m: setattr(m.opset_import[0], "version", 99), "opset 99: there are 1 to"),
    "an attribute": (
        lambda m: attribute(m, 0, "padding", 1),
        "conv \\(Conv, opset 17\\): attribute 'padding': version 11 has .*pads",
    ),
    "an attribute's type": (
        lambda m: attribute(m, 0, "group", 1.0),
        "conv \\(Conv, opset 17\\): attribute 'group' is of type float; it must be int",
    ),
    "an attribute twice": (lambda m: attribute(m, 0, "pads", [1, 1, 1, 1]), "attribute 'pads' is there twice"),
    "a number of inputs": (
        lambda m: m.graph.node[2].input.append("x"),
        "Relu_2 \\(Relu, opset 17\\): 2 inputs; it takes 1 to 1",
    ),
    "an input left out": (
        lambda m: m.graph.node[0].input.__setitem__(1, ""),
        "conv \\(Conv, opset 17\\): input 'W' is left out",
    ),
    "a file that is missing": (lambda m: external(m, location="w.bin"), "'w.bin', beside the model; give the path"),
    "no graph": (lambda m: m.ClearField("graph"), "the model has no graph"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said(what):
    change, message = WRONG[what]
    with pytest.raises(OnnxError, match=message):
        tg.onnx.load(changed(change))


def test_all_that_is_missing_is_listed_at_once():
    model = parser.parse_model(
        """<ir_version: 8, opset_import: ["": 17]>
        g (float[2] x) => (float[2] z) { [first] y = Foo(x) [second] w = Bar(y) [third] z = Add <axis = 1> (w, w) }"""
    )
    with pytest.raises(OnnxError) as info:
        tg.onnx.load(model)
    for line in (
        "3 nodes",
        "first (Foo, opset 17): there",
        "second (Bar, opset 17): there",
        "third (Add, opset 17): att",
    ):
        assert line in str(info.value)


def test_external_data_are_in_the_folder_of_the_model(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    weight = numpy_helper.to_array(conv_bn_relu().graph.initializer[0])
    (folder / "w.bin").write_bytes(b"head" + weight.tobytes())
    (tmp_path / "outside.bin").write_bytes(weight.tobytes())
    (folder / "link.bin").symlink_to(tmp_path / "outside.bin")

    def load(**entries):
        onnx.save(changed(lambda m: external(m, **entries)), folder / "model.onnx")
        return tg.onnx.load(folder / "model.onnx")

    net = load(location="w.bin", offset=4, length=weight.nbytes)
    assert np.array_equal(net.get_parameter("conv.weight").numpy(), weight)
    for entries, message in (
        ({"location": "v.bin"}, "'v.bin', which is missing"),
        ({"location": "../outside.bin"}, "'../outside.bin', which is not in the folder of the model"),
        ({"location": str(tmp_path / "outside.bin")}, "which is not in the folder of the model"),
        ({"location": "link.bin"}, "'link.bin', which is not in the folder of the model"),
        ({"location": ""}, "which is not in the folder"),
        (
            {"location": "w.bin", "offset": 8},
            "540 bytes; of 'w.bin', a file of 544, it is given 540 from byte 8 on",
        ),
        ({"location": "w.bin", "offset": -1}, "from byte -1 on"),
        ({"location": "w.bin", "length": 7}, "it is given 7 from byte 0"),
        ({"location": "w.bin", "offset": "x"}, "must be integers"),
    ):
        with pytest.raises(OnnxError, match=message):
            load(**entries)


def test_truncated_and_changed_bytes():
    """Whatever is done to a file: it loads, or an OnnxError says why not."""
    data = conv_bn_relu().SerializeToString()
    rng = np.random.default_rng(0)
    refused = 0
    for end in range(0, len(data), 7):
        try:
            tg.onnx.load(data[:end])
        except OnnxError:
            refused += 1
    assert refused > 0.9 * len(range(0, len(data), 7))
    for _ in range(300):
        broken = bytearray(data)
        broken[rng.integers(len(data))] ^= 1 << rng.integers(8)
        try:
            net = tg.onnx.load(bytes(broken))
            net(np.zeros((1, 3, 6, 6), np.float32))
        except OnnxError:
            refused += 1
    with pytest.raises(OnnxError, match="5 bytes can not be read as an ONNX model"):
        tg.onnx.load(b"\0\1\2\3\4")
    with pytest.raises(OnnxError, match="int: it must be a path, bytes, or an onnx"):
        tg.onnx.load(5)


def test_long_data_stay_in_the_file(tmp_path):
    """A file is the same as its bytes, cut off or changed as well; and its weights are in memory once."""
    rng = np.random.default_rng(0)
    weights = {name: rng.standard_normal((700, 700)).astype(np.float32) for name in ("a", "b", "c")}
    nodes = [helper.make_node("MatMul", ["x", "a"], ["y"]), helper.make_node("MatMul", ["y", "b"], ["z"])]
    value = numpy_helper.from_array(weights.pop("c"), "value")
    nodes += [helper.make_node("Constant", [], ["c"], value=value), helper.make_node("Add", ["z", "c"], ["w"])]
    entries = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 700]) for name in "xw"]
    initializers = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "long", entries[:1], entries[1:], initializers)
    data = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()
    path = tmp_path / "model.onnx"

    def loaded(content):
        path.write_bytes(content)
        return tg.onnx.load(path)

    net, same = loaded(data), tg.onnx.load(data)
    assert len(skeleton(str(path))) < 1000
    assert list(net.state_dict()) == list(same.state_dict()) == ["a", "b", "c"]
    assert all(np.array_equal(net.state_dict()[name], array) for name, array in same.state_dict().items())
    tracemalloc.start()
    tg.onnx.load(path)
    assert tracemalloc.get_traced_memory()[1] < 1.5 * len(data)  # two thirds are the largest tensor, twice
    tracemalloc.stop()
    for end in (0, 1, 50, 300, 2000, len(data) // 2, len(data) - 1):
        with pytest.raises(OnnxError):
            loaded(data[:end])
    for place in rng.integers(len(data), size=5).tolist() + rng.integers(100, size=40).tolist():
        broken = bytearray(data)
        broken[place] ^= 1 << rng.integers(8)
        results = []
        for source in (bytes(broken), path):
            path.write_bytes(broken)
            try:
                results.append({name: array.tobytes() for name, array in tg.onnx.load(source).state_dict().items()})
            except OnnxError:
                results.append(None)
        assert results[0] == results[1]


def test_nothing_large_is_computed_before_a_call():
    """A small file may ask for large arrays: by a shape, by repetition, or by broadcasting."""
    column, row = np.arange(50_000).reshape(-1, 1), np.arange(50_000).reshape(1, -1)
    shape = np.array([2**20, 2**20])
    nodes = [
        helper.make_node("Add", ["column", "row"], ["square"]),
        helper.make_node("MatMul", ["column", "row"], ["product"]),
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Expand", ["row", "shape"], ["rows"]),
        helper.make_node("Tile", ["shape", "repeats"], ["tiles"]),
    ]
    made = [helper.make_node("Size", [node.output[0]], [f"n{i}"]) for i, node in enumerate(nodes)]
    outputs = [helper.make_tensor_value_info(f"n{i}", TensorProto.INT64, []) for i in range(len(nodes))]
    arrays = {"column": column, "row": row, "shape": shape, "repeats": np.array([2**40])}
    weights = [numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = helper.make_graph([*nodes, *made], "large", [], outputs, weights)
    tracemalloc.start()
    net = tg.onnx.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    assert tracemalloc.get_traced_memory()[1] < 10_000_000
    tracemalloc.stop()
    assert len(list(net.children())) == len(nodes) + len(made)
