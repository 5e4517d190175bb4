"""What a loaded file is as a module: names, modes, constants, gradients, and what it refuses."""

import copy
import pickle
import subprocess
import sys
import weakref

import numpy as np
import pytest

pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper, parser

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.onnx.weights import conv_bn_relu
from tinygrad_cv.core.context import eager, using
from tinygrad_cv.tracing.guards import Guards

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 3, 6, 6)).astype(np.float32)


def parsed(text, opset=17):
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": {opset}]>\n{text}')


def test_parameters_have_the_names_in_the_file():
    net = tg.onnx.load(conv_bn_relu())
    assert [name for name, _ in net.named_parameters()] == ["conv.weight", "bn.scale", "bn.bias"]
    assert [name for name, _ in net.named_buffers()] == ["bn.mean", "bn.var"]
    assert net.get_submodule("conv").get_parameter("weight").shape == (5, 3, 3, 3)
    state = net.state_dict()
    other = tg.onnx.load(conv_bn_relu(seed=1))
    other.load_state_dict(state)
    assert np.array_equal(other(X).numpy(), net(X).numpy())


def test_values_and_gradients_are_those_of_the_functionals():
    net = tg.onnx.load(conv_bn_relu())
    w, scale, bias = net.parameters()
    mean, var = net.buffers()
    x, z = (tg.tensor(X, requires_grad=True) for _ in range(2))
    y = net(x)
    expected = F.relu(F.batch_norm(F.conv2d(z, w, padding=1), mean, var, scale, bias))
    assert np.array_equal(y.numpy(), expected.numpy())
    ours, theirs = tg.grad(y.square().sum(), [x, w, scale]), tg.grad(expected.square().sum(), [z, w, scale])
    for a, b in zip(ours, theirs, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_training_updates_the_averages_and_evaluation_does_not():
    net = tg.onnx.load(conv_bn_relu(momentum=0.75))
    assert not net.training
    mean, var = (buffer.numpy().copy() for buffer in net.buffers())
    net(X)
    assert np.array_equal(net.get_buffer("bn.mean").numpy(), mean)
    net.train()(X)
    z = F.conv2d(X, net.get_parameter("conv.weight"), padding=1).numpy()
    assert net.get_buffer("bn.mean").numpy() == pytest.approx(
        0.75 * mean + 0.25 * z.mean((0, 2, 3)), rel=1e-5, abs=1e-6
    )
    assert net.get_buffer("bn.var").numpy() == pytest.approx(0.75 * var + 0.25 * z.var((0, 2, 3)), rel=1e-5)


def test_a_node_begins_in_the_mode_of_the_file():
    net = tg.onnx.load(
        parsed(
            """g (float[N, 2, 3] x) => (float[N, 2, 3] y, float[N, 2, 3] z)
            <float[2] one = {1.0, 1.0}, float[2] zero = {0.0, 0.0}, bool yes = {1}, float half = {0.5}> {
            y, m, v = BatchNormalization <training_mode = 1> (x, one, zero, zero, one)
            z = Dropout (x, half, yes)
            }"""
        )
    )
    x = RNG.standard_normal((50, 2, 3)).astype(np.float32)
    y, z = net(x)
    assert y.numpy().mean((0, 2)) == pytest.approx([0, 0], abs=1e-5)
    assert 0 < (z.numpy() == 0).sum() < z.size
    y, z = net.eval()(x)
    assert np.array_equal(z.numpy(), x)
    assert abs(y.numpy().mean((0, 2))).max() > 1e-3


def test_averages_that_the_caller_gives_stay_as_they_are():
    net = tg.onnx.load(
        parsed(
            """g (float[N, 2] x, float[2] mean) => (float[N, 2] y)
            <float[2] one = {1.0, 1.0}, float[2] zero = {0.0, 0.0}> {
            y, m, v = BatchNormalization <training_mode = 1> (x, one, zero, mean, one)
            }"""
        )
    )
    mean = tg.tensor([3.0, 4.0])
    net(X[0, 0, :, :2], mean)
    assert mean.tolist() == [3.0, 4.0]
    assert [name for name, _ in net.named_buffers()] == []


def test_arithmetic_of_shapes_leaves_no_trace():
    net = tg.onnx.load(
        parsed(
            """g (float[N, 3, H, W] x) => (float[N, M] y) <int64[1] two = {2}, int64[1] last = {-1}, int64 zero = {0}> {
            shape = Shape(x)
            n = Gather(shape, zero)
            axes = Constant <value = int64[1] {0}> ()
            first = Unsqueeze(n, axes)
            twice = Mul(two, two)
            half = Div(twice, two)
            same = Div(half, two)
            rows = Mul(first, same)
            whole = Concat <axis = 0> (rows, last)
            y = Reshape(x, whole)
            }"""
        )
    )
    names = []

    def interpreted(primitive, values, params):
        names.append(primitive.name)
        return eager(primitive, values, params)

    with using(interpret=interpreted):
        assert net(X).shape == (4, 108)
    assert names == ["reshape"]
    assert tg.jit(net)(X[:2]).shape == (2, 108)


def test_constants_of_nodes_are_parameters_and_numbers_are_not():
    net = tg.onnx.load(
        parsed(
            """g (float[N, 2] x) => (float[N, 2] y) {
            w = Constant <value = float[2] {1.0, 2.0}> ()
            six = Constant <value = float {6.0}> ()
            v = Mul(x, w)
            y = Div(v, six)
            }"""
        )
    )
    assert [name for name, _ in net.named_parameters()] == ["w"]
    assert net([[6.0, 6.0]]).tolist() == [[1.0, 2.0]]


def test_compiled_calls_do_not_compare_numbers_that_nobody_can_change():
    net = tg.onnx.load(
        parsed(
            """g (float[N, 2] x) => (float[M] y) <int64[1] all = {-1}, float six = {6.0}, float[2] w = {1.0, 2.0}> {
            v = Mul(x, w)
            u = Div(v, six)
            y = Reshape(u, all)
            }"""
        )
    )
    assert tg.jit(net)([[6.0, 6.0]]).tolist() == [1.0, 2.0]
    assert Guards({"net": net}).nbytes == 0
    assert Guards({"net": pickle.loads(pickle.dumps(net))}).nbytes == 12, "copies can be changed"
    assert Guards({"net": net.to("float64")}).nbytes == 0


def test_copies_pickles_and_compiled_calls_agree():
    net = tg.onnx.load(conv_bn_relu())
    y = net(X).numpy()
    for same in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert np.array_equal(same(X).numpy(), y)
        with tg.no_grad():
            same.get_parameter("conv.weight").assign(np.zeros((5, 3, 3, 3), np.float32))
        assert not np.array_equal(same(X).numpy(), y)
    assert tg.jit(net)(X).numpy() == pytest.approx(y, rel=1e-5, abs=1e-6)
    assert "BatchNormalization" in repr(net)


def test_gradients_are_checked_by_node():
    net = tg.onnx.load(conv_bn_relu()).to("float64")
    assert tg.gradcheck(net, tg.tensor(X[:1].astype(np.float64)))


def test_derivations_and_summaries_have_the_names_of_the_file():
    net = tg.onnx.load(conv_bn_relu())
    text = str(tg.derive(lambda x: net(x).sum(), tg.tensor(X[:1])))
    assert "net_bn_var" in text and "net_conv_weight" in text
    assert "5 x 6 x 6" in str(tg.nn.summary(net, tg.tensor(X)))
    shapes = []
    net.get_submodule("bn").register_forward_hook(lambda module, args, output: shapes.append(output.shape))
    net(X)
    assert shapes == [(4, 5, 6, 6)]


def test_the_picture_shows_the_nodes_of_the_file():
    net = tg.onnx.load(conv_bn_relu())
    text = tg.graph(net, tg.tensor(X)).text(depth=1)
    assert "conv" in text and "bn" in text and "Relu_2" in text


def test_names_that_modules_can_not_have():
    weights = {"training": 1.0, "a": 2.0, "a.b": 3.0, ".c": 4.0, "forward.x": 5.0, "_buffers": 6.0}
    nodes, last = [], "x"
    for number, name in enumerate(weights):
        nodes.append(helper.make_node("Add", [last, name], [f"y{number}"], name="a.b" if number == 0 else "eval"))
        last = f"y{number}"
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "g",
        [value("x", TensorProto.FLOAT, [2])],
        [value(last, TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.full(2, number, np.float32), name) for name, number in weights.items()],
    )
    net = tg.onnx.load(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]))
    assert net([0.0, 1.0]).tolist() == [21.0, 22.0]
    assert sorted(p.tolist()[0] for p in net.parameters()) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert net.eval().training is False
    assert len(net.state_dict()) == 6


def test_inputs_by_name_and_what_does_not_fit():
    net = tg.onnx.load(conv_bn_relu())
    assert np.array_equal(net(x=X).numpy(), net(X).numpy())
    for args, named in (([], {}), ([X, X], {}), ([X], {"x": X}), ([], {"y": X})):
        with pytest.raises(tg.onnx.OnnxError, match="the model takes 1: 'x': N x 3 x 6 x 6, float32"):
            net(*args, **named)
    with pytest.raises(tg.onnx.OnnxError, match="input of shape \\(3, 6, 6\\); the model takes 'x'"):
        net(X[0])
    with pytest.raises(tg.onnx.OnnxError, match="input of dtype int32; the model takes"):
        net(X.astype(np.int32))
    with pytest.raises(tg.onnx.OnnxError, match="conv \\(Conv, opset 17\\): input of 2 channels") as info:
        net(X[:, :2])
    assert (info.value.node, info.value.operator, info.value.opset) == ("conv", "Conv", 17)
    assert str(pickle.loads(pickle.dumps(info.value))) == str(info.value)


def test_the_package_is_imported_when_a_file_is_read():
    code = (
        "import sys, tinygrad_cv as tg\n"
        "tg.onnx.load; assert 'onnx' not in sys.modules; sys.modules['onnx'] = None\n"
        "try: tg.onnx.load('model.onnx')\n"
        "except ModuleNotFoundError as error: print(error)"
    )
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "pip install onnx, or tinygrad_cv[onnx]" in text


FORKED = """g (float[N] x) => (float[N] y) {
    [a] p = Neg(x)
    [b] q = Exp(x)
    [c] r = Abs(p)
    [d] s = Add(q, r)
    [e] t = Sqrt(r)
    [f] y = Mul(s, t)
}"""


def test_nodes_run_in_the_order_of_the_file_or_in_one_that_will_do():
    net = tg.onnx.load(parsed(FORKED))
    assert [name for name, _ in net.named_children()] == ["a", "b", "c", "d", "e", "f"]
    model = parsed(FORKED)
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    assert tg.onnx.load(model)([4.0]).tolist() == net([4.0]).tolist()


def test_values_go_when_nobody_reads_them_any_more():
    net, alive = tg.onnx.load(parsed(FORKED)), {}
    for name, node in net.named_children():

        def note(module, args, output, name=name):
            alive[name] = weakref.ref(output)
            if name == "f":
                return {key for key, value in alive.items() if value() is not None}
            return None

        node.register_forward_hook(note)
    with tg.no_grad():
        assert net([4.0]) == {"d", "e", "f"}  # f's inputs and its output
