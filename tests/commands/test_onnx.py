"""``python -m tinygrad_cv onnx``: a run's network as a file, looked at, run, checked, and written anew."""

import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.commands.test_predict import described
from tinygrad_cv import models, nn
from tinygrad_cv.__main__ import main

onnx = pytest.importorskip("onnx")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("onnx")


@pytest.fixture(scope="module")
def run(folder):
    return described(folder / "run")


@pytest.fixture(scope="module")
def file(folder, run):
    assert main(["onnx", "convert", str(run), str(folder / "net.onnx")]) == 0
    return folder / "net.onnx"


def test_inspect(file, capsys):
    assert main(["onnx", "inspect", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "opset 17, IR 8, made by tinygrad_cv" in printed
    assert "images: batch x 3 x 16 x 16, float32" in printed and "scores: batch x 6, float32" in printed
    assert re.search(r"^ +2 Conv$", printed, re.M) and re.search(r"^ +2 BatchNormalization$", printed, re.M)
    assert re.search(r"^[\d,]+ numbers in \d+ parameters, 0\.0 MiB$", printed, re.M)


def test_what_cannot_be_loaded_is_listed(tmp_path, capsys):
    node = onnx.helper.make_node("ImageDecoder", ["x"], ["y"], name="decode")
    value = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 2, 4]) for name in "xy"]
    graph = onnx.helper.make_graph([node], "g", value[:1], value[1:])
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 20)]), tmp_path / "x.onnx")
    assert main(["onnx", "inspect", str(tmp_path / "x.onnx")]) == 1
    printed = capsys.readouterr().out
    assert "1 ImageDecoder" in printed and "cannot be loaded: decode (ImageDecoder, opset 20)" in printed


@pytest.mark.parametrize("options", [[], ["--jit", "--time", "2"]])
def test_run(file, run, tmp_path, capsys, options):
    x = np.random.default_rng(0).normal(size=(5, 3, 16, 16)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    given = ["--input", f"images={tmp_path / 'x.npy'}", "--out", str(tmp_path / "out")]
    assert main(["onnx", "run", str(file), *given, *options]) == 0
    wanted = models.load(run)(tg.tensor(x)).detach().numpy()
    np.testing.assert_allclose(np.load(tmp_path / "out" / "scores.npy"), wanted, rtol=1e-4, atol=1e-5)
    printed = capsys.readouterr().out
    assert printed.startswith("scores: 5 x 6, float32, from ")
    assert bool(options) == bool(re.search(r"^median of 2: [\d.]+ ms$", printed, re.M))
    assert main(["onnx", "run", str(file), "--size", "batch=7"]) == 0
    assert capsys.readouterr().out.startswith("scores: 7 x 6, float32")


@pytest.fixture
def small(tmp_path):
    tg.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.GlobalAvgPool2d())
    tg.onnx.export(model, tg.zeros(1, 1, 5, 5), tmp_path / "small.onnx", output_names=["y"])
    return tmp_path / "small.onnx"


def test_check_finds_right_gradients_and_outputs(small, capsys):
    pytest.importorskip("onnxruntime")
    assert main(["onnx", "check", str(small)]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^output y: ONNX Runtime [\d.]+'s differs by \d\.\de[-+]\d\d of the largest$", printed, re.M)
    assert "gradcheck: correct" in printed and "input 0, " in printed and "0.weight, " in printed
    assert main(["onnx", "check", str(small), "--inputs-only"]) == 0
    assert "0.weight, " not in capsys.readouterr().out


def test_check_finds_other_outputs(small, capsys, monkeypatch):
    pytest.importorskip("onnxruntime")
    monkeypatch.setattr("tinygrad_cv.commands.onnx._outputs", lambda net, inputs: [np.ones((1, 2), np.float32)])
    assert main(["onnx", "check", str(small), "--inputs-only"]) == 1


def test_convert_to_another_opset_and_to_weights(file, run, tmp_path, capsys):
    assert main(["onnx", "convert", str(file), str(tmp_path / "new.onnx"), "--opset", "21"]) == 0
    assert onnx.load(tmp_path / "new.onnx").opset_import[0].version == 21
    assert main(["onnx", "convert", str(file), str(tmp_path / "weights.safetensors")]) == 0
    weights = tg.load(tmp_path / "weights.safetensors")
    state = models.load(run).state_dict()
    assert {*weights} == {name for name in state if not name.endswith("num_batches_tracked")}
    for name, array in weights.items():
        np.testing.assert_array_equal(array, state[name])
    x = np.random.default_rng(0).normal(size=(3, 3, 16, 16)).astype(np.float32)
    old, new = (tg.onnx.load(path)(x).numpy() for path in (file, tmp_path / "new.onnx"))
    np.testing.assert_allclose(new, old, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inspect", "none.onnx"], r"there is no file .*none\.onnx\."),
        (["inspect", "text.onnx"], "can not be read as an ONNX model"),
        (["run", "FILE", "--input", "x=FILE"], "--input x: the model's inputs are images."),
        (["run", "FILE", "--input", "images=text.onnx"], "text.onnx is no .npy file that can be read"),
        (["run", "OPEN"], "--size: the file leaves axis 2 of 'x' open. Give --size height=N."),
        (["run", "FILE", "--size", "batch=0"], "'batch=0' must have the form NAME=N"),
        (["run", "FILE", "--input", "images"], "'images' must have the form NAME=FILE"),
        (["convert", "FILE", "new.txt"], "the end of its name must be .onnx or .safetensors"),
        (["convert", "RUN", "new.safetensors"], "is no ONNX model"),
        (["convert", "RUN", "new.onnx", "--opset", "3"], "opset=3; it must be one of 13 to 24"),
    ],
    ids=lambda value: " ".join(value) if type(value) is list else "",
)
def test_what_is_wrong_is_told_in_one_line(arguments, message, file, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.onnx").write_text("no model")
    axes = {"x": {2: "height"}}
    tg.onnx.export(nn.Conv2d(1, 1, 3), tg.zeros(1, 1, 8, 8), tmp_path / "open.onnx", dynamic_axes=axes)
    before = sorted(tmp_path.rglob("*"))
    places = {"FILE": str(file), "RUN": str(run), "OPEN": "open.onnx"}
    with pytest.raises(SystemExit) as stopped:
        raise SystemExit(main(["onnx", *(places.get(word, word) for word in arguments)]))
    assert stopped.value.code == 2 and re.search(message, capsys.readouterr().err.splitlines()[-1])
    assert sorted(tmp_path.rglob("*")) == before
