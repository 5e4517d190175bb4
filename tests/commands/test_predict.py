"""``python -m tinygrad_cv predict`` from a run's folder and image files to classes and pictures."""

import re

import numpy as np
import pytest

import tinygrad_cv as tg
from tinygrad_cv import models
from tinygrad_cv.__main__ import main
from tinygrad_cv.data import preparation
from tinygrad_cv.explain import grad_cam
from tinygrad_cv.files import checkpoint

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")
CLASSES = ("cat", "dog", "emu", "fox", "gnu", "hen")


def described(folder, shape=(3, 16, 16), resize=16, **more):
    """A run's folder: random weights, and images that are resized, so that no training is needed."""
    rng = np.random.default_rng(0)
    prepare = preparation(rng.integers(0, 256, (4, *shape), np.uint8), resize=resize)
    arguments = {"in_channels": shape[0], "image_size": 16, "channels": [4, 4], "num_classes": len(CLASSES)}
    tg.manual_seed(3)
    about = {"model": "convnet", "arguments": arguments, "prepare": {**vars(prepare), **more}, "classes": CLASSES}
    folder.mkdir()
    checkpoint.write(folder / "weights.safetensors", models.convnet(**arguments).state_dict(), about)
    return folder


@pytest.fixture
def run(tmp_path):
    return described(tmp_path / "run")


def photo(path, size=(24, 20), mode="RGB"):
    path.parent.mkdir(exist_ok=True)
    shape = (size[1], size[0], 3)[: 3 if mode == "RGB" else 2]
    Image.fromarray(np.random.default_rng(len(path.name)).integers(0, 256, shape, np.uint8)).save(path)
    return path


@pytest.mark.any_python
def test_the_five_most_probable_classes_and_a_picture_for_each_image(run, tmp_path, capsys):
    photos = [photo(tmp_path / "a" / "x.png"), photo(tmp_path / "b" / "x.png", (16, 40))]
    assert main(["predict", str(run), *map(str, photos)]) == 0
    printed = capsys.readouterr().out
    model = models.load(run)
    for path, part in zip(photos, re.split(r"\n(?=/)", printed), strict=True):
        with Image.open(path) as image:  # the same by Pillow: the shorter side becomes 16, the middle 16 x 16
            w, h = image.size
            scaled = image.resize((16 * w // min(w, h), 16 * h // min(w, h)), Image.Resampling.BILINEAR)
            left, top = (round((side - 16) / 2) for side in scaled.size)
            pixels = np.array(scaled.crop((left, top, left + 16, top + 16))).transpose(2, 0, 1)
        scores = model(tg.tensor(model.prepare(pixels[None]))).numpy()[0].astype(np.float64)
        shares = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        lines = part.splitlines()
        found = re.findall(r"^ +([\d.]+) %  (\w+)$", part, re.M)
        assert lines[0] == str(path) and len(found) == 5
        assert [name for _, name in found] == [CLASSES[i] for i in np.argsort(-shares)[:5]]
        np.testing.assert_allclose([float(share) for share, _ in found], 100 * np.sort(shares)[::-1][:5], atol=0.051)
    for name in ("x.png", "x-2.png"):
        assert f"picture in {run / 'predictions' / name}" in printed
        with Image.open(run / "predictions" / name) as picture:
            assert picture.size[0] > 600


@pytest.mark.any_python
def test_a_class_and_a_layer_are_chosen_and_the_folder(run, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("tinygrad_cv.commands.predict.save_map", lambda *given: drawn.append(given))
    path, model = photo(tmp_path / "x.jpg"), models.load(run)
    options = ["--class", "gnu", "--layer", "features.4", "--out", str(tmp_path / "out")]
    assert main(["predict", str(run), str(path), *options]) == 0
    file, image, map, title, label = drawn[0]
    seen = model.prepare(model.prepare.read(path)[None])
    assert file == tmp_path / "out" / "x.png" and title.startswith("x.jpg: gnu ") and "features.4" in label
    np.testing.assert_allclose(image * 255, model.prepare.read(path), atol=0.01)
    np.testing.assert_array_equal(map.numpy(), grad_cam(model, seen, 4, "features.4").numpy()[0])
    assert map.shape == (8, 8)


@pytest.mark.any_python
def test_colours_are_read_as_the_network_was_trained(tmp_path):
    grey = models.load(described(tmp_path / "grey", (1, 16, 16))).prepare.read(photo(tmp_path / "x.png"))
    assert grey.shape == (1, 16, 16)
    color = models.load(described(tmp_path / "color")).prepare.read(photo(tmp_path / "y.png", mode="L"))
    assert color.shape == (3, 16, 16) and (color[0] == color[2]).all()
    old = described(tmp_path / "old", shape=(3, 16, 16), resize=None) / "weights.safetensors"
    arrays, about = checkpoint.read(old)
    del about["prepare"]["shape"], about["prepare"]["resize"]  # as runs were described before
    checkpoint.write(old, arrays, about)
    assert models.load(old).prepare.read(photo(tmp_path / "z.png", (12, 9))).shape == (3, 9, 12)


@pytest.mark.any_python
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["no/run", "x.png"], "there is no file no/run"),
        (["RUN", "absent.png"], "there is no file absent.png"),
        (["RUN", "text.png"], "text.png is no image that can be read"),
        (["RUN", "RUN"], "should be a file"),
        (["RUN", "x.png", "--class", "cow"], "--class: the network has no class 'cow'; it has"),
        (["RUN", "x.png", "--class", "foxes"], "--class: the network has no class 'foxes'; it has fox."),
        (["RUN", "x.png", "--layer", "feature"], "--layer: grad_cam: layer='feature' is no module of the model; there"),
        (["RUN", "x.png", "--layer", "classifier.0"], "--layer: grad_cam: layer='classifier.0' gives an output of"),
        (["RUN", "x.png", "--out", "text.png"], "--out: text.png"),
        (["SIZED", "x.png"], "x.png is 24 x 20 pixels, and the network was trained on images of 16 x 16"),
        (["FLOATS", "x.png"], "trained on images of 3 channels and float32, which no image file gives"),
    ],
    ids=lambda value: " ".join(value) if type(value) is list else "",
)
def test_what_is_wrong_is_told_in_one_line(options, message, run, tmp_path, monkeypatch, capsys):
    places = {"RUN": run, "SIZED": described(tmp_path / "sized", resize=None)}
    places["FLOATS"] = described(tmp_path / "floats", dtype="float32")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("no image")
    photo(tmp_path / "x.png")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        main(["predict", *(str(places.get(word, word)) for word in options)])
    err = capsys.readouterr().err
    assert stopped.value.code == 2 and err.startswith("error: ") and err.count("\n") == 1 and message in err
    assert sorted(tmp_path.rglob("*")) == before
