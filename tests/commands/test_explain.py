"""``python -m tinygrad_cv explain`` from a run's folder and image files to pictures of five methods."""

import re

import numpy as np
import pytest

from tests.commands.test_predict import CLASSES, described, photo
from tinygrad_cv import models
from tinygrad_cv.__main__ import main
from tinygrad_cv.explain import occlusion, randomized, rank_correlation

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("matplotlib")
pytestmark = pytest.mark.any_python


@pytest.fixture
def run(tmp_path):
    return described(tmp_path / "run")


def test_a_picture_for_each_image_and_a_correlation_for_each_method(run, tmp_path, capsys):
    photos = [photo(tmp_path / "a" / "x.png"), photo(tmp_path / "b" / "x.png")]
    assert main(["explain", str(run), *map(str, photos)]) == 0
    printed = capsys.readouterr().out
    assert len(re.findall(r"^x\.png: (\w+) [\d.]+ %$", printed, re.M)) == 2
    for title in ("Saliency", "SmoothGrad", "Integrated gradients", "Grad-CAM", "Occlusion"):
        assert len(re.findall(rf"^  {title} +rank correlation with .*: +-?[01]\.\d\d$", printed, re.M)) == 2
    for name in ("x.png", "x-2.png"):
        with Image.open(run / "explanations" / name) as picture:
            assert picture.size[0] > 1000 > picture.size[1] > 400


def test_maps_and_correlations_are_those_of_the_functions(run, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr("tinygrad_cv.commands.explain.save_explanations", lambda *given: drawn.append(given))
    path, model = photo(tmp_path / "x.jpg"), models.load(run)
    options = ["--class", "gnu", "--methods", "occlusion", "--out", str(tmp_path / "out")]
    assert main(["explain", str(run), str(path), *options]) == 0
    file, image, rows, title, notes = drawn[0]
    seen = model.prepare(model.prepare.read(path)[None])
    maps = [occlusion(net, seen, CLASSES.index("gnu")).numpy()[0] for net in (model, randomized(model))]
    assert file == tmp_path / "out" / "x.png" and title.startswith("x.jpg: gnu ")
    for found, wanted in zip(rows.values(), maps, strict=True):
        np.testing.assert_array_equal(found["Occlusion"].numpy(), wanted)
    assert list(notes.values()) == [{"Occlusion": f"rank correlation {rank_correlation(*maps):.2f}"}]
    np.testing.assert_allclose(image * 255, model.prepare.read(path), atol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["no/run", "x.png"], "there is no file no/run"),
        (["RUN", "absent.png"], "there is no file absent.png"),
        (["RUN", "x.png", "--class", "cow"], "--class: the network has no class 'cow'; it has"),
        (["RUN", "x.png", "--methods", "grad"], "there is no 'grad'; similar names: gradcam"),
        (["RUN", "x.png", "--out", "x.png"], "--out: x.png"),
    ],
    ids=lambda value: " ".join(value) if type(value) is list else "",
)
def test_what_is_wrong_is_told_in_one_line(options, message, run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    photo(tmp_path / "x.png")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as stopped:
        main(["explain", *(str(run) if word == "RUN" else word for word in options)])
    assert stopped.value.code == 2 and message in capsys.readouterr().err.splitlines()[-1]
    assert sorted(tmp_path.rglob("*")) == before
