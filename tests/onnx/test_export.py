"""Models that are written as ONNX: operators, names, open sizes; ONNX Runtime computes what this library does."""

from __future__ import annotations

import zlib
from collections import Counter

import numpy as np
import pytest

import tinygrad_cv as tg
import tinygrad_cv.functional as F
from tests.functional.agreement.table import rows
from tests.onnx.exports import RANDOM, campaign, outside, session
from tinygrad_cv import models, nn
from tinygrad_cv.onnx import OnnxError, export

pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed: pip install 'tinygrad_cv[test]'")

ROWS = [row for row in rows() if row.name not in RANDOM]
CALLS = 3  # of each functional, always the same


def operators(model):
    return Counter(node.op_type for node in model.graph.node)


def relative(a, b):
    return np.abs(a - b).max() / np.abs(a).max()


@pytest.mark.parametrize("opset", [13, 17, 21])
def test_functionals_are_what_they_are_here(opset):
    by_name = {}
    for row in sorted(ROWS, key=lambda row: zlib.crc32(row.id.encode())):
        by_name.setdefault(row.name, []).append(row)
    agreed, refused, wrong = campaign([row for each in by_name.values() for row in each[:CALLS]], opset)
    assert not wrong
    names = {row.partition("[")[0] for ids in refused.values() for row in ids}
    assert names <= {"roi_pool"} | (
        {"roi_align", "max_unpool1d", "max_unpool2d", "max_unpool3d"} if opset < 16 else set()
    )
    assert set(agreed) | names == set(by_name)


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [
        ("lenet5", (1, 28, 28), {"Conv": 2, "Relu": 3, "MaxPool": 2, "Reshape": 1, "Gemm": 2}),
        ("resnet20", (3, 32, 32), {"Conv": 21, "BatchNormalization": 21, "Relu": 19, "Add": 9, "Gemm": 1}),
        ("squeezenet1_1", (3, 64, 64), {"Conv": 26, "Relu": 26, "MaxPool": 3, "Concat": 8, "GlobalAveragePool": 1}),
        ("mobilenet_v3_small", (3, 64, 64), {"Conv": 52, "HardSwish": 19, "HardSigmoid": 9, "GlobalAveragePool": 10}),
        ("shufflenet_v2_x0_5", (3, 64, 64), {"Conv": 56, "Transpose": 16, "Concat": 16}),
    ],
)
def test_models(name, size, expected):
    """Operators are those of the layers, and any batch goes through."""
    tg.manual_seed(0)
    model = models.get(name)
    written = export(model, tg.zeros(1, *size), dynamic_axes={"x": {0: "batch"}}, input_names=["x"])
    found = operators(written)
    assert {op: found[op] for op in expected} == expected
    assert {tensor.name for tensor in written.graph.initializer} <= {*model.state_dict()} | {
        t.name for t in written.graph.initializer if t.name.startswith("constant")
    }
    x = tg.randn(3, *size)
    with tg.no_grad():
        wanted = model.eval()(x).numpy()
    (got,) = outside(written, x)
    assert relative(wanted, got) < 1e-5


def test_parameters_and_nodes_have_the_names_of_the_modules():
    model = models.lenet5()
    written = export(model, tg.zeros(1, 1, 28, 28))
    assert [tensor.name for tensor in written.graph.initializer][:2] == ["conv1.weight", "conv1.bias"]
    assert [node.name for node in written.graph.node][:2] == ["conv1/Conv", "relu1/Relu"]
    arrays = model.state_dict()
    for tensor in written.graph.initializer:
        if tensor.name in arrays:
            assert tensor.raw_data == arrays[tensor.name].tobytes()


def test_heights_and_widths_can_be_left_open():
    model = models.unet(width=4).eval()
    written = export(model, tg.zeros(1, 3, 32, 32), dynamic_axes={"x": {0: "n", 2: "h", 3: "w"}})
    dims = [d.dim_param or d.dim_value for d in written.graph.output[0].type.tensor_type.shape.dim]
    assert dims == ["n", 2, "h", "w"]
    for shape in (2, 3, 64, 32), (1, 3, 16, 48):
        x = tg.randn(*shape)
        assert relative(model(x).detach().numpy(), outside(written, x)[0]) < 1e-5


WEIGHT = np.arange(1.0, 5.0, dtype=np.float32)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: x.mean((2, 3)) + x.max((2, 3)),
        lambda x: x * x.shape[0] + x / (x.shape[2] * x.shape[3]),
        lambda x: F.layer_norm(x, x.shape[1:]),
        lambda x: F.group_norm(x, 2, WEIGHT),
        lambda x: F.instance_norm(x),
        lambda x: F.batch_norm(x, training=True),
        lambda x: F.interpolate(x, (2 * x.shape[2], x.shape[3])),
        lambda x: F.mse_loss(x, 2 * x),
        lambda x: x.reshape(len(x), -1, x.shape[3]).flip(2),
        lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    ],
)
def test_what_depends_on_open_sizes_is_right_at_others(call):
    """Counts of means, shapes of norms: each is a number in the recorded call, and must not be one in the file."""
    axes = {"x": {0: "n", 2: "h", 3: "w"}}
    written = export(call, tg.zeros(1, 4, 8, 8), input_names=["x"], dynamic_axes=axes)
    for shape in (1, 4, 8, 8), (3, 4, 12, 7), (2, 4, 5, 16):
        x = tg.randn(*shape)
        wanted, (got,) = call(x).numpy(), outside(written, x)
        assert got.shape == wanted.shape
        assert relative(wanted, got) < 1e-5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: F.avg_pool2d(x, x.shape[2:]), "kernel of windows"),
        (lambda x: F.pad(x, (0, x.shape[3] // 2)), "width of pad"),
        (lambda x: x + tg.arange(x.shape[3]), "an array of shape"),
        (lambda x: x * (x.shape[3] - 1.0), "the number"),
        (lambda x: F.adaptive_avg_pool2d(x, x.shape[2] // 2), "mul, which is reshape at another size,"),
    ],
)
def test_what_cannot_be_written_for_open_sizes_is_refused(call, words):
    with pytest.raises(OnnxError, match=f"{words} .*follows from"):
        export(call, tg.zeros(1, 4, 8, 8), input_names=["x"], dynamic_axes={"x": {2: "h", 3: "w"}})


def test_a_gradient_is_a_model_too():
    """Its backward pass is made of primitives, and so is the file."""
    model = models.convnet().eval()

    def saliency(x):
        x = x.detach().requires_grad_()
        return tg.grad(model(x)[:, 3].sum(), x)

    written = export(saliency, tg.zeros(2, 1, 28, 28), dynamic_axes={"x": {0: "batch"}})
    x = tg.randn(5, 1, 28, 28)
    assert relative(saliency(x).numpy(), outside(written, x)[0]) < 1e-5


def test_training_mode():
    """Batch statistics and dropout; the module's mode and its running averages stay as they are."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.25), nn.Flatten()).eval()
    before = {key: value.copy() for key, value in model.state_dict().items()}
    x = tg.randn(8, 3, 32, 32) * 3 + 1
    written = export(model, x, training=True)
    assert operators(written) >= Counter({"Conv": 1, "Sqrt": 1, "Div": 1, "Dropout": 1})
    (y,) = outside(written, x)
    assert not model.training
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[key])
    normalized = nn.Sequential(*list(model)[:2]).train()(x).detach().numpy().reshape(8, -1)
    kept = y != 0
    assert abs(kept.mean() - 0.75) < 0.02
    np.testing.assert_allclose(y[kept], normalized[kept] / 0.75, rtol=1e-4, atol=1e-4)
    assert operators(export(model, x)) == {"Conv": 1, "BatchNormalization": 1, "Reshape": 1}


@pytest.mark.parametrize(
    ("call", "mean", "distinct"),
    [
        (lambda x: F.dropout(x, 0.3, True), 1.0, None),
        (lambda x: F.dropout2d(x, 0.3, True), 1.0, (2, 3)),
        (lambda x: F.stochastic_depth(x, 0.3, "row", True), 1.0, (1, 2, 3)),
        (lambda x: F.rrelu(-x, 0.2, 0.4, True), -0.3, None),
        (lambda x: tg.rand(*x.shape) + x, 1.5, None),
        (lambda x: tg.randn(*x.shape) + x, 1.0, None),
        (lambda x: F.dropout(x, 1.0, True), 0.0, None),
    ],
)
def test_random_functions_draw_anew_in_each_run(call, mean, distinct):
    written = export(call, tg.ones(64, 16, 8, 8), input_names=["x"], dynamic_axes={"x": {0: "batch"}})
    x = tg.ones(128, 32 // 2, 8, 8)
    running = session(written)  # a new session would draw the same numbers again
    (first,), (second,) = running.run(None, {"x": x.numpy()}), running.run(None, {"x": x.numpy()})
    units = first if distinct is None else first.mean(distinct)
    assert first.shape == x.shape
    assert abs(first.mean() - mean) <= 5 * units.std() / np.sqrt(units.size)
    assert mean == 0.0 or (first != second).any()
    if distinct is not None:
        np.testing.assert_array_equal(first.max(distinct), first.min(distinct))


def test_several_inputs_and_outputs():
    def both(x, scale, *, shift):
        return {"sum": x * scale + shift["by"], "same": x}

    x, scale, shift = tg.randn(2, 3), tg.randn(3), tg.randn(2, 1)
    written = export(both, (x, scale), kwargs={"shift": {"by": shift}}, output_names=["sum", "same"])
    assert [v.name for v in written.graph.input] == ["x", "scale", "shift.by"]
    a, b = outside(written, x, scale, shift)
    np.testing.assert_allclose(a, (x * scale + shift).numpy(), rtol=1e-6)
    np.testing.assert_array_equal(b, x.numpy())


def test_float64_and_float16():
    model = nn.Sequential(nn.Linear(4, 3), nn.Tanh())
    for dtype, bound in ("float64", 1e-12), ("float16", 2e-3):
        cast = model.astype(dtype) if hasattr(model, "astype") else model.to(dtype)
        x = tg.randn(5, 4).astype(dtype)
        (got,) = outside(export(cast, x), x)
        assert got.dtype == dtype
        assert relative(cast(x).detach().numpy().astype(float), got.astype(float)) < bound


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"opset": 12}, "opset=12; it must be one of 13 to 24"),
        ({"input_names": ["a", "b"]}, "input_names=['a', 'b']; 1 different names are needed, in place of ['x']"),
        ({"dynamic_axes": {"y": {0: "n"}}}, "dynamic_axes of 'y'; the inputs are x"),
        ({"dynamic_axes": {"x": {4: "n"}}}, "dynamic_axes of 'x' has axis 4; it has 4 axes"),
        ({"dynamic_axes": {"x": {2: "h"}}}, "the model does not work at other sizes of h: input of shape (2, 336)"),
        ({"dynamic_axes": {"x": {0: "n", 1: "n"}}}, "dynamic_axes give the name 'n' to sizes that differ"),
    ],
)
def test_errors(options, words, tmp_path):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 5))
    path = tmp_path / "model.onnx"
    path.write_bytes(b"before")
    with pytest.raises(OnnxError) as caught:
        export(model, tg.zeros(2, 3, 8, 8), path, **options)
    assert words in str(caught.value)
    assert path.read_bytes() == b"before"
    assert model.training


@pytest.mark.parametrize("name", ["lenet5", "resnet20"])
def test_what_is_written_is_read_again_to_the_same_values_and_gradients(name):
    tg.manual_seed(0)
    model = models.get(name).eval()
    x = tg.randn(2, *((1, 28, 28) if name == "lenet5" else (3, 32, 32)))
    again = tg.onnx.load(export(model, x))
    assert dict(again.named_parameters()).keys() == dict(model.named_parameters()).keys()
    a, b = (net(x).square().sum() for net in (model, again))
    a.backward(), b.backward()
    assert relative(a.item(), b.item()) < 1e-6
    for (key, p), (_, q) in zip(sorted(model.named_parameters()), sorted(again.named_parameters()), strict=True):
        assert relative(p.grad.numpy(), q.grad.numpy()) < 1e-5, key
    assert relative(model(x).detach().numpy(), outside(export(again, x), x)[0]) < 1e-5


def test_the_file_is_what_is_returned(tmp_path):
    import onnx

    path = tmp_path / "model.onnx"
    written = export(nn.Conv2d(3, 4, 3), tg.zeros(2, 3, 8, 8), path)
    assert onnx.load(path) == written
