"""``predict`` and ``explain`` of ONNX files: those of runs say how images are prepared, those of others are told."""

import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tests.commands.test_predict import described, photo
from tinygrad_cv import nn
from tinygrad_cv.__main__ import main

pytest.importorskip("onnx")
pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")


def answers(printed):
    return re.findall(r"^ +([\d.]+) %  (\S+)$", printed, re.M)


def test_a_run_and_its_onnx_file_answer_alike(tmp_path, capsys):
    run, file, image = described(tmp_path / "run"), tmp_path / "net.onnx", photo(tmp_path / "x.png")
    assert main(["onnx", "convert", str(run), str(file)]) == 0
    capsys.readouterr()
    pictures = []
    for place in (run, file):
        out = tmp_path / place.stem / "out"
        assert main(["predict", str(place), str(image), "--class", "fox", "--out", str(out)]) == 0
        pictures.append((answers(capsys.readouterr().out), (out / "x.png").exists()))
    (first, drawn), (second, also) = pictures
    assert drawn and also and [name for _, name in first] == [name for _, name in second]
    np.testing.assert_allclose([float(share) for share, _ in first], [float(share) for share, _ in second], atol=0.11)
    assert main(["explain", str(file), str(image), "--methods", "gradcam", "saliency"]) == 0
    assert (tmp_path / "explanations" / "x.png").exists()


@pytest.mark.parametrize("softmax", [False, True])
def test_a_file_of_others(softmax, tmp_path, capsys):
    """Mean and deviation by channel, a size, labels; probabilities are not taken for scores."""
    tg.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.GlobalAvgPool2d(), nn.Linear(4, 3)]
    model, file = nn.Sequential(*layers), tmp_path / "net.onnx"
    ending = nn.Sequential(model, nn.Softmax(1)) if softmax else model
    axes = {"x": {0: "n", 2: "h", 3: "w"}}
    tg.onnx.export(ending, tg.zeros(1, 3, 16, 16), file, input_names=["x"], dynamic_axes=axes)
    (tmp_path / "labels.txt").write_text("ant\nbee\ncow\n")
    image, mean, std = photo(tmp_path / "x.png", (20, 20)), ["0.4", "0.5", "0.6"], ["0.2"]
    options = ["--labels", str(tmp_path / "labels.txt"), "--image-size", "20", "--mean", *mean, "--std", *std]
    assert main(["predict", str(file), str(image), *options]) == 0
    from PIL import Image

    with Image.open(image) as picture:
        pixels = np.asarray(picture, np.float32).transpose(2, 0, 1) / 255
    x = (pixels - np.float32(mean).reshape(3, 1, 1)) / np.float32(0.2)
    shares = tg.functional.softmax(model(tg.tensor(x[None])), 1).numpy()[0]
    order = np.argsort(-shares)
    found = answers(capsys.readouterr().out)
    assert [name for _, name in found] == [("ant", "bee", "cow")[i] for i in order]
    np.testing.assert_allclose([float(share) for share, _ in found], 100 * shares[order], atol=0.06)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.onnx", "x.png"], "none.onnx"),
        (["FILE", "x.png", "--labels", "few.txt"], "--labels: few.txt has 1 lines; the network has 6 classes"),
        (["FILE", "x.png", "--mean", "1", "2"], "--mean: 2 numbers; give one, or one for each of 3 channels"),
        (["RUN", "x.png", "--std", "1"], "--std is for ONNX files; a run says itself how images are prepared"),
        (["MAPS", "x.png"], "gives an output of shape (1, 1, 6, 6); it must be scores N x classes"),
        (["OTHER", "x.png"], "its entry 'tinygrad_cv' says nothing of images and classes"),
        (["VECTORS", "x.png"], "predict needs a network of images N x C x H x W"),
    ],
    ids=lambda value: " ".join(value) if type(value) is list else "",
)
def test_what_is_wrong_is_told_in_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    places = {"RUN": described(tmp_path / "run"), "FILE": "plain.onnx", "MAPS": "maps.onnx", "VECTORS": "vectors.onnx"}
    tg.onnx.export(tg.models.load(places["RUN"]), tg.zeros(1, 3, 16, 16), "plain.onnx")
    tg.onnx.export(nn.Conv2d(1, 1, 3), tg.zeros(1, 1, 8, 8), "maps.onnx")
    tg.onnx.export(nn.Linear(4, 3), tg.zeros(1, 4), "vectors.onnx")
    other = tg.onnx.export(nn.Conv2d(1, 1, 3), tg.zeros(1, 1, 8, 8))
    other.metadata_props.add(key="tinygrad_cv", value='{"prepare": 3}')
    (tmp_path / "other.onnx").write_bytes(other.SerializeToString())
    places["OTHER"] = "other.onnx"
    (tmp_path / "few.txt").write_text("one")
    photo(tmp_path / "x.png", (16, 16))
    with pytest.raises(SystemExit) as stopped:
        main(["predict", *(str(places.get(word, word)) for word in arguments)])
    err = capsys.readouterr().err
    assert stopped.value.code == 2 and err.count("\n") == 1 and message in err
